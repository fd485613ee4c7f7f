"""What a station told last, of each port and as a whole. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from edge.factory.events import Event, Light, PortEvent, ScanEvent, StationEvent

CALLS = frozenset((Light.ASKING, Light.BAD))


@dataclass(frozen=True, slots=True)
class Board:
    """All that is on the screen.

    Attributes:
        ports: The newest event of each port, in the order of the screen.
        station: The newest of the station; None before the first.
        scan: The newest of the scanner; None before the first.
    """

    ports: Mapping[str, PortEvent] = field(default_factory=dict)
    station: StationEvent | None = None
    scan: ScanEvent | None = None

    def taken(self, event: Event) -> "Board":
        """Return what is on the screen after an event."""
        match event:
            case PortEvent():
                return replace(self, ports={**self.ports, event.port: event})
            case StationEvent():
                named = {port: PortEvent(port, Light.EMPTY) for port in event.ports}
                known = {**named, **self.ports}
                return replace(self, station=event, ports=known)
            case ScanEvent():
                return replace(self, scan=event)

    def calls(self, event: Event) -> bool:
        """Whether an event is one for which somebody has to look up: a port begins to want that."""
        if isinstance(event, ScanEvent):
            return not event.accepted
        if not isinstance(event, PortEvent) or event.light not in CALLS:
            return False
        before = self.ports.get(event.port)
        return before is None or before.light is not event.light
