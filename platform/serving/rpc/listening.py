"""Takes in the messages of all calls, in place of gRPC.

gRPC awaits the one message of a call for ever. Where it parses messages itself and cannot, it ends the call while the
method goes on, which then ends it a second time: that can leave the call behind, and a server that stops waits for it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from serving.rpc.silence import Silence


class Listening(grpc.ServerInterceptor):  # type: ignore[type-arg]  # the class is generic in its stub only
    """Lets `Silence` await the one message of a call, and ends a call once whose message cannot be read.

    Args:
        silence: awaits it.
    """

    def __init__(self, silence: Silence) -> None:
        self._silence = silence
        self._closed = False

    def close(self) -> None:
        """Refuse every call from now on. gRPC alone would cancel those that come while a server stops."""
        self._closed = True

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:  # noqa: ANN401 - as gRPC has it
        """Return what handles a method, or None if nothing does."""
        if self._closed:
            return grpc.stream_stream_rpc_method_handler(_refuse)
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        parse = partial(_parsed, handler.request_deserializer or bytes)
        behavior = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

        def answer(messages: Iterator[bytes], context: grpc.ServicerContext, *more: Any) -> Any:  # noqa: ANN401 - any method
            if handler.request_streaming:
                return behavior((parse(content, context) for content in messages), context, *more)
            return behavior(parse(self._silence.first(messages, context), context), context, *more)

        # What gRPC reads from a method that answers through a callback and holds no thread, as the watch of health.
        answer.experimental_non_blocking = getattr(behavior, "experimental_non_blocking", False)  # type: ignore[attr-defined]
        make = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
        return make(answer, response_serializer=handler.response_serializer)


def _parsed(parse: Callable[[bytes], Any], content: bytes, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - any message
    try:
        return parse(content)
    except DecodeError:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message cannot be read")


def _refuse(_messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
    context.abort(grpc.StatusCode.UNAVAILABLE, "the service is stopping")
