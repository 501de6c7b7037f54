"""The HTTP server: the application under waitress, on several ports at once, in a thread of this process."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence

from waitress.adjustments import Adjustments

from serving import affinity, ports
from serving.answer import Recognizes
from serving.http.app import create_app
from serving.http.crowd import Crowd
from serving.http.dispatcher import BoundedDispatcher
from serving.http.facilities import Facilities
from serving.http.listener import Listener
from serving.http.loop import Sockets
from serving.http.options import HttpOptions
from serving.http.refusals import Wording
from serving.http.repeats import Repeats
from serving.http.tls import TlsListener
from serving.pictures import RequestLimits
from serving.security.addresses import loopback

_MAX_HEADER_BYTES = 32 * 1024
_RECEIVE_BYTES = 64 * 1024  # at once: a picture in one piece
_UNSENT_BYTES = 4 * 1024 * 1024  # of a client that goes on asking; one answer alone may be longer
_IDLE_SECONDS = 75  # longer than the usual 60 of a proxy before us, so that the proxy is the one who closes
_CONNECTIONS_PER_ADDRESS = 100  # browsers hold six
_CLEANUP_SECONDS = 5  # between two looks for connections that take too long
_SHUTDOWN_SECONDS = 1.0  # for threads to end that have nothing left to do
_AFTER_A_DEFECT_SECONDS = 0.1  # so that one which does not pass fills no log

_log = logging.getLogger(__name__)


class HttpServer:
    """Answers HTTP for a data plane.

    Args:
        plane: answers the questions.
        host: where to listen.
        ports: each a number, or 0 for any free one.
        limits: of one request.
        options: how the routes behave.
        facilities: keys, metrics and administration.
    """

    def __init__(
        self,
        plane: Recognizes,
        host: str,
        ports: Sequence[int],
        limits: RequestLimits | None = None,
        options: HttpOptions | None = None,
        facilities: Facilities | None = None,
    ) -> None:
        self._limits = limits or RequestLimits()
        self._options = options or HttpOptions()
        self._facilities = facilities or Facilities()
        self._app = create_app(plane, self._limits, self._options, self._facilities)
        self._plane = plane
        self._reading_paths = self._options.captcha_paths
        self._address = host
        self._wanted = tuple(ports)
        self._sockets = Sockets()
        self._crowd = Crowd(self._bound)
        self._wording = Wording(self._options)
        self._listeners: list[Listener] = []
        self._thread = threading.Thread(target=self._loop, name="http", daemon=True)
        self._stop_at: float | None = None
        self._pulling = threading.Lock()
        self._looped = False

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that are listened on, in the order they were asked for; empty before the start."""
        return tuple(int(listener.effective_port) for listener in self._listeners)

    def start(self) -> None:
        """Listen and answer from now on.

        Raises:
            PortBusyError: another program listens on one of the ports; then none is listened on.
            ListenError: an address or port that cannot be used.
        """
        listening: list[socket.socket] = []
        try:
            for port in self._wanted:
                listening.append(ports.listen(self._address, port))  # noqa: PERF401 - those before a failure are closed
        except OSError:
            for taken in listening:
                taken.close()
            raise
        self._dispatcher = BoundedDispatcher(self._options.threads, self._full, self._facilities.meter)
        self._repeats = Repeats(self._dispatcher.full, self._facilities.meter, self._limits.max_body_bytes)
        self._listeners = [self._listener(taken) for taken in listening]
        self._thread.start()
        _log.info("HTTP on %s, ports %s", self._address, ", ".join(map(str, self.ports)))

    def stop_accepting(self) -> None:
        """Refuse new connections; go on answering on those that there are, and close each behind its answer."""
        if self._thread.is_alive():
            stopped = threading.Event()
            self._in_loop(self._stop_listening, stopped.set)
            stopped.wait(_SHUTDOWN_SECONDS)

    def stop(self, grace: float) -> None:
        """Finish what was accepted, then close.

        Args:
            grace: seconds after which connections are closed even if a request on them is unanswered.
        """
        if not self._thread.is_alive():
            return
        self._stop_at = time.monotonic() + grace
        self._in_loop(self._stop_listening)
        self._thread.join()

    def _full(self, path: str, line: int) -> bool:
        return path.rstrip("/") in self._reading_paths and self._plane.full(line)

    def _bound(self, address: str) -> int | None:
        most = self._options.connections_per_address
        if self._facilities.gate.trusts(address) or (most is None and loopback(address)):
            return None
        return most or _CONNECTIONS_PER_ADDRESS

    def _listener(self, taken: socket.socket) -> Listener:
        adjustments = Adjustments(
            sockets=[taken],
            connection_limit=self._options.connections,
            max_request_body_size=self._limits.max_body_bytes + 1,  # waitress refuses what reaches the limit
            max_request_header_size=_MAX_HEADER_BYTES,
            channel_timeout=_IDLE_SECONDS,
            channel_request_lookahead=1,  # the next request of a connection often comes before the thread is done
            recv_bytes=_RECEIVE_BYTES,
            outbuf_high_watermark=_UNSENT_BYTES,
            cleanup_interval=_CLEANUP_SECONDS,
            backlog=ports.BACKLOG,
            ident="serving",
            clear_untrusted_proxy_headers=False,  # the gate decides whose are believed
            url_scheme="https" if self._facilities.certificate else "http",
            log_socket_errors=False,
        )
        certificate = self._facilities.certificate
        listener = (TlsListener if certificate else Listener)(
            self._app,
            self._sockets,
            _sock=taken,
            dispatcher=self._dispatcher,
            adj=adjustments,
            bind_socket=False,
            sockinfo=(taken.family, taken.type, taken.proto, taken.getsockname()),
        )
        if certificate:
            listener.context = certificate.context
        listener.crowd, listener.wording, listener.meter = self._crowd, self._wording, self._facilities.meter
        listener.repeats = self._repeats
        self._sockets.listen(listener)
        return listener

    def _loop(self) -> None:
        affinity.stay_aside()
        while not self._finished():
            wait = 1.0 if self._stop_at is None else 0.05
            try:
                self._sockets.turn(wait)
            except Exception:  # noqa: BLE001 - a defect of one connection must not end all others
                _log.exception("a connection could not be looked after; the others go on")
                time.sleep(_AFTER_A_DEFECT_SECONDS)
        self._dispatcher.shutdown(_SHUTDOWN_SECONDS)
        with self._pulling:
            self._looped = True
            for listener in self._listeners:
                listener.trigger.close()
        self._sockets.close()

    def _finished(self) -> bool:
        if self._stop_at is None:
            return False
        left = [listener.close_idle() for listener in self._listeners if listener.draining]
        all_draining = len(left) == len(self._listeners)
        return (all_draining and not any(left)) or time.monotonic() >= self._stop_at

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            listener.stop_listening()

    def _in_loop(self, *actions: Callable[[], None]) -> None:
        # The loop may run an action before it has been pulled for, woken by something else, and come to its end.
        with self._pulling:
            for action in actions:
                if not self._looped:
                    self._listeners[0].trigger.pull_trigger(action)
