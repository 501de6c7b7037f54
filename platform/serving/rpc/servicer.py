"""The service Predict: translation between the wire and the data plane, and its errors as gRPC statuses."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import grpc

from serving.answer import Hints, Recognizes
from serving.asking import ask
from serving.codes import INTERNAL, Code, code_of, explain
from serving.errors import OverloadedError, ServingError
from serving.pictures import RequestLimits
from serving.rpc.messages import failure, hints_of, question_of, result_of
from serving.rpc.statuses import status_of
from serving.wire.recognizer_pb2 import PredictRequest, PredictResult
from serving.wire.recognizer_pb2_grpc import PredictServicer

CODE_KEY = "captcha-code"
"""Where the code number of captcha_platform stands in the trailing metadata of a call that failed."""

_log = logging.getLogger(__name__)


class Predict(PredictServicer):
    """Answers the methods of the service.

    Args:
        plane: answers the questions.
        limits: of one request.
        calls: how many may be in the data plane at once; the next one is refused at once.
        legacy_ok: answer errors as messages with status OK, as captcha_platform did.
    """

    def __init__(self, plane: Recognizes, limits: RequestLimits, calls: int, *, legacy_ok: bool) -> None:
        self._plane = plane
        self._limits = limits
        self._places = threading.BoundedSemaphore(calls)
        self._legacy_ok = legacy_ok

    def predict(self, request: PredictRequest, context: grpc.ServicerContext) -> PredictResult:
        """Answer one request."""
        try:
            with self._place():
                return self._answer(request, context)
        except ServingError as error:
            code = code_of(error, hints_of(request))
            if self._legacy_ok:
                return PredictResult(code=code.number, success=False)
            _abort(context, status_of(error), code, explain(error, code))
        except Exception as error:  # noqa: BLE001 - gRPC would send its text to the client
            _fail(context, error)

    def predict_stream(
        self, requests: Iterator[PredictRequest], context: grpc.ServicerContext
    ) -> Iterator[PredictResult]:
        """Answer the requests of a stream, in order."""
        try:
            with self._place():
                for request in requests:
                    yield self._answer_or_failure(request, context)
        except ServingError as error:
            code = code_of(error, Hints())
            _abort(context, status_of(error), code, explain(error, code))
        except grpc.RpcError:
            _log.debug("the client of a stream has gone")
        except Exception as error:  # noqa: BLE001 - as above
            _fail(context, error)

    def _answer_or_failure(self, request: PredictRequest, context: grpc.ServicerContext) -> PredictResult:
        try:
            return self._answer(request, context)
        except ServingError as error:
            return failure(error, code_of(error, hints_of(request)))

    def _answer(self, request: PredictRequest, context: grpc.ServicerContext) -> PredictResult:
        question = question_of(request, self._limits)
        return result_of(question, ask(self._plane, question, self._limits, context.time_remaining()))

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise OverloadedError("too many calls at once: try again later")
        try:
            yield
        finally:
            self._places.release()


def _fail(context: grpc.ServicerContext, error: Exception) -> NoReturn:
    _log.error("a call failed", exc_info=error)
    _abort(context, grpc.StatusCode.INTERNAL, INTERNAL, INTERNAL.message)


def _abort(context: grpc.ServicerContext, status: grpc.StatusCode, code: Code, message: str) -> NoReturn:
    context.set_trailing_metadata(((CODE_KEY, str(code.number)),))
    context.abort(status, message)
