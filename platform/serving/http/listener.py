"""What we add to listening ports of waitress: bounds on the number of connections, and draining.

waitress has no type annotations, so its classes count as Any here.
"""

import time
from typing import Any

from waitress.server import TcpWSGIServer
from waitress.wasyncore import dispatcher

from serving.http.connections import Channel
from serving.http.crowd import Crowd
from serving.http.refusals import Wording
from serving.http.repeats import Repeats
from serving.metering import Meter


class Listener(TcpWSGIServer):  # type: ignore[misc]  # see the module's docstring
    """One listening port; all of them share a map of sockets, a dispatcher and the application.

    Attributes:
        crowd: the connections of all ports; like the next three, set before the loop runs.
        wording: of what waitress refuses.
        meter: is told of that.
        repeats: of what was refused for want of room.
    """

    channel_class = Channel
    crowd: Crowd
    wording: Wording
    meter: Meter
    repeats: Repeats
    draining = False
    _came = False  # whether the last look found a connection, taken or not

    def accept(self) -> Any:  # noqa: ANN401 - a socket and an address, or None
        """Accept a connection, unless its address has too many."""
        accepted = super().accept()
        self._came = accepted is not None
        if accepted is None or self.crowd.admits(accepted[1][0], time.time()):
            return accepted
        accepted[0].close()
        return None

    def look_after(self, channel: Channel) -> None:
        """Let the loop ask a channel what it waits for, if that is news; from any thread."""
        if self._map.unheard(channel):
            self._map.note(channel)
            self.trigger.pull_trigger()

    def stop_listening(self) -> None:
        """Take the connections that the kernel has made for us already, then no more. In the loop's thread only."""
        if self.draining:
            return
        for _ in range(self.adj.backlog + 1):  # as many as it can hold: more may come without end
            self._came = False
            self.handle_accept()
            if not self._came:
                break
        self.draining = True
        dispatcher.close(self)  # the trigger stays open: channels wake the loop with it

    def readable(self) -> bool:
        """Whether to accept connections. Clients that hold many and say nothing must not keep others out."""
        if self.accepting and len(self._map) >= self.adj.connection_limit:
            self._make_room(time.time())
        return bool(super().readable())

    def maintenance(self, now: float) -> None:
        """Close connections that take too long: waitress calls this every few seconds."""
        super().maintenance(now)
        for channel in self.active_channels.values():
            if channel.will_close or channel.stuck(now):
                channel.close_soon()

    def _make_room(self, now: float) -> None:
        channels = list(self.active_channels.values())
        if any(channel.will_close for channel in channels):
            return  # there will be room in a moment
        dispensable = [channel for channel in channels if channel.dispensable(now)]
        if dispensable:
            min(dispensable, key=lambda channel: channel.last_activity).close_soon()
            self.trigger.pull_trigger()  # the loop may have asked it already whether it wants to write

    def close_idle(self) -> bool:
        """Close connections on which nothing happens; return whether any other is left. In the loop's thread only."""
        channels = list(self.active_channels.values())
        for channel in channels:
            if channel.idle(time.time()):
                channel.close_soon()
        return bool(channels)
