"""The service Predict: translation between the wire and the data plane, and its errors as gRPC statuses."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

import grpc

from serving import tracing, withdrawal
from serving.answer import Hints, Recognizes
from serving.asking import ask
from serving.codes import INTERNAL, Code, code_of, explain, standing_of
from serving.errors import OverloadedError, QuotaExceededError, ServingError
from serving.logs import begin_request
from serving.pictures import RequestLimits
from serving.rpc.callers import caller_of, owner_of, texts_of
from serving.rpc.messages import failure, hints_of, parse, question_of, result_of
from serving.rpc.options import RpcOptions
from serving.rpc.places import Places
from serving.rpc.silence import Silence
from serving.security.keys import Scope
from serving.security.signing import signed_as
from serving.wire.recognizer_pb2 import PredictRequest, PredictResult

CODE_KEY = "captcha-code"
"""Where the code number of captcha_platform stands in the trailing metadata of a call that failed."""

TIMING_KEY = "server-timing"
"""Where it stands how long the service worked on a call, in the form of the HTTP header Server-Timing."""

RETRY_KEY = "retry-after"
"""Where a call that a quota refused is told in how many seconds it may come again, as in HTTP."""

_OUR_FAULT = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}

_log = logging.getLogger(__name__)


@dataclass
class _Outcome:
    status: grpc.StatusCode = grpc.StatusCode.OK
    started: float = field(default_factory=time.perf_counter)
    trace: tracing.Trace | None = None  # once the caller has been let in

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started


class Predict:
    """Answers the methods of the service.

    Args:
        plane: answers the questions.
        limits: of one request.
        options: how it behaves; the call that is one too many is refused at once.
        silence: ends the streams that say nothing, or take nothing.
    """

    def __init__(self, plane: Recognizes, limits: RequestLimits, options: RpcOptions, silence: Silence) -> None:
        self._plane = plane
        self._limits = limits
        self._places = Places(options.calls)
        # A stream keeps its thread while its client says nothing: half of the places are never theirs.
        streams = max(1, options.calls // 2)
        self._streams = Places(streams, (streams + 1) // 2, "streams")
        self._silence = silence
        self._options = options

    def predict(self, content: bytes, context: grpc.ServicerContext) -> PredictResult:
        """Answer one request, given as it is on the wire."""
        with self._counted("predict") as outcome:
            hints = Hints()
            try:
                self._admit("predict", content, context, outcome)
                with self._place(self._places), withdrawal.entered(_watched(context)):
                    request = parse(content)
                    hints = hints_of(request)
                    return self._timed(request, context, outcome)
            except ServingError as error:
                code = code_of(error, hints)
                outcome.status = grpc.StatusCode.CANCELLED if _left(context) else _status_of(error)
                if self._options.legacy_ok:
                    return failure(error, code)
                _refuse(context, outcome.status, error, code)
            except Exception as error:  # noqa: BLE001 - gRPC would send its text to the client
                outcome.status = grpc.StatusCode.INTERNAL
                _fail(context, error)

    def predict_stream(self, contents: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[PredictResult]:
        """Answer the requests of a stream, in order. Each of them is counted; the stream only if it goes wrong."""
        with self._counted("predict_stream", whole=False) as outcome:
            try:
                key = self._admit("predict_stream", b"", context, outcome)
                owner = key or owner_of(self._options.gate, context)
                watched = _watched(context)
                with self._place(self._streams, owner), self._place(self._places):
                    for content in self._silence.each(contents, context):
                        with withdrawal.entered(watched):
                            answer = self._answer_or_failure(content, context, key)
                        with self._silence.giving(context):
                            yield answer
            except ServingError as error:
                code = code_of(error, Hints())
                outcome.status = _status_of(error)
                _refuse(context, outcome.status, error, code)
            except (grpc.RpcError, GeneratorExit):
                outcome.status = grpc.StatusCode.CANCELLED
                _log.debug("the client of a stream has gone")
            except Exception as error:  # noqa: BLE001 - as above
                outcome.status = grpc.StatusCode.INTERNAL
                _fail(context, error)

    def _timed(self, request: PredictRequest, context: grpc.ServicerContext, outcome: _Outcome) -> PredictResult:
        result = self._answer(request, context)
        context.set_trailing_metadata(((TIMING_KEY, f"app;dur={1000 * outcome.seconds:.3f}"),))
        return result

    def _answer_or_failure(self, content: bytes, context: grpc.ServicerContext, key: str) -> PredictResult:
        hints, outcome = Hints(), _Outcome()
        try:
            self._options.gate.admit_again(caller_of(context), Scope.INFER, key)  # a quota counts messages, not streams
            request = parse(content)
            hints = hints_of(request)
            return self._answer(request, context)
        except ServingError as error:
            outcome.status = grpc.StatusCode.CANCELLED if _left(context) else _status_of(error)
            return failure(error, code_of(error, hints))
        except Exception:
            outcome.status = grpc.StatusCode.INTERNAL
            raise
        finally:
            self._options.meter.request("grpc", "predict_stream", outcome.status.name, outcome.seconds)

    def _answer(self, request: PredictRequest, context: grpc.ServicerContext) -> PredictResult:
        begin_request()
        question = question_of(request, self._limits)
        return result_of(question, ask(self._plane, question, self._limits, context.time_remaining()))

    @contextmanager
    def _counted(self, method: str, *, whole: bool = True) -> Iterator[_Outcome]:
        outcome = _Outcome()
        tracing.enter(None)  # the thread has worked on other calls
        try:
            yield outcome
        finally:
            if outcome.trace:
                outcome.trace.end(f"Predict/{method}", outcome.status.name, failed=outcome.status in _OUR_FAULT)
            if whole or outcome.status is not grpc.StatusCode.OK:
                self._options.meter.request("grpc", method, outcome.status.name, outcome.seconds)

    def _admit(self, method: str, signed: bytes, context: grpc.ServicerContext, outcome: _Outcome) -> str:
        key = self._options.gate.admit(caller_of(context), Scope.INFER, lambda: signed_as(method, signed))
        # Not before: whoever is refused adds nothing to the traces of others.
        tracer = self._options.tracer
        outcome.trace = tracing.enter(tracer.begin("grpc", texts_of(context)) if tracer else None)
        return key

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until no call is in work, or for so many seconds."""
        self._places.wait_until_free(seconds)

    @contextmanager
    def _place(self, places: Places, owner: str = "") -> Iterator[None]:
        with ExitStack() as held:
            try:
                held.enter_context(places.take(owner))
            except OverloadedError:
                self._options.meter.turned_away("grpc")
                raise
            yield


def _watched(context: grpc.ServicerContext) -> withdrawal.Withdrawal:
    watched = withdrawal.Withdrawal()
    if not context.add_callback(watched.withdraw):
        watched.withdraw()  # it has ended already
    return watched


def _left(context: grpc.ServicerContext) -> bool:
    """Whether the client has gone before its time was up."""
    return not context.is_active() and context.time_remaining() != 0


def _status_of(error: ServingError) -> grpc.StatusCode:
    return grpc.StatusCode[standing_of(type(error)).grpc]


def _fail(context: grpc.ServicerContext, error: Exception) -> NoReturn:
    _log.error("a call failed", exc_info=error)
    _abort(context, grpc.StatusCode.INTERNAL, INTERNAL, INTERNAL.message)


def _refuse(context: grpc.ServicerContext, status: grpc.StatusCode, error: ServingError, code: Code) -> NoReturn:
    wait = ((RETRY_KEY, f"{math.ceil(error.seconds)}"),) if isinstance(error, QuotaExceededError) else ()
    _abort(context, status, code, explain(error, code), wait)


def _abort(
    context: grpc.ServicerContext,
    status: grpc.StatusCode,
    code: Code,
    message: str,
    more: tuple[tuple[str, str], ...] = (),
) -> NoReturn:
    context.set_trailing_metadata(((CODE_KEY, str(code.number)), *more))
    context.abort(status, message)
