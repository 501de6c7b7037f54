"""The losses against definitions: every alignment counted, and softmax cross-entropy in numpy."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from trainer.framework import import_keras


def loss(head: Any, labels: Any, logits: Any) -> Any:
    """Return the loss of each picture."""
    import_keras()
    from trainer.training.loss import loss_of  # noqa: PLC0415 - it imports keras

    return np.array([float(loss_of(head)(labels[row : row + 1], logits[row : row + 1])) for row in range(len(labels))])


def log_shares(logits: Any) -> Any:
    """Return log softmax [N, T, K], in float64."""
    return logits - np.log(np.exp(logits.astype(np.float64)).sum(-1, keepdims=True))


@pytest.mark.parametrize("label", [[1, 2], [1, 1], [2, 0], [1, 0]])
@pytest.mark.parametrize("frames", [3, 5])
def test_ctc_is_the_sum_over_all_alignments(label: list[int], frames: int) -> None:
    logits = np.random.default_rng(frames).normal(0, 2, (1, frames, 3)).astype(np.float32)
    total = 0.0
    for path in itertools.product(range(3), repeat=frames):
        spelled = [index for index, _ in itertools.groupby(path) if index]
        if spelled == [index for index in label if index]:
            total += math.exp(sum(log_shares(logits)[0, frame, index] for frame, index in enumerate(path)))
    assert loss("ctc", np.array([label], np.int32), logits) == pytest.approx(-math.log(total), rel=1e-5)


@pytest.mark.parametrize("length", [1, 3, 4])
def test_fixed_is_the_mean_of_the_positions(length: int) -> None:
    rng = np.random.default_rng(length)
    logits = rng.normal(0, 3, (6, 4, 5)).astype(np.float32)
    labels = rng.integers(1, 5, (6, length)).astype(np.int32)
    labels[2, 1:] = 0  # a shorter one
    padded = np.pad(labels, ((0, 0), (0, 4 - length)))
    expected = -np.take_along_axis(log_shares(logits), padded[..., np.newaxis], axis=-1).mean((1, 2))
    assert loss("fixed", labels, logits) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("head", ["ctc", "fixed"])
def test_the_loss_of_a_batch_is_the_mean_of_its_pictures(head: str) -> None:
    import_keras()
    from trainer.training.loss import loss_of  # noqa: PLC0415 - it imports keras

    logits = np.random.default_rng(0).normal(0, 2, (3, 6, 4)).astype(np.float32)
    labels = np.array([[1, 2], [3, 0], [2, 1]], np.int32)
    assert float(loss_of(head)(labels, logits)) == pytest.approx(loss(head, labels, logits).mean(), rel=1e-5)  # type: ignore[arg-type] # one of two


def test_presence_is_the_share_of_all_frames_that_the_symbols_have() -> None:
    import_keras()
    from trainer.training.loss import PresenceLoss  # noqa: PLC0415 - it imports keras

    logits = np.random.default_rng(0).normal(0, 2, (3, 6, 5)).astype(np.float32)
    labels = np.array([[1, 4, 2], [3, 3, 0], [2, 0, 0]], np.int32)
    shares = np.exp(log_shares(logits[:, :, 1:])).mean(1)  # [N, K - 1]
    expected = [
        -sum(math.log(shares[row, number - 1]) for number in label) - len(label) * math.log(len(label))
        for row, label in enumerate([[1, 4, 2], [3, 3], [2]])
    ]
    np.testing.assert_allclose(np.asarray(PresenceLoss(reduction=None)(labels, logits)), expected, rtol=1e-5)


def test_presence_leaves_the_blank_to_ctc_and_is_nothing_where_each_symbol_has_its_frames() -> None:
    import_keras()
    from trainer.training.loss import PresenceLoss  # noqa: PLC0415 - it imports keras

    sure = np.full((1, 6, 4), -30, np.float32)
    for frame in range(6):
        sure[0, frame, 1 + frame // 2] = 30
    sure[0, :, 0] = np.arange(6) * 10
    assert float(PresenceLoss()(np.array([[1, 2, 3]], np.int32), sure)) == pytest.approx(0, abs=1e-5)


def test_at_the_beginning_both_losses_count() -> None:
    import_keras()
    from trainer.training.loss import BeginningLoss, PresenceLoss, loss_of  # noqa: PLC0415 - it imports keras

    logits = np.random.default_rng(1).normal(0, 2, (3, 6, 5)).astype(np.float32)
    labels = np.array([[1, 4, 2], [3, 3, 0], [2, 0, 0]], np.int32)
    both = float(loss_of("ctc")(labels, logits)) + float(PresenceLoss()(labels, logits))
    assert float(BeginningLoss()(labels, logits)) == pytest.approx(both, rel=1e-5)
