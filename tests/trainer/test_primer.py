"""What is to tell many symbols apart begins with drawn letters, and takes over what it learned there."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from contract.errors import ConfigError
from tests.conftest import small_config
from tests.trainer.test_fit import examples
from tests.trainer.test_suspicion import packed
from trainer.cli.root import main
from trainer.config.synthetic import MAX_SIDE
from trainer.dataset.curriculum import skipped
from trainer.framework import import_keras
from trainer.progress import Silent
from trainer.training import heldout, suspicion
from trainer.training.recipe import Recipe, choose
from trainer.training.resolved import resolve
from trainer.training.warm import Donor

CONFIG = """
System: {{TrainsPath: pictures, TestSetNum: 8}}
NeuralNet: {{HiddenNum: 16}}
Trains: {{BatchSize: 16, MaxEpochs: {}, PrimerSteps: 2, Precision: float32, LearningRate: 0.001, DecayRate: 1}}
Model: {{ModelName: bars, CharSet: '01', ImageWidth: 48, ImageHeight: 16}}
"""

MANY = "".join(map(chr, range(0x4E00, 0x4E00 + 101)))


@pytest.fixture
def primer() -> Any:
    import_keras()
    from trainer.training import primer as module  # noqa: PLC0415 - it imports keras

    return module


def plan_of(config: Any, pictures: int = 5_000) -> Recipe:
    return choose(config, pictures, "float32")


@pytest.mark.parametrize(
    ("sections", "steps"),
    [
        ({}, 0),  # ten digits
        ({"Model": {"CharSet": MANY[:100]}}, 0),
        ({"Model": {"CharSet": MANY}}, 500),
        ({"Model": {"CharSet": MANY}, "Trains": {"MaxEpochs": 1}}, 40),  # half of its 79
        ({"Model": {"CharSet": MANY}, "Trains": {"PrimerSteps": 0}}, 0),
        ({"Trains": {"PrimerSteps": 7}}, 7),
        ({"Model": {"CharSet": MANY}, "NeuralNet": {"Head": "CrossEntropy", "MaxLabelNum": 4}}, 0),
        ({"Model": {"CharSet": MANY}, "System": {"TrainsPath": "synthetic"}}, 0),  # that has its curriculum
        ({"Model": {"CharSet": MANY, "ImageWidth": MAX_SIDE + 1}}, 0),  # cannot be drawn
    ],
)
def test_many_symbols_of_a_set_have_a_primer(sections: dict[str, Any], steps: int) -> None:
    config = small_config(**sections)
    plan = plan_of(config)
    assert plan.primer == steps
    assert plan_of(resolve(config, plan, test_pictures=9)).primer == steps


@pytest.mark.parametrize(
    "sections",
    [
        {"NeuralNet": {"Head": "CrossEntropy", "MaxLabelNum": 4}},
        {"System": {"TrainsPath": "synthetic"}},
        {"Model": {"ImageHeight": MAX_SIDE + 1}},
    ],
)
def test_letters_that_would_not_come_are_an_error(sections: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"Trains\.PrimerSteps counts only with a set of pictures, with Head CTC"):
        small_config(**sections, Trains={"PrimerSteps": 7})


def test_behind_a_warm_start_there_are_none() -> None:
    config = small_config(Model={"CharSet": MANY}, Trains={"PrimerSteps": 7})
    assert plan_of(skipped(config)).primer == 0


def test_the_letters_are_for_the_same_network_and_size(primer: Any) -> None:
    config = small_config(Model={"CharSet": MANY, "CharReplace": {MANY[0]: MANY[1]}}, NeuralNet={"HiddenNum": 16})
    assert MANY[2] in config.charset.symbols  # asked for before it is copied
    letters = primer.letters_for(config, 3)
    assert len(letters.charset.symbols) == 62
    assert (letters.input_size, letters.NeuralNet, letters.Pretreatment) == (
        config.input_size,
        config.NeuralNet,
        config.Pretreatment,
    )
    assert letters.Synthetic.lengths == (3, 3)
    assert primer.letters_for(config, 40).Synthetic.lengths == (6, 6)  # in twelve frames


@pytest.mark.train
def test_a_network_takes_over_what_it_learned_from_letters(primer: Any) -> None:
    config = small_config(Trains={"PrimerSteps": 3, "BatchSize": 8})
    donor = primer.learn(config, plan_of(config, 16), ["01"], Silent())
    assert len(donor.symbols) == 62
    from trainer.training.learner import Learner  # noqa: PLC0415 - this imports keras

    taken = Learner(config, plan_of(config, 16)).start_from(donor, examples(4, 48).pixels)
    assert (taken.kept, taken.added, taken.fresh) == (10, 0, ())


@pytest.mark.train
def test_a_training_begins_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = examples(40, 48)
    (tmp_path / "pictures").mkdir()
    for index, (pixels, label) in enumerate(zip(drawn.pixels, drawn.labels, strict=True)):
        Image.fromarray(pixels[..., 0]).save(tmp_path / "pictures" / f"{label}_{index}.png")
    monkeypatch.chdir(tmp_path)
    for epochs in (1, 2):  # the second run goes on with the first
        Path("bars.yaml").write_text(CONFIG.format(epochs), "utf-8")
        main(["train", "bars.yaml"])
        said = capsys.readouterr().err
        assert ("First 2 steps with letters and digits" in said) is (epochs == 1)
        assert ("Starting from drawn letters: kept 2 symbols" in said) is (epochs == 1)


@pytest.mark.parametrize(("steps", "learned"), [(2, 1), (0, 0)])
def test_networks_that_doubt_labels_begin_alike(
    steps: int, learned: int, primer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    donor = Donor(Path("letters"), {}, ())
    begun: list[Any] = []
    started_from: list[Any] = []

    def read(_config: Any, _examples: Any, held_out: Any, training: Any) -> list[heldout.Verdict]:
        started_from.append(training.donor)
        return [heldout.Verdict("0", 0.0)] * int(held_out.sum())

    monkeypatch.setattr(primer, "learn", lambda config, *_: begun.append(config.Trains.MaxMinutes) or donor)
    monkeypatch.setattr(heldout, "read", read)
    config = small_config(Trains={"PrimerSteps": steps, "MaxEpochs": 100})
    pictures = packed(tmp_path, examples(32, 48), examples(8, 48, seed=1))
    suspicion.find(config, pictures, suspicion.Search(folds=2, minutes=8), Silent())
    assert begun == [8] * learned
    assert started_from == [donor if learned else None] * 2
