"""Reflection, for which nobody needs a key, so that it gets few places and little time."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection

from serving.errors import OverloadedError
from serving.rpc.callers import greet, owner_of
from serving.rpc.places import Places
from serving.rpc.silence import Silence
from serving.security.gate import Gate

PLACES = 8
_SHARE = 4
_SILENT_SECONDS = 10.0


class Reflection:
    """Tells clients which methods there are.

    Args:
        names: of the services.
        silence: ends the calls that say nothing, or take nothing.
        gate: says from where calls are taken.
    """

    def __init__(self, names: Sequence[str], silence: Silence, gate: Gate) -> None:
        self._teller: Any = reflection.ReflectionServicer(names)
        self._places = Places(PLACES, _SHARE, "calls of reflection")
        self._silence = silence
        self._gate = gate

    def ServerReflectionInfo(  # noqa: N802 - the name is gRPC's
        self, questions: Iterable[Any], context: grpc.ServicerContext
    ) -> Iterator[Any]:
        """Answer the questions of a stream."""
        greet(self._gate, context)
        try:
            with self._places.take(owner_of(self._gate, context)):
                heard = self._silence.each(questions, context, _SILENT_SECONDS)
                for answer in self._teller.ServerReflectionInfo(heard, context):
                    with self._silence.giving(context, _SILENT_SECONDS):
                        yield answer
        except OverloadedError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
