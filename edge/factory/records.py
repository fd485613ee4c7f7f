"""What a ledger says of devices: a fold over its entries."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from edge.factory.entry import Entry, Kind
from edge.factory.made import Fate, Made

GOOD = "good"
FAILED = "failed"
RECORD_KEYS = (
    *("line", "product", "board", "board_serial", "order", "release", "image", "key"),
    *("certificate", "retired", "tests"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """A device that has an id.

    Attributes:
        device: Its id.
        serial: What its board says of itself, may be empty.
        fate: None until it was good once, or was scrapped.
        certificates: The serial numbers of all that were issued for it, the newest last.
        may_repeat: Whether somebody has asked for it to be made again.
        runs: How many were begun for it here.
    """

    device: str
    serial: str
    fate: Fate | None = None
    certificates: tuple[str, ...] = ()
    may_repeat: bool = False
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Open:
    """A run that has begun and did not end."""

    unit: str
    device: str
    port: str


@dataclass(slots=True)
class Index:
    """What a station has to know at once: it is told of each entry, and keeps little of it.

    Attributes:
        devices: By id.
        open: Runs that did not end, by unit.
        waiting: Devices that get another board: the id, and the board's serial number if it was
            said.
        golden_ms: When each golden sample was last as expected, by its serial number.
        units: How many runs were begun.
    """

    devices: dict[str, Known] = field(default_factory=dict)
    open: dict[str, Open] = field(default_factory=dict)
    waiting: deque[tuple[str, str]] = field(default_factory=deque)
    golden_ms: dict[str, int] = field(default_factory=dict)
    units: int = 0
    _by_serial: dict[str, str] = field(default_factory=dict)

    def of_serial(self, serial: str) -> Known | None:
        """Return the device on the board with a serial number."""
        device = self._by_serial.get(serial)
        return self.devices[device] if device else None

    def see(self, entry: Entry) -> None:
        """Take the next entry."""
        said = entry.said
        match said.kind:
            case Kind.START:
                self.units += 1
                self.open[said.unit] = Open(said.unit, said.device, said.port)
                if said.device:
                    self._bind(said.device, str(said.details.get("board_serial", "")))
            case Kind.STEP:
                self._step(entry)
            case Kind.END:
                self._end(entry)
            case Kind.SCRAP:
                self._change(said.device, fate=Fate.SCRAPPED, may_repeat=False)
            case Kind.REWORK:
                self._rework(entry)
            case Kind.GOLDEN if said.details.get("as_expected") is True:
                self.golden_ms[str(said.details.get("board_serial"))] = entry.at_ms
            case _:
                pass

    def _bind(self, device: str, serial: str) -> None:
        before = self.devices.get(device)
        if before is not None and before.serial != serial:
            self._by_serial.pop(before.serial, None)
        known = before or Known(device, serial)
        self.devices[device] = replace(known, serial=serial, runs=known.runs + 1)
        if serial:
            self._by_serial[serial] = device
        self.waiting = deque(one for one in self.waiting if one[0] != device)

    def _step(self, entry: Entry) -> None:
        said = entry.said
        number = said.details.get("certificate_serial")
        known = self.devices.get(said.device)
        if known and isinstance(number, str) and number not in known.certificates:
            self._change(said.device, certificates=(*known.certificates, number))

    def _end(self, entry: Entry) -> None:
        said = entry.said
        self.open.pop(said.unit, None)
        if said.details.get("result") == GOOD:
            self._change(said.device, fate=Fate.GOOD, may_repeat=False)

    def _rework(self, entry: Entry) -> None:
        said = entry.said
        if said.device not in self.devices:  # made at another station
            numbers = tuple(str(one) for one in said.details.get("certificates", ()))
            serial = str(said.details.get("serial_before", ""))
            self._bind(said.device, serial)
            self._change(said.device, fate=Fate.GOOD, certificates=numbers)
        self._change(said.device, may_repeat=True)
        if said.details.get("board") == "new":
            self.waiting.append((said.device, str(said.details.get("board_serial", ""))))

    def _change(self, device: str, **changes: Any) -> None:
        if (known := self.devices.get(device)) is not None:
            self.devices[device] = replace(known, **changes)


def made_of(entries: Iterable[Entry]) -> Iterator[Made]:
    """Give what a ledger tells the console of devices, in its order: the good and the scrapped."""
    for entry in entries:
        if (found := made(entry)) is not None:
            yield found


def made(entry: Entry) -> Made | None:
    """Return what one entry tells the console of a device; None when it tells it nothing."""
    details = entry.said.details
    is_good = entry.said.kind is Kind.END and details.get("result") == GOOD
    if not is_good and not (entry.said.kind is Kind.SCRAP and details.get("certificate")):
        return None
    return Made(
        device=entry.said.device,
        fate=Fate.GOOD if is_good else Fate.SCRAPPED,
        line=details["line"],
        station=entry.station,
        number=entry.n,
        digest=entry.digest,
        made_at_s=entry.at_s,
        operator=entry.said.operator,
        product=details["product"],
        board=details["board"],
        board_serial=details["board_serial"],
        order=details["order"],
        release=details["release"],
        image=details["image"],
        key=details["key"],
        certificate=details["certificate"],
        retired=tuple(details["retired"]),
        tests=dict(details["tests"]),
    )
