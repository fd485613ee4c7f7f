"""How a terminal reaches its console: by requests that wait, or over the broker while it is there.

Each session has connections of its own: what it waits for keeps no update waiting.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from edge_agent.errors import AgentError
from edge_signing.terminal.parcels import Kind, Parcel

if TYPE_CHECKING:  # a device that only polls does not load the other
    from edge_agent.links.http import HttpLink
    from edge_agent.links.mqtt import MqttLink

WAIT_S: Final = 20
_KEPT_MOST: Final = 256


class HttpWay:
    """The way by HTTP: one connection waits for what comes, one brings what is said."""

    def __init__(self, hearing: "HttpLink", speaking: "HttpLink") -> None:
        self._hearing, self._speaking = hearing, speaking

    def next(self, session: str, after: int) -> Sequence[Parcel]:
        """See `edge_agent.terminal.carrier.Way`."""
        return self._hearing.parcels(session, after, WAIT_S)

    def send(self, said: Sequence[Parcel]) -> None:
        """See `edge_agent.terminal.carrier.Way`."""
        self._speaking.send_parcels(said)

    def hang_up(self) -> None:
        """See `edge_agent.terminal.carrier.Way`."""
        self._hearing.close()

    def close(self) -> None:
        """See `edge_agent.terminal.carrier.Way`."""
        self._speaking.close()


class MqttWay:
    """The way over the broker, for one session."""

    def __init__(self, mqtt: "MqttLink", left: Callable[["MqttWay"], None]) -> None:
        self._mqtt, self._left = mqtt, left
        self._come: queue.Queue[Parcel] = queue.Queue(_KEPT_MOST)

    def put(self, one: Parcel) -> None:
        """Keep what came; what has no room is missing, which ends the session."""
        try:
            self._come.put_nowait(one)
        except queue.Full:
            return

    def next(self, session: str, after: int) -> Sequence[Parcel] | None:
        """See `edge_agent.terminal.carrier.Way`."""
        del after  # it comes by itself
        try:
            found = [self._come.get(timeout=1.0)]
        except queue.Empty:
            return None
        while not self._come.empty():
            found.append(self._come.get_nowait())
        return [one for one in found if one.session == session]

    def send(self, said: Sequence[Parcel]) -> None:
        """See `edge_agent.terminal.carrier.Way`."""
        self._mqtt.send_parcels(said)

    def hang_up(self) -> None:
        """See `edge_agent.terminal.carrier.Way`."""

    def close(self) -> None:
        """Take nothing any more."""
        self._left(self)


Opened = Callable[[Parcel, HttpWay | MqttWay], None]


class TerminalLink:
    """Hears that a terminal is wanted, over either link of a device.

    Args:
        make: Returns another link by HTTP; None where there is no way.
        mqtt: That of the agent; None where there is none.
        opened: Told the first parcel of a session, and the way on which it came.
    """

    def __init__(
        self, make: "Callable[[], HttpLink] | None", mqtt: "MqttLink | None", opened: Opened
    ) -> None:
        self._make, self._mqtt, self._opened = make, mqtt, opened
        self._lock = threading.Lock()
        self._ways: dict[str, MqttWay] = {}
        self._looking: threading.Thread | None = None

    def take(self, come: Sequence[Parcel]) -> None:
        """Take what came over the broker, in paho's thread."""
        for one in come:
            with self._lock:
                way = self._ways.get(one.session)
            if way is not None:
                way.put(one)
            elif one.kind is Kind.OPEN and self._mqtt is not None:
                made = MqttWay(self._mqtt, self._leave)
                with self._lock:
                    self._ways[one.session] = made
                self._opened(one, made)

    def look(self) -> None:
        """Ask by HTTP what is wanted: the server says that something is; from any thread."""
        with self._lock:
            is_looking = self._looking is not None and self._looking.is_alive()
            if self._make is None or is_looking:
                return
            self._looking = threading.Thread(target=self._ask, name="terminal-look", daemon=True)
            self._looking.start()

    def _ask(self) -> None:
        if self._make is None:
            return
        hearing = self._make()
        try:
            found = hearing.parcels("", -1, 0)
        except AgentError:
            # Said again with the next answer of the server.
            hearing.close()
            return
        first = next((one for one in found if one.kind is Kind.OPEN), None)
        if first is None:
            hearing.close()
            return
        self._opened(first, HttpWay(hearing, self._make()))

    def _leave(self, way: MqttWay) -> None:
        with self._lock:
            self._ways = {name: one for name, one in self._ways.items() if one is not way}
