"""The gRPC server: Predict, health and reflection on one port."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from serving import ports
from serving.answer import Recognizes
from serving.pictures import RequestLimits
from serving.rpc import reflecting
from serving.rpc.callers import owner_of
from serving.rpc.health import PREDICT, Health
from serving.rpc.listening import Listening
from serving.rpc.options import RpcOptions
from serving.rpc.servicer import Predict
from serving.rpc.silence import MOST, Silence
from serving.wire.recognizer_pb2 import PredictResult

_SPARE_THREADS = 8 + reflecting.PLACES + MOST  # for health and refusals while all calls are busy, and for the silent
_STREAMS_PER_CONNECTION = 128  # further calls wait at their client
_HANDSHAKE_MS = 20_000
_IDLE_CONNECTION_MS = 300_000  # without a call; clients connect anew by themselves
_MESSAGE_OVERHEAD_BYTES = 64 * 1024  # of a request beside its pictures
_SHUTDOWN_SECONDS = 5.0
_FAREWELL_SECONDS = 0.2  # in which those who ask without a pause learn that they need not

_log = logging.getLogger(__name__)


class RpcServer:
    """Answers gRPC for a data plane.

    Args:
        plane: answers the questions.
        host: where to listen.
        port: a number, or 0 for any free one.
        limits: of one request.
        options: how it behaves.
    """

    def __init__(
        self,
        plane: Recognizes,
        host: str,
        port: int,
        limits: RequestLimits | None = None,
        options: RpcOptions | None = None,
    ) -> None:
        limits = limits or RequestLimits()
        self._options = options = options or RpcOptions()
        self._host = host
        self._wanted = port
        self._port = 0
        owner = partial(owner_of, options.gate)
        self._silence = Silence(owner, partial(options.meter.turned_away, "grpc"))
        self._listening = Listening(self._silence)
        self._threads = ThreadPoolExecutor(options.calls + _SPARE_THREADS, thread_name_prefix="rpc")
        self._server = grpc.server(
            self._threads,
            # More would wait in the pool's queue, where no admission and no deadline reaches them.
            maximum_concurrent_rpcs=options.calls + _SPARE_THREADS,
            interceptors=[self._listening],
            options=[
                ("grpc.so_reuseport", 0),  # else two services could share the port, and each get half of the calls
                ("grpc.max_receive_message_length", limits.max_body_bytes + _MESSAGE_OVERHEAD_BYTES),
                ("grpc.max_allowed_incoming_connections", options.connections),
                ("grpc.max_concurrent_streams", _STREAMS_PER_CONNECTION),
                ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
                ("grpc.max_connection_idle_ms", _IDLE_CONNECTION_MS),
            ],
        )
        self._health = Health(plane, options.gate)
        self._predict = Predict(plane, limits, options, self._silence)
        self._server.add_generic_rpc_handlers((_handler(self._predict),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        if options.reflection:
            names = (PREDICT, health.SERVICE_NAME, reflection.SERVICE_NAME)
            servicer = reflecting.Reflection(names, self._silence, options.gate)
            reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, self._server)

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before the start."""
        return self._port

    def start(self) -> None:
        """Listen and answer from now on.

        Raises:
            PortBusyError: another program listens on the port.
            ListenError: an address or port that cannot be used.
        """
        ports.listen(self._host, self._wanted).close()  # gRPC itself does not say why it cannot listen
        host = f"[{self._host}]" if ":" in self._host else self._host
        try:
            self._port = self._add_port(f"{host}:{self._wanted}")
        except RuntimeError as error:
            raise ports.busy(self._host, self._wanted) from error
        self._server.start()
        self._silence.start()
        self._health.start()
        _log.info("gRPC on %s, port %d", self._host, self._port)

    def _add_port(self, address: str) -> int:
        pair = self._options.certificate
        if pair is None:
            return self._server.add_insecure_port(address)
        return self._server.add_secure_port(address, grpc.ssl_server_credentials([(pair.key, pair.chain)]))

    def stop_accepting(self) -> None:
        """Refuse new calls and report that nothing serves; go on with what is in work, but not with whole streams."""
        self._health.stop()
        self._listening.close()
        self._silence.close()

    def stop(self, grace: float) -> None:
        """Finish what was accepted, then close.

        Args:
            grace: seconds after which calls are cancelled that are still running.
        """
        until = time.monotonic() + grace
        self.stop_accepting()
        # A stopped server of gRPC lets calls that still come wait for those that run, and cancels them then; so it goes
        # on refusing them until nothing runs, and for as long as clients need that ask without a pause.
        self._predict.wait_until_idle(grace)
        time.sleep(_FAREWELL_SECONDS)
        self._health.servicer.end()  # they know by now, and would hold the server up
        self._server.stop(max(0.0, until - time.monotonic())).wait(grace + _SHUTDOWN_SECONDS)
        self._silence.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _handler(service: Predict) -> "grpc.GenericRpcHandler[bytes, PredictResult]":
    # As in the generated code, but for the requests: the service gets the bytes, since they are what is signed.
    encode = PredictResult.SerializeToString
    predict = grpc.unary_unary_rpc_method_handler(service.predict, response_serializer=encode)
    stream = grpc.stream_stream_rpc_method_handler(service.predict_stream, response_serializer=encode)
    return grpc.method_handlers_generic_handler(PREDICT, {"predict": predict, "predict_stream": stream})
