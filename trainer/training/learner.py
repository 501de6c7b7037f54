"""The network that learns, its optimizer, and a twin in float32 that reads: one object with one state."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from contract import decode
from contract.decode import Decoded, Logits
from contract.pixels import Pixels
from trainer.config import TrainConfig
from trainer.errors import TrainerError
from trainer.network import reading
from trainer.network.build import build
from trainer.network.naming import named_weights
from trainer.training import gradient, graph_donor, optimizers
from trainer.training.beginning import beginning_of
from trainer.training.convolution import hasten
from trainer.training.fused import fuse
from trainer.training.local_head import local_loss, with_local_head
from trainer.training.loss import loss_of
from trainer.training.pipeline import Labels
from trainer.training.recipe import AVERAGE_EVERY, Recipe
from trainer.training.replicas import replicas_here
from trainer.training.warm import SYMBOLS, Donor, Taken, align, symbols_of, with_symbols

Weights = Mapping[str, npt.NDArray[Any]]

_BEGINNING = "beginning"  # a name in `state`


class Learner:
    """Trains one network.

    Evaluation and export use `reader`, a copy in float32 that holds the moving average of the weights, so that what is
    measured is what is exported, whatever the precision of training.

    Attributes:
        reader: images uint8 [N, H, W, C] to logits float32 [N, T, K].
        steps: done so far.
    """

    def __init__(self, config: TrainConfig, recipe: Recipe) -> None:
        """Build both networks with weights drawn from `System.Seed`."""
        keras.utils.set_random_seed(config.System.Seed)
        self._recipe = recipe
        self._charset = config.charset
        self._head = config.NeuralNet.head
        self._loss = loss_of(self._head)
        self._replicas = replicas_here()
        # Without its compiler, jax would carry out a step operation by operation.
        self._jit = recipe.jit or keras.config.backend() == "jax"
        self._beginning = beginning_of(config, recipe)
        # Keras clips the gradient of each replica before it adds them up.
        self._clip_norm = recipe.clip_norm and recipe.clip_norm / self._replicas.count
        with self._replicas.scope():
            self._model = build(config, recipe.precision)
            fuse(self._model)
            hasten(self._model)
            self._learns = self._model if self._beginning.over else with_local_head(self._model)
            self._optimizer = self._new_optimizer()
        self._compile()
        self.reader = build(config)
        self._momentum = recipe.average
        self._average = [np.asarray(variable) for variable in self._model.trainable_variables]
        self.steps = 0

    def step(self, images: Any, labels: Any, rate: float) -> float:  # noqa: ANN401 - tensors of any Keras backend
        """Learn from one batch and return its mean loss in nats.

        Args:
            images: uint8 [B, H, W, C].
            labels: int32 [B, L], filled with 0.
            rate: the learning rate of this step.
        """
        share, length = self._replicas.share, np.count_nonzero(labels) / len(labels)
        if self.steps == 0 and not self._beginning.over:
            # To one that reads already, as behind a warm start, a fresh head beside its own would do harm.
            loss = float(self._loss(labels, self._model(images, training=False)))
            if self._beginning.skip_if_known(loss, length):
                self._end_beginning()
        self._optimizer.learning_rate = rate
        if self._beginning.over:
            loss = float(self._model.train_on_batch(share(images), share(labels)))
        else:
            _, loss, _ = map(float, self._learns.train_on_batch(share(images), [share(labels)] * 2))
            if self._beginning.note(loss, length):
                self._end_beginning()
        self.steps += 1
        if self.steps % AVERAGE_EVERY == 0:
            self._take_into_average(self.steps // AVERAGE_EVERY)
        return loss

    def _new_optimizer(self) -> Any:  # noqa: ANN401 - keras publishes no types
        recipe = self._recipe
        optimizer = optimizers.make(recipe.optimizer, recipe.rate(0), recipe.weight_decay, self._clip_norm)
        optimizer.build(self._learns.trainable_variables)
        return optimizer

    def _end_beginning(self) -> None:
        """Go on without the local head: its optimizer's numbers are gone, those of the network stay."""
        with self._replicas.scope():
            self._learns = self._model
            optimizer = self._new_optimizer()
            optimizers.take_over(optimizer, self._optimizer)
            self._optimizer = optimizer
        self._compile()

    def _compile(self) -> None:
        """Let the next step be made anew."""
        losses = self._loss if self._learns is self._model else [self._loss, local_loss(self._model)]
        with self._replicas.scope():
            self._learns.compile(self._optimizer, losses, jit_compile=self._jit)
        self._replicas.trace(self._learns)

    @property
    def least_batch(self) -> int:
        """How many pictures a step needs: one for each device."""
        return self._replicas.count

    def follow_batches(self, momentum: float) -> None:
        """Let batch norm's moving statistics follow the batches with this momentum. Before the first step."""
        for layer in self._model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = momentum

    def gradient_norm(self, images: Any, labels: Any) -> float:  # noqa: ANN401 - as in step
        """Return the norm of all gradients of a batch together; nothing changes by it."""
        return gradient.gradient_norm(self._model, self._loss, images, labels)

    def refresh_reader(self) -> None:
        """Give the reader the moving average of the weights, once there is one, and the newest batch statistics."""
        for target, source in zip(self.reader.weights, self._model.weights, strict=True):
            target.assign(np.asarray(source))
        if not self._momentum or self.steps < AVERAGE_EVERY:
            return
        for target, value in zip(self.reader.trainable_variables, self._average, strict=True):
            target.assign(value)

    def _take_into_average(self, count: int) -> None:
        # A short memory at first: the average must not drag the random weights of the start along.
        momentum = min(self._momentum, count / (count + 10))
        self._average = [
            momentum * average + (1 - momentum) * np.asarray(variable)
            for average, variable in zip(self._average, self._model.trainable_variables, strict=True)
        ]

    def read(self, pixels: Pixels, batch_size: int) -> list[Decoded]:
        """Read contract pixels uint8 [N, H, W, C] with the reader."""
        return [item for scores in self.logits(pixels, batch_size) for item in self._decoded(scores)]

    def read_and_weigh(self, pixels: Pixels, labels: Labels, batch_size: int) -> tuple[list[Decoded], float]:
        """Read contract pixels with the reader, and return with the readings the mean loss in nats.

        Args:
            pixels: uint8 [N, H, W, C], at least one picture.
            labels: int32 [N, L], filled with 0.
            batch_size: pictures at once.
        """
        read: list[Decoded] = []
        loss = 0.0
        for scores in self.logits(pixels, batch_size):
            part = labels[len(read) : len(read) + len(scores)]
            loss += len(part) * float(self._loss(part, scores))
            read += self._decoded(scores)
        return read, loss / len(labels)

    def _decoded(self, scores: Logits) -> list[Decoded]:
        return decode.read(scores, self._charset, self._head)

    def logits(self, pixels: Pixels, batch_size: int) -> Iterator[Logits]:
        """Yield the reader's scores for contract pixels, float32 [B, T, K] for each batch.

        Nobody should keep them together: those of a test set with thousands of symbols take gigabytes.
        """
        return reading.scores(self.reader, pixels, batch_size)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything that the next step depends on, by a name for each array."""
        arrays = {name: np.asarray(variable) for name, variable in self._variables().items()}
        arrays |= {f"average/{index:04d}": value for index, value in enumerate(self._average)}
        return {**arrays, "steps": np.asarray(self.steps), _BEGINNING: self._beginning.state()}

    def restore(self, state: Weights) -> None:
        """Take over a state of a learner of the same config and recipe, before the first step."""
        self._beginning.restore(state[_BEGINNING])
        if self._beginning.over and self._learns is not self._model:
            self._end_beginning()
        for name, variable in self._variables().items():
            variable.assign(state[name])
        self._average = [state[f"average/{index:04d}"] for index in range(len(self._average))]
        self.steps = int(state["steps"])

    def start_from(self, donor: Donor, pixels: Pixels) -> Taken:
        """Take over what fits from a trained network, before the first step.

        Args:
            donor: the trained network.
            pixels: some of the pictures, uint8 [N, H, W, C]: what a graph has lost of its batch norms shows in them.

        Raises:
            UsageError: the donor is a graph that holds no weights which are known here.
        """
        if donor.graph is not None:
            donor = replace(donor, weights=graph_donor.weights_for(self._model, donor.graph, str(donor.source)))
        weights = named_weights(self._model)
        values, taken = align({name: np.asarray(item) for name, item in weights.items()}, self._charset.symbols, donor)
        for name, weight in weights.items():
            weight.assign(values[name])
        if donor.graph is not None:
            graph_donor.settle(self._model, pixels)
        self._average = [np.asarray(variable) for variable in self._model.trainable_variables]
        return taken

    def reader_weights(self) -> dict[str, npt.NDArray[Any]]:
        """Return the reader's weights by name, and the symbols of its classes."""
        weights = {name: np.asarray(weight) for name, weight in named_weights(self.reader).items()}
        return with_symbols(weights, self._charset.symbols)

    def _variables(self) -> dict[str, Any]:
        groups: dict[str, Sequence[Any]] = {"model": self._learns.variables, "optimizer": self._optimizer.variables}
        return {f"{group}/{index:04d}": item for group, items in groups.items() for index, item in enumerate(items)}


def reader_with(config: TrainConfig, weights: Weights) -> keras.Model:
    """Return the float32 network of a config with weights from `reader_weights`.

    Raises:
        TrainerError: they are those of another network or character set.
    """
    model = build(config)
    variables = named_weights(model)
    expected = {name: tuple(variable.shape) for name, variable in variables.items()}
    found = {name: weights[name].shape for name in weights if name != SYMBOLS}
    if SYMBOLS not in weights or found != expected or symbols_of(weights) != config.charset.symbols:
        raise TrainerError(
            "the trained weights are those of another network or character set than the config's: change it back, or "
            "train again"
        )
    for name, variable in variables.items():
        variable.assign(weights[name])
    return model
