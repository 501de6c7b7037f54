"""One step on all GPUs of this machine: each learns from a part of the batch, and all hold the same weights."""

import json
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np

from trainer.errors import UsageError

Tensor = Any  # of any Keras backend


class Replicas:
    """What a network is copied to.

    Attributes:
        count: how many there are.
    """

    def __init__(self, strategy: Any = None) -> None:  # noqa: ANN401 - tensorflow publishes no types
        """Copy to the devices of a `tf.distribute.Strategy`, or not at all."""
        self._strategy = strategy
        self._takes_tensors = keras.config.backend() == "tensorflow"
        self.count = strategy.num_replicas_in_sync if strategy else 1

    def scope(self) -> AbstractContextManager[Any]:
        """Return what a network and its optimizer must be made in."""
        scope: AbstractContextManager[Any] = self._strategy.scope() if self._strategy else nullcontext()
        return scope

    def share(self, batch: Tensor) -> Tensor:
        """Return a batch as a step takes it: cut into a part for each replica, if there are several.

        Args:
            batch: a tensor of tensorflow or an array, [B, ...].

        Raises:
            UsageError: it has less than a picture for each replica.
        """
        if self._strategy is None:
            return batch if self._takes_tensors else np.asarray(batch)
        import tensorflow as tf  # noqa: PLC0415 - several replicas are tensorflow's

        if len(batch) < self.count:
            raise UsageError(
                f"a batch of {len(batch)} cannot be shared by {self.count} devices: raise Trains.BatchSize, or let "
                "tensorflow see fewer, as with CUDA_VISIBLE_DEVICES=0"
            )
        parts = np.array_split(np.asarray(batch), self.count)
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )

    def trace(self, model: keras.Model) -> None:
        """Let a compiled model make what it makes from its first batch: it could not from one that is cut in parts."""
        if self._strategy is not None:
            labels = [np.ones((1, 1), np.int32)] * len(model.outputs)
            model.test_on_batch(np.zeros((1, *model.input_shape[1:]), np.uint8), labels)


def replicas_here() -> Replicas:
    """Return all GPUs that tensorflow may use, or its one device; other backends use one.

    A processor that was cut into several logical devices counts as several, which lets this be tried without a GPU.
    """
    if keras.config.backend() != "tensorflow":
        return Replicas()
    import tensorflow as tf  # noqa: PLC0415 - as in share

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) == 1:
        return Replicas()
    return Replicas(tf.distribute.MirroredStrategy([device.name for device in devices]))


def refuse_cluster(tf_config: str | None) -> None:
    """Refuse to train on several machines, which Keras 3 cannot.

    Tried with Keras 3.15.1 and two processes of `tf.distribute.MultiWorkerMirroredStrategy`: the processes find each
    other, and the first step of a model fails when Keras takes the mean of the loss, which has no axis, along axis 0.

    Args:
        tf_config: the environment variable TF_CONFIG.

    Raises:
        UsageError: it names more than one machine, or is no JSON of a cluster.
    """
    if not tf_config:
        return
    try:
        cluster = json.loads(tf_config).get("cluster") or {}
        machines = sum(len(addresses) if isinstance(addresses, list) else 1 for addresses in cluster.values())
    except (ValueError, AttributeError) as error:
        raise UsageError(f"TF_CONFIG is no description of a cluster: {error}; unset it to train here") from error
    if machines > 1:
        raise UsageError(
            f"TF_CONFIG names {machines} machines, and Keras {keras.__version__} cannot train on more than one: its "
            "training step fails under MultiWorkerMirroredStrategy. Unset TF_CONFIG; all GPUs of this machine are used"
        )
