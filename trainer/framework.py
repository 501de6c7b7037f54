"""The one door to keras: chooses the backend, and imports it without start-up chatter."""

import os

from engine.quiet import chatter_dropped


def import_keras() -> None:
    """Import keras with tensorflow behind it, unless KERAS_BACKEND names another backend. Takes seconds."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with chatter_dropped():
        import keras  # noqa: F401, PLC0415 - the one place where it is imported late
