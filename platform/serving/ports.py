"""Binding a TCP port, with a sentence for each way in which that fails."""

import errno
import socket
import sys

from serving.errors import ListenError, PortBusyError

BACKLOG = 1024  # connections that the kernel holds for us until they are accepted


def listen(host: str, port: int) -> socket.socket:
    """Listen on a port.

    Args:
        host: a name or address of this machine; of several addresses the first of IPv4 is taken.
        port: 0 takes any free one.

    Raises:
        PortBusyError: another program listens there.
        ListenError: no such address here, or no right to use that port.
    """
    family, address = _resolve(host, port)
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        _claim(listening)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _explained(error, host, port) from error
    return listening


def busy(host: str, port: int) -> PortBusyError:
    """Return the error for a port that is taken."""
    return PortBusyError(
        f"port {port} on {host} is in use: stop the program that listens there (is the service running already?) "
        "or choose another port; 0 takes any free one",
    )


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ListenError(f"{host!r} is no address of this machine: {error.strerror}") from error
    family, _, _, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    return family, address  # type: ignore[return-value]  # the stub allows for builds of Python without IPv6


def _claim(listening: socket.socket) -> None:
    # On Windows SO_REUSEADDR would share the port with another program; elsewhere it only skips the wait after a stop.
    if sys.platform == "win32":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def _explained(error: OSError, host: str, port: int) -> ListenError:
    if error.errno == errno.EADDRINUSE or (sys.platform == "win32" and error.errno == errno.EACCES):
        return busy(host, port)
    if error.errno == errno.EACCES:
        return ListenError(f"no right to listen on port {port}: choose a port above 1023")
    return ListenError(f"cannot listen on {host}:{port}: {error.strerror}")
