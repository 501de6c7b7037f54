"""The one door to keras: chooses the backend, and imports it without start-up chatter."""

import importlib.util
import os

from engine.quiet import chatter_dropped, import_tensorflow
from trainer.errors import UsageError

BACKENDS = ("tensorflow", "jax")  # that networks are trained with; the export is tensorflow's, whatever trains


def hide_gpus() -> None:
    """Let this process compute on the CPU alone, before tensorflow or jax is imported.

    What needs no GPU must not take the memory that a training has there or will need. And a network that is to be
    compared with its export is read in the same arithmetic then: newer GPUs round what they multiply in float32.
    """
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


def import_keras() -> None:
    """Import keras with tensorflow behind it, unless KERAS_BACKEND names another backend. Takes seconds.

    Raises:
        UsageError: that backend is not installed, or not one that trains here.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend not in BACKENDS:
        raise UsageError(f"KERAS_BACKEND is {backend!r}; networks are trained with {' or '.join(BACKENDS)}")
    if importlib.util.find_spec(backend) is None:
        raise UsageError(f"KERAS_BACKEND is {backend!r}, which is not installed: pip install -e '.[{backend}]'")
    with chatter_dropped():
        import keras  # noqa: F401, PLC0415 - the one place where it is imported late
    import_tensorflow()  # the input and the export are its, whatever trains
