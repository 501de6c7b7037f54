import contextlib
import dataclasses
import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract import image, pixels
from trainer import parallel
from trainer.config import TrainConfig
from trainer.dataset import pack, quarantine, records, rules, workplace
from trainer.dataset.findings import SIDES, Entry, Finding, Place, Severity
from trainer.dataset.pack import PackedSet
from trainer.dataset.target import Target
from trainer.errors import DataError, FindingsError, UsageError
from trainer.progress import Silent

Configure = Callable[..., TrainConfig]
WritePictures = Callable[[Path, Iterable[str]], list[Path]]


class Heard(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)


@pytest.fixture
def pictures(tmp_path: Path, write_pictures: WritePictures) -> Path:
    write_pictures(tmp_path / "pictures", [f"{number:04}_x.png" for number in range(0, 10_000, 250)])
    return tmp_path / "pictures"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "dataset"


def sides(packed: PackedSet) -> dict[str, str]:
    return {digest: side for side in SIDES for digest in packed.load(side).sha256}


def why(config: TrainConfig, root: Path, exclude: frozenset[str] = frozenset()) -> str | None:
    heard = Heard()
    pack.prepare(config, heard, exclude, root)
    told = [sentence for sentence in heard.sentences if sentence.startswith("Packing tiny: ")]
    return told[0].removeprefix("Packing tiny: ") if told else None


def test_what_was_packed_is_what_the_contract_makes_of_the_files(
    pictures: Path, root: Path, configure: Configure
) -> None:
    config = configure(pictures, Pretreatment={"Blur": 3, "Resize": [40, 20], "ImageChannel": 3})
    packed = pack.prepare(config, Silent(), root=root)
    assert packed.shape == (20, 40, 3)
    assert packed.counts == {"train": 36, "test": 4}
    for side in SIDES:
        examples = packed.load(side)
        assert len(examples) == packed.counts[side] == len(examples.pixels)
        for index, name in enumerate(examples.names):
            content = Path(name).read_bytes()
            expected = image.to_pixels(content, config.Pretreatment, (40, 20))
            np.testing.assert_array_equal(examples.pixels[index], expected)
            assert examples.labels[index] == Path(name).name[:4]
            assert examples.sha256[index] == hashlib.sha256(content).hexdigest()
            assert examples.encoded[index] == (content if side == "test" else b"")


def test_the_test_set_has_the_smallest_digests(pictures: Path, root: Path, configure: Configure) -> None:
    packed = pack.prepare(configure(pictures, System={"TestSetNum": 7}), Silent(), root=root)
    digests = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in pictures.iterdir())
    assert sorted(packed.load("test").sha256) == digests[:7]


def test_labels_are_packed_folded(
    tmp_path: Path, root: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    write_pictures(tmp_path / "p", ["aB_x.png", "oC_x.png"])
    model = {"CharSet": "0abc", "CaseSensitive": False, "CharReplace": {"o": "0"}}
    packed = pack.prepare(configure(tmp_path / "p", Model=model), Silent(), root=root)
    assert sorted(packed.load("train").labels + packed.load("test").labels) == ["0c", "ab"]


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


def test_re_encoded_copies_stay_on_one_side(pictures: Path, root: Path, configure: Configure) -> None:
    for path in list(pictures.iterdir()):
        Image.open(path).save(path.with_suffix(".bmp"))
    packed = pack.prepare(configure(pictures, System={"TestSetNum": 20}), Silent(), root=root)
    train, test = ({Path(name).stem for name in packed.load(side).names} for side in SIDES)
    assert len(test) == 10
    assert not train & test


def test_the_fingerprint_tells_contents_not_places(
    tmp_path: Path, pictures: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    one = pack.prepare(configure(pictures), Silent(), root=tmp_path / "one")
    moved = pictures.rename(tmp_path / "moved")
    for path in list(moved.iterdir()):
        path.rename(path.with_name(path.name.replace("_x", "_another")))
    two = pack.prepare(configure(moved), Silent(), root=tmp_path / "two")
    assert two.fingerprint == one.fingerprint
    write_pictures(moved, ["1_new.png"])
    assert pack.prepare(configure(moved), Silent(), root=tmp_path / "two").fingerprint != one.fingerprint


def test_workers_change_nothing(
    tmp_path: Path, pictures: Path, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = pack.prepare(configure(pictures), Silent(), root=tmp_path / "one")
    monkeypatch.setattr(parallel, "WORTH_SECONDS", -1)
    monkeypatch.setattr(parallel, "CHUNK", 3)
    together = pack.prepare(configure(pictures, System={"Threads": 2}), Silent(), root=tmp_path / "two")
    for side in SIDES:
        assert together.files[side].read_bytes() == alone.files[side].read_bytes()


def test_errors_stop_it_and_exclude_goes_on(pictures: Path, root: Path, configure: Configure) -> None:
    bad = pictures / "77_bad.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(FindingsError, match=r"1 picture cannot be read \[.*77_bad\.png: not a picture") as caught:
        pack.prepare(configure(pictures), Silent(), root=root)
    assert "trainer verify" in str(caught.value)
    packed = pack.prepare(configure(pictures), Silent(), frozenset({bad.as_posix()}), root)
    assert packed.excluded == 1
    assert sum(packed.counts.values()) == 40


def test_labels_are_checked_against_the_network_even_if_nothing_was_packed_anew(
    pictures: Path, root: Path, configure: Configure
) -> None:
    pack.prepare(configure(pictures), Silent(), root=root)
    with pytest.raises(FindingsError, match=r"40 labels too long: a width of 48 pixels gives 3 frames"):
        pack.prepare(configure(pictures, NeuralNet={"Geometry": "seed"}), Silent(), root=root)


def test_warnings_come_with_the_set(pictures: Path, root: Path, configure: Configure) -> None:
    config = configure(pictures, Model={"ImageWidth": 50}, Pretreatment={"Resize": [48, 16]})
    for _ in ("packed", "there already"):
        packed = pack.prepare(config, Silent(), root=root)
        assert "other-size" in [finding.rule for finding in packed.warnings]


def test_a_test_path_is_kept_as_given(
    tmp_path: Path, pictures: Path, root: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    write_pictures(tmp_path / "test", ["1_t.png", "2_t.png"])
    config = configure(pictures, System={"TestPath": str(tmp_path / "test")})
    packed = pack.prepare(config, Silent(), root=root)
    assert packed.counts == {"train": 40, "test": 2}
    assert sorted(packed.load("test").labels) == ["1", "2"]
    (pictures / "0000_x.png").rename(tmp_path / "test" / "0000_x.png")
    assert why(config, root) == "1 picture added, 1 picture removed"


def test_a_test_path_of_which_nothing_is_left_is_refused(
    tmp_path: Path, pictures: Path, root: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    (tested,) = write_pictures(tmp_path / "test", ["1_t.png"])
    config = configure(pictures, System={"TestPath": str(tmp_path / "test")})
    with pytest.raises(DataError, match="no picture is left for the test set"):
        pack.prepare(config, Silent(), frozenset({tested.as_posix()}), root)


def test_a_set_that_has_grown_says_if_another_share_is_tested(
    tmp_path: Path, root: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    folder = tmp_path / "few"
    write_pictures(folder, ["1_a.png", "2_b.png"])  # the smaller digest of two is the threshold
    pack.prepare(configure(folder), Silent(), root=root)
    write_pictures(folder, [f"{number}_more.png" for number in range(100, 140)])
    (told,) = [one for one in pack.prepare(configure(folder), Silent(), root=root).warnings if one.rule == "test-share"]
    assert "of 42 pictures are tested on" in told.sentence
    assert str(root / "tiny") in told.sentence
    fresh = pack.prepare(configure(folder), Silent(), root=tmp_path / "anew")
    assert "test-share" not in [finding.rule for finding in fresh.warnings]


def test_two_copies_alone_cannot_be_split(
    tmp_path: Path, root: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    path = write_pictures(tmp_path / "p", ["1_a.png"])[0]
    (path.with_name("1_b.png")).write_bytes(path.read_bytes())
    with pytest.raises(DataError, match="leaves the test set empty, because pictures that look the same stay together"):
        pack.prepare(configure(tmp_path / "p"), Silent(), root=root)


def test_a_failure_leaves_the_earlier_set_whole(
    pictures: Path, root: Path, configure: Configure, write_pictures: WritePictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pack.prepare(configure(pictures), Silent(), root=root)
    files = {path: path.read_bytes() for path in (root / "tiny").iterdir()}
    write_pictures(pictures, ["1_new.png"])
    write = records.write

    def fill_the_disk(path: Path, items: Iterable[records.Record]) -> None:
        write(path, items)
        if path.name == "test":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(records, "write", fill_the_disk)
    with pytest.raises(OSError, match="No space"):
        pack.prepare(configure(pictures), Silent(), root=root)
    assert {path: path.read_bytes() for path in (root / "tiny").iterdir()} == files
    assert before.load("train").labels


def test_left_overs_of_a_killed_packing_are_removed(pictures: Path, root: Path, configure: Configure) -> None:
    left_over = root / "tiny" / f"{workplace.SCRATCH}killed"
    left_over.mkdir(parents=True)
    (left_over / "pixels").write_bytes(b"123")
    pack.prepare(configure(pictures), Silent(), root=root)
    assert sorted(path.suffix for path in (root / "tiny").iterdir()) == [".json", ".tfrecords", ".tfrecords"]


def test_a_picture_that_changes_meanwhile_is_named(
    pictures: Path, root: Path, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = rules.check

    def check_and_change(entries: Sequence[Entry], target: Target) -> list[Finding]:
        for path in pictures.iterdir():
            path.write_bytes(path.read_bytes() + b"more")
        return check(entries, target)

    monkeypatch.setattr(rules, "check", check_and_change)
    with pytest.raises(DataError, match=r"\.png changed while it was packed; run the command again"):
        pack.prepare(configure(pictures), Silent(), root=root)


def test_the_quarantine_list_is_what_exclude_reads(tmp_path: Path) -> None:
    finding = Finding("unreadable", Severity.ERROR, "x", (Place("a\u00e9.png", "dam\naged"), Place("b c.png", "no")))
    warning = Finding("other-size", Severity.WARNING, "x", (Place("d.png", "1x1"),))
    path = tmp_path / "new" / "bad.txt"
    assert quarantine.write(path, [finding, dataclasses.replace(finding, rule="leak"), warning]) == 2
    assert "a\u00e9.png\tunreadable: dam aged" in path.read_text(encoding="utf-8")
    assert quarantine.read(path) == {"a\u00e9.png", "b c.png"}
    assert quarantine.read(None) == frozenset()


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.txt"):
        quarantine.read(tmp_path / "none.txt")
