"""Reflection, for which nobody needs a key, so that it gets few places and little time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection

from serving.errors import OverloadedError
from serving.rpc.places import Places
from serving.rpc.silence import Silence

PLACES = 8
_SHARE = 4
_SILENT_SECONDS = 10.0


class Reflection:
    """Tells clients which methods there are.

    Args:
        names: of the services.
        silence: ends the calls that say nothing.
        owner: says whose a call is.
    """

    def __init__(self, names: Sequence[str], silence: Silence, owner: Callable[[grpc.ServicerContext], str]) -> None:
        self._teller: Any = reflection.ReflectionServicer(names)
        self._places = Places(PLACES, _SHARE, "calls of reflection")
        self._silence = silence
        self._owner = owner

    def ServerReflectionInfo(  # noqa: N802 - the name is gRPC's
        self, questions: Iterable[Any], context: grpc.ServicerContext
    ) -> Iterator[Any]:
        """Answer the questions of a stream."""
        try:
            with self._places.take(self._owner(context)):
                heard = self._silence.each(questions, context, _SILENT_SECONDS)
                yield from self._teller.ServerReflectionInfo(heard, context)
        except OverloadedError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
