"""Holds connections open that say nothing: `python -m benchmarks.peers.idle PORT COUNT`, until its input ends.

Prints how many it has once they are there, and at the end how many of them the server has not closed.
"""

import resource
import socket
import sys


def main() -> None:
    """Hold them."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    print(len(held), flush=True)
    sys.stdin.read()
    print(sum(map(is_open, held)), flush=True)


def is_open(connection: socket.socket) -> bool:
    """Tell whether the other side has neither closed a connection nor said why it will."""
    connection.settimeout(0)
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


if __name__ == "__main__":
    main()
