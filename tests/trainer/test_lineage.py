"""No picture counts in a score that the weights have learned from, whatever became of the set since."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainer import config as configs
from trainer.config import TrainConfig
from trainer.dataset import pack, quarantine
from trainer.dataset.pack import PackedSet
from trainer.errors import TrainerError, UsageError
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.run import Run, RunChangedError, run_of
from trainer.training import lineage
from trainer.training.warm import with_symbols

Configure = Callable[..., TrainConfig]
WritePictures = Callable[[Path, Iterable[str]], list[Path]]


@pytest.fixture
def pictures(tmp_path: Path, write_pictures: WritePictures, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with forty pictures; what is packed and trained goes beside it."""
    monkeypatch.chdir(tmp_path)
    write_pictures(Path("pictures"), [f"{number:04}_x.png" for number in range(0, 10_000, 250)])
    return Path("pictures")


def packed(config: TrainConfig, exclude: frozenset[str] = frozenset()) -> PackedSet:
    return pack.prepare(config, Silent(), exclude)


def names(found: PackedSet, side: str) -> set[str]:
    return {one.Name for one in found.manifest.Pictures if one.Side == side}


def test_test_pictures_that_were_learned_from_are_named_and_can_be_left_out(
    pictures: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    before = packed(configure(pictures, System={"TestSetNum": 4}))
    known, learned = lineage.begun(before), names(before, "train")
    assert not lineage.doubt(known, before)
    write_pictures(pictures, ["7777_new.png", "8888_new.png"])
    assert not lineage.doubt(known, packed(configure(pictures, System={"TestSetNum": 4})))
    config = configure(pictures, System={"TestSetNum": 12})
    after = packed(config)
    found = lineage.doubt(known, after)
    assert set(found.learned) == learned & names(after, "test")
    assert f"learned from {len(found.learned)} of the 12 test pictures" in str(found)
    listed = Path("learned.txt")
    assert "--exclude learned.txt" in lineage.advised(found, after, listed)
    assert not lineage.doubt(known, packed(config, quarantine.read(listed)))


def test_a_copy_in_another_format_is_the_same_picture(pictures: Path, configure: Configure) -> None:
    known = lineage.begun(packed(configure(pictures)))
    learned = Path(next(one.name for one in known.Pictures if one.side == "train"))
    Path("others").mkdir()
    Image.open(learned).save("others/0000_again.bmp")
    learned.unlink()
    found = lineage.doubt(known, packed(configure(pictures, System={"TestPath": "others"})))
    assert found.learned == ("others/0000_again.bmp",)


def test_warm_starts_hand_down_what_was_learned(pictures: Path, configure: Configure, tmp_path: Path) -> None:
    everything = packed(configure(pictures))
    first = lineage.begun(everything)
    Path("later").mkdir()
    for path in sorted(pictures.iterdir())[20:]:
        shutil.move(path, "later")
    second = lineage.descended(first, "out/first", packed(configure("later")))
    third = lineage.descended(second, "out/second", packed(configure("later")))
    swapped = packed(configure("later", System={"TestPath": str(pictures)}))
    learned = {one.name for one in first.Pictures if one.side == "train"}
    assert set(lineage.doubt(third, swapped).learned) == learned & names(swapped, "test")
    assert not lineage.doubt(lineage.begun(swapped), swapped)
    foreign = lineage.descended(lineage.descended(None, "foreign.pb", swapped), "out/a", swapped)
    assert "cannot be known: they started from foreign.pb" in str(lineage.doubt(foreign, swapped))
    lineage.write(tmp_path / Run.PICTURES, foreign)
    assert lineage.recall(tmp_path, everything) == foreign


@pytest.mark.parametrize(
    ("made_of", "known"),
    [
        ({"pictures": "same", "warm start": None}, True),
        ({"pictures": "same", "warm start": "out/a"}, False),
        ({"pictures": "other", "warm start": None}, False),
        ({"pictures": "same"}, False),
        (None, False),
    ],
)
def test_a_run_without_a_record_is_known_by_its_set_alone(
    made_of: dict[str, Any] | None, known: bool, pictures: Path, configure: Configure, tmp_path: Path
) -> None:
    now = packed(configure(pictures))
    if made_of is not None:
        told = json.dumps({"made_of": made_of}).replace("same", now.fingerprint)
        (tmp_path / Run.IDENTITY).write_text(told, "utf-8")
    found = lineage.doubt(lineage.recall(tmp_path, now), now)
    assert bool(found) != known
    if not known:
        assert "cannot be known: nothing tells what they were trained on" in str(found)


def test_what_became_of_a_set_is_told_in_numbers(
    pictures: Path, configure: Configure, write_pictures: WritePictures
) -> None:
    known = lineage.begun(packed(configure(pictures, System={"TestSetNum": 4})))
    write_pictures(pictures, ["7777_new.png"])
    first, second, third, fourth = sorted(pictures.iterdir())[:4]
    first.unlink()
    second.rename(pictures / "1234_x.png")
    third.rename(pictures / f"{third.stem}_renamed.png")
    after = packed(configure(pictures, System={"TestSetNum": 5}), frozenset({fourth.as_posix()}))
    told = lineage.changes(known, after, left_out=0)
    assert told[:2] == ["System.TestSetNum was 4, is 5", "--exclude left 0 pictures out, now 1"]
    assert [line for line in told if "moved from" not in line][2:] == [
        "1 picture added",
        "1 picture relabelled",
        "2 pictures removed",
    ]


@pytest.mark.parametrize(
    ("now", "pictures", "told"),
    [
        ({"CharSet": "01", "pictures": "b"}, ["3 pictures added"], "changed: 3 pictures added. "),
        ({"CharSet": "012", "pictures": "b"}, [], 'changed: CharSet was "01", is "012". '),
        ({"CharSet": "01", "pictures": "b"}, [], 'changed: pictures was "a", is "b". '),
        ({"CharSet": "01", "pictures": "b"}, None, 'changed: pictures was "a", is "b". '),
    ],
)
def test_fingerprints_are_told_only_where_nothing_else_is_known(
    now: dict[str, str], pictures: list[str] | None, told: str, tmp_path: Path
) -> None:
    run = Run(tmp_path / "tiny", "tiny_1.0")
    run.make()
    run.begin({"CharSet": "01", "pictures": "a"}, {})
    run.state.write_bytes(b"a checkpoint")
    with pytest.raises(RunChangedError) as caught:
        run.begin(now, {}, pictures)
    assert told in str(caught.value)


class EndedError(Exception):
    """The training has begun, and that is enough."""


@pytest.fixture
def begin(pictures: Path, configure: Configure, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TrainConfig]:
    """Return what begins a training and ends it before its network is built; it returns the config."""
    import_keras()
    from trainer.training import fit, story  # noqa: PLC0415 - these import keras
    from trainer.training.device import Device  # noqa: PLC0415

    def end(*_: object) -> None:
        raise EndedError

    monkeypatch.setattr(story.devices, "prepare", lambda *_: Device("none", "none is needed", "float32"))
    monkeypatch.setattr(fit.Fit, "__init__", end)

    def train(test: int, **keywords: Any) -> TrainConfig:
        config = configure(pictures, System={"TestSetNum": test}, Trains={"MaxEpochs": 1})
        with pytest.raises(EndedError):
            story.train(config, Silent(), **keywords)
        return config

    return train


def trained(run: Run) -> None:
    """Leave what a training leaves that has read its test set once."""
    run.state.write_bytes(b"a checkpoint")
    np.savez(run.best, **with_symbols({}, "0123456789"))


def test_weights_are_neither_exported_nor_handed_on_for_a_test_set_they_learned_from(
    begin: Callable[..., TrainConfig],
) -> None:
    from trainer.training import story  # noqa: PLC0415 - it imports keras

    config = begin(4)
    run = run_of(config.Model)
    trained(run)
    begin(4)  # the same command goes on
    system = config.System.model_copy(update={"TestSetNum": 12})
    changed = config.model_copy(update={"System": system})
    with pytest.raises(TrainerError, match=r"nothing was exported: .* learned from 8 of the 12 test pictures"):
        story.export(changed, packed(changed), run, Silent())
    assert "--fresh, but not" in refusal(changed)
    with pytest.raises(UsageError, match=r"--warm-start .*best\.npz: .* learned from 8 of the 12 test pictures"):
        story.train(changed, Silent(), fresh=True, warm_start=run.folder)
    assert run.best.exists()
    begin(12, fresh=True, warm_start=run.folder, exclude=quarantine.read(run.learned))
    assert len(names(packed(config), "train") & names(packed(changed), "test")) == 8


def refusal(config: TrainConfig, **keywords: Any) -> str:
    """Return why a training does not go on."""
    from trainer.training import story  # noqa: PLC0415 - it imports keras

    with pytest.raises(RunChangedError) as caught:
        story.train(config, Silent(), **keywords)
    return str(caught.value)


def test_a_run_keeps_what_was_left_out_and_says_when_that_changed(begin: Callable[..., TrainConfig]) -> None:
    first = sorted(Path("pictures").iterdir())[0].as_posix()
    config = begin(4, exclude=frozenset({first}))
    run = run_of(config.Model)
    assert quarantine.read(run.excluded) == {first}
    assert f"again with --exclude {run.excluded.as_posix()}\n" in run.config.read_text("utf-8")
    assert configs.read(run.config).System == config.System
    assert {"pillow", "opencv"} <= json.loads(run.identity.read_text("utf-8"))["notes"]["versions"].keys()
    trained(run)
    told = refusal(config)
    assert "--exclude left 1 picture out, now 0; 1 picture added" in told
    assert '"' not in told  # no digests
    begin(4, fresh=True)
    assert not run.excluded.exists()


def test_another_donor_that_is_not_there_is_no_change(begin: Callable[..., TrainConfig]) -> None:
    from trainer.training import story  # noqa: PLC0415 - it imports keras

    config = begin(4)
    trained(run_of(config.Model))
    with pytest.raises(UsageError, match="--warm-start nowhere: no weights there"):
        story.train(config, Silent(), warm_start=Path("nowhere"))
