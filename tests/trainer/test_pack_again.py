"""A packed set that is there already: kept while it is fresh, and made anew without losing what it was."""

import contextlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract import image, pixels
from tests.trainer.test_pack import Configure, Heard, WritePictures, sides, why
from trainer.dataset import pack
from trainer.dataset.findings import SIDES
from trainer.errors import DataError
from trainer.progress import Silent


def test_a_fresh_set_is_not_packed_again(pictures: Path, root: Path, configure: Configure) -> None:
    config = configure(pictures)
    assert why(config, root) == "it has not been packed yet"
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert why(config, root) is None
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_touching_files_changes_nothing(pictures: Path, root: Path, configure: Configure) -> None:
    why(configure(pictures), root)
    for path in pictures.iterdir():
        os.utime(path, (1, 1))
    assert why(configure(pictures), root) is None


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"Pretreatment": {"Blur": 3}}, "the config has changed: Pretreatment.Blur was -1, is 3"),
        ({"Pretreatment": {"Resize": [40, 16]}}, "the config has changed: Width was 48, is 40"),
        ({"Model": {"CharSet": "9876543210"}}, "the config has changed: Symbols was 0123456789, is 9876543210"),
        ({"System": {"TestSetNum": 9}}, "the config has changed: TestSetNum was None, is 9"),
        ({"Trains": {"BatchSize": 3}}, None),
        ({"Pretreatment": {"Resize": [48, 16]}}, None),
    ],
)
def test_only_what_matters_in_the_config_makes_it_stale(
    pictures: Path, root: Path, configure: Configure, sections: dict[str, dict[str, object]], reason: str | None
) -> None:
    why(configure(pictures), root)
    assert why(configure(pictures, **sections), root) == reason


def test_changed_pictures_make_it_stale(
    pictures: Path, root: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    config = configure(pictures)
    why(config, root)
    write_pictures(pictures, ["1_new.png", "2_new.png"])
    assert why(config, root) == "2 pictures added"
    (pictures / "2_new.png").unlink()
    assert why(config, root) == "1 picture removed"
    Image.new("L", (48, 16), 3).save(pictures / "1_new.png")
    assert why(config, root) == "1 picture changed"
    (pictures / "1_new.png").rename(pictures / "7_new.png")
    assert why(config, root) == "1 picture added, 1 picture removed"
    assert why(config, root) is None


def test_a_damaged_packed_set_is_packed_again(pictures: Path, root: Path, configure: Configure) -> None:
    config = configure(pictures)
    packed = pack.prepare(config, Silent(), root=root)
    packed.files["train"].write_bytes(packed.files["train"].read_bytes()[:-1])
    assert why(config, root) == f"{packed.files['train'].name} is missing or not as it was written"
    (root / "tiny" / "manifest.json").write_text("{")
    assert why(config, root) == "it has not been packed yet"


def test_adding_pictures_moves_nobody(
    pictures: Path, root: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    before = sides(pack.prepare(configure(pictures), Silent(), root=root))
    write_pictures(pictures, [f"{number}_more.png" for number in range(60)])
    after = sides(pack.prepare(configure(pictures), Silent(), root=root))
    assert len(after) == len(before) + 60
    assert {digest: after[digest] for digest in before} == before
    assert {side for digest, side in after.items() if digest not in before} == {"train", "test"}


def test_adding_pictures_decodes_only_the_new_ones(
    pictures: Path, root: Path, configure: Configure, write_pictures: WritePictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack.prepare(configure(pictures), Silent(), root=root)
    write_pictures(pictures, ["1_new.png", "2_new.png"])
    decoded = []
    read = image.read

    def count_and_read(content: bytes, steps: pixels.Steps, size: tuple[int, int]) -> image.Picture:
        decoded.append(content)
        return read(content, steps, size)

    monkeypatch.setattr(image, "read", count_and_read)
    heard = Heard()
    packed = pack.prepare(configure(pictures), heard, root=root)
    assert heard.sentences == ["Packing tiny: 2 pictures added", "40 pictures are packed already"]
    assert len(decoded) == 2
    anew = pack.pack(configure(pictures), Silent(), root=root)
    assert len(decoded) == 2 + 42
    assert anew.fingerprint == packed.fingerprint
    for side in SIDES:
        np.testing.assert_array_equal(anew.load(side).pixels, packed.load(side).pixels)


def test_a_picture_added_to_an_archive_leaves_the_others_packed(
    tmp_path: Path, pictures: Path, root: Path, configure: Configure
) -> None:
    path = tmp_path / "set.zip"
    first, *others = sorted(pictures.iterdir())
    with zipfile.ZipFile(path, "w") as archive:
        for picture in others:
            archive.write(picture, picture.name)
    pack.prepare(configure(path), Silent(), root=root)
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(first, first.name)
    heard = Heard()
    pack.prepare(configure(path), heard, root=root)
    assert heard.sentences == ["Packing tiny: 1 picture added", "39 pictures are packed already"]


def test_what_another_process_packed_meanwhile_is_reused(
    pictures: Path, root: Path, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone_in, heard = pack.alone_in, Heard()

    def after_another(folder: Path) -> contextlib.AbstractContextManager[None]:
        monkeypatch.setattr(pack, "alone_in", alone_in)
        pack.prepare(configure(pictures), Silent(), root=root)
        return alone_in(folder)

    monkeypatch.setattr(pack, "alone_in", after_another)
    pack.prepare(configure(pictures), heard, root=root)
    assert heard.sentences == ["Packing tiny: it has not been packed yet", "40 pictures are packed already"]


def test_records_of_another_manifest_are_not_reused(
    pictures: Path, root: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    packed = pack.prepare(configure(pictures), Silent(), root=root)
    names = [path.name for path in pictures.iterdir()]
    manifest = root / "tiny" / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace(packed.load("train").sha256[0], "0" * 64))
    write_pictures(pictures, [f"new{names[0]}"])
    with pytest.raises(DataError, match="not those of its manifest; pack again with --force"):
        pack.prepare(configure(pictures, Model={"CharSet": "0123456789new"}), Silent(), root=root)
    pack.pack(configure(pictures, Model={"CharSet": "0123456789new"}), Silent(), root=root)


def test_another_set_under_the_same_name_is_drawn_anew(
    tmp_path: Path, pictures: Path, root: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    pack.prepare(configure(pictures, System={"TestSetNum": 39}), Silent(), root=root)
    write_pictures(tmp_path / "others", [f"{number}_other.png" for number in range(200)])
    packed = pack.prepare(configure(tmp_path / "others", System={"TestSetNum": 39}), Silent(), root=root)
    assert packed.counts == {"train": 161, "test": 39}


def test_damaged_records_are_named(pictures: Path, root: Path, configure: Configure) -> None:
    packed = pack.prepare(configure(pictures), Silent(), root=root)
    content = bytearray(packed.files["train"].read_bytes())
    content[len(content) // 2] ^= 1
    packed.files["train"].write_bytes(content)
    with pytest.raises(DataError, match=r"train-.*\.tfrecords is damaged; delete it"):
        packed.load("train")
