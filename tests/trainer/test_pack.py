import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract import image
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
