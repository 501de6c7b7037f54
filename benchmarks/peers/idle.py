"""Holds connections open that say nothing: `python -m benchmarks.peers.idle PORT COUNT`, until its input ends."""

import resource
import socket
import sys

if __name__ == "__main__":
    port, count = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    print(len(held), flush=True)
    sys.stdin.read()
