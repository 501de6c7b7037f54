"""At the beginning a second head scores each frame by what is seen there; it goes, and leaves no trace behind."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.conftest import scrambled, small_config
from tests.trainer.test_fit import examples
from trainer.framework import import_keras
from trainer.training.recipe import choose

pytestmark = pytest.mark.train

OVER = np.array([math.inf])


def network(width: int = 48, **neural: Any) -> Any:
    import_keras()
    from trainer.network.build import build  # noqa: PLC0415 - it imports keras

    return scrambled(build(small_config(NeuralNet=neural, Model={"ImageWidth": width})))


def heads_of(model: Any) -> Any:
    from trainer.training.local_head import with_local_head  # noqa: PLC0415 - it imports keras

    return with_local_head(model)


def learner_of(**sections: Any) -> Any:
    import_keras()
    from trainer.training.learner import Learner  # noqa: PLC0415 - it imports keras

    config = small_config(**sections)
    return Learner(config, choose(config, 64, "float32"))


def batch() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    drawn = examples(16, 48)
    return drawn.pixels, np.array([[int(digit) + 1 for digit in text] for text in drawn.labels], np.int32)


@pytest.mark.parametrize("kind", ["BLSTM", "GRU"])
def test_what_is_far_away_changes_the_scores_of_the_network_and_no_local_ones(kind: str) -> None:
    both = heads_of(network(width=160, RecurrentNetwork=kind))
    pixels = np.random.default_rng(0).integers(0, 256, (1, 16, 160, 1), np.uint8)
    other = pixels.copy()
    other[:, :, :4] = 255 - other[:, :, :4]  # the left edge
    (scores, local), (other_scores, other_local) = (map(np.asarray, both(part)) for part in (pixels, other))
    assert local.shape == scores.shape
    assert np.abs(local - other_local)[:, 0].max() > 1e-3
    np.testing.assert_allclose(local[:, -1], other_local[:, -1], atol=1e-6)
    assert np.abs(scores - other_scores)[:, -1].max() > 1e-6


def test_the_scores_of_the_network_are_as_without_it() -> None:
    model = network()
    pixels = batch()[0]
    scores, local = heads_of(model)(pixels)
    np.testing.assert_allclose(np.asarray(scores), np.asarray(model(pixels)), rtol=1e-6)
    assert not np.allclose(np.asarray(scores), np.asarray(local))


def test_without_a_recurrent_part_the_network_s_own_scores_are_local() -> None:
    model = network(RecurrentNetwork="None")
    both = heads_of(model)
    scores, local = both(batch()[0])
    np.testing.assert_array_equal(np.asarray(scores), np.asarray(local))
    assert both.count_params() == model.count_params()


OPTIMIZERS = [{"Name": "Adam", "AMSGrad": True}, {"Name": "SGD", "Momentum": 0.9}]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_behind_the_beginning_it_learns_as_if_there_had_been_none(optimizer: dict[str, Any]) -> None:
    pixels, labels = batch()
    helped = learner_of(Trains={"Optimizer": optimizer})
    plain = learner_of(Trains={"Optimizer": optimizer, "AuxiliaryLoss": False})
    for _ in range(3):
        helped.step(pixels, labels, 1e-3)
    before = moments(helped)
    helped._end_beginning()
    helped._beginning.restore(OVER)
    for reference, values in moments(helped).items():
        for value, kept in zip(values, before[reference], strict=True):
            np.testing.assert_array_equal(value, kept, err_msg=reference)
    assert helped.state().keys() == plain.state().keys()
    plain.restore(helped.state())
    for _ in range(2):
        assert helped.step(pixels, labels, 1e-3) == pytest.approx(plain.step(pixels, labels, 1e-3), rel=1e-6)
    for key, value in helped.state().items():
        np.testing.assert_array_equal(value, plain.state()[key], err_msg=key)


def moments(learner: Any) -> dict[str, list[npt.NDArray[Any]]]:
    """Return what the optimizer remembers: of each weight of the network, found by Keras, and of the steps."""
    optimizer = learner._optimizer
    assert int(optimizer.iterations) == 3
    found = {"steps": [np.asarray(optimizer.iterations)]}
    for name in ("_momentums", "_velocities", "_velocity_hats", "momentums"):
        slots = getattr(optimizer, name, [])
        for weight in learner._model.trainable_variables if slots else ():
            found.setdefault(weight.path, []).append(np.asarray(slots[optimizer._get_variable_index(weight)]))
    assert len(found) > 5
    assert any(value.any() for values in found.values() for value in values[:1])
    return found


def test_a_network_that_knows_the_symbols_already_is_given_no_second_head() -> None:
    pixels, labels = batch()
    helped, plain = learner_of(), learner_of(Trains={"AuxiliaryLoss": False})
    helped._beginning._known = math.inf  # whatever it reads is good enough
    assert helped.step(pixels, labels, 1e-3) == pytest.approx(plain.step(pixels, labels, 1e-3), rel=1e-6)
    assert helped.state().keys() == plain.state().keys()
    for key, value in helped.state().items():
        np.testing.assert_array_equal(value, plain.state()[key], err_msg=key)


@pytest.mark.parametrize("recurrent", ["BLSTM", "None"])
def test_a_learner_goes_on_within_its_beginning(recurrent: str) -> None:
    pixels, labels = batch()
    one, other = (learner_of(NeuralNet={"RecurrentNetwork": recurrent}) for _ in range(2))
    one.step(pixels, labels, 1e-3)
    other.restore(one.state())
    for _ in range(2):
        assert one.step(pixels, labels, 1e-3) == pytest.approx(other.step(pixels, labels, 1e-3), rel=1e-6)
    for name, value in one.state().items():
        np.testing.assert_array_equal(value, other.state()[name], err_msg=name)


@pytest.mark.parametrize("recurrent", ["BLSTM", "None"])
def test_both_losses_teach_and_ctc_of_the_network_alone_is_told(recurrent: str) -> None:
    pixels, labels = batch()
    section = {"RecurrentNetwork": recurrent}
    helped, plain = learner_of(NeuralNet=section), learner_of(NeuralNet=section, Trains={"AuxiliaryLoss": False})
    assert helped.step(pixels, labels, 1e-3) == pytest.approx(plain.step(pixels, labels, 1e-3), rel=1e-4)
    assert not np.array_equal(helped.state()["model/0000"], plain.state()["model/0000"])
