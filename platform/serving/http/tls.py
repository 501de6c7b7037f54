"""TLS under waitress, which has none: its connections are wrapped as they are accepted.

The handshake is driven by the loop, so a client that is slow at it holds up nobody.
"""

import ssl
import threading
import time
from typing import Any

from serving.http.connections import RECEIVE_SECONDS, Channel
from serving.http.listener import Listener


class TlsChannel(Channel):
    """One encrypted connection."""

    _shaken = False
    _wants_write = False  # of the handshake

    def __init__(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - as waitress has them
        # Up to Python 3.12 two threads may not be in one connection of OpenSSL at once.
        self._lock = threading.Lock()
        super().__init__(*arguments, **more)

    def readable(self) -> bool:
        """Whether the loop should wait for bytes."""
        return bool(super().readable()) if self._shaken else not (self._wants_write or self.will_close)

    def writable(self) -> bool:
        """Whether the loop should wait for room to send."""
        return bool(super().writable()) if self._shaken else self._wants_write or self.will_close

    def handle_read(self) -> None:
        """Take what has come."""
        if not self._shaken:
            self._shake()
            return
        try:
            data = self._decrypted()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            data = b""
        if data:
            self.last_activity = time.time()
            self.received(data)
        elif self.requests:
            self._ended = True
        else:
            self.handle_close()

    def handle_write(self) -> None:
        """Send what there is, or close."""
        if self._shaken or self.will_close:
            super().handle_write()
        else:
            self._shake()

    def send(self, data: bytes, do_close: bool = True) -> int:  # noqa: FBT001, FBT002 - as in waitress
        """Send some bytes and return how many."""
        with self._lock:
            try:
                return int(super().send(data, do_close))
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return 0

    def stuck(self, now: float) -> bool:
        """Whether the handshake or a request takes too long."""
        return super().stuck(now) or (not self._shaken and now - self.creation_time > RECEIVE_SECONDS)

    def _shake(self) -> None:
        try:
            self.socket.do_handshake()
            self._shaken = True
        except ssl.SSLWantReadError:
            self._wants_write = False
        except ssl.SSLWantWriteError:
            self._wants_write = True
        except OSError:  # no TLS, a version or cipher that we have not, or gone
            self.handle_close()

    def _decrypted(self) -> bytes:
        with self._lock:
            data: bytes = self.socket.recv(self.adj.recv_bytes)
            while left := self.socket.pending():  # decrypted already, so no poll would tell of it
                data += self.socket.recv(left)
        return data


class TlsListener(Listener):
    """One port on which connections are encrypted.

    Attributes:
        context: of TLS; set before the loop runs.
    """

    channel_class = TlsChannel
    context: ssl.SSLContext

    def accept(self) -> Any:  # noqa: ANN401 - a socket and an address, or None
        """Accept a connection, and wrap it."""
        accepted = super().accept()
        if accepted is None:
            return None
        plain, address = accepted
        return self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address
