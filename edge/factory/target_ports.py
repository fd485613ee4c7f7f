"""The real ports of a station, named as flash targets: `usb:1-1.2`, `serial:/dev/ttyUSB0`, a file.

At a USB port a board is seen. Where none can be, the operator says that it was changed.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.errors import EdgeError, InputError, ThingNotFoundError
from edge.factory.ports import Seen
from edge.flash import targets, usb_boards
from edge.flash.disks.disk import Disk
from edge.flash.targets import (
    BoardTarget,
    DiskTarget,
    FileTarget,
    NetworkTarget,
    PortTarget,
    SerialTarget,
    Target,
)
from edge.flash.transports.usb_bus import Bus
from edge.flash.transports.usb_device import Sighting

DEVICE: Final = "{device}"
GAP_S: Final = 3.0  # a board that starts again is away for less


@dataclass(slots=True)
class _State:
    """What was at a port."""

    session: int = 0
    seen: Seen | None = None
    last_s: float = 0.0


class TargetPorts:
    """Ports that are flash targets.

    Args:
        names: The targets.
        bus: Returns the USB ports of this machine.
        disks: Returns its disks.
        clock_s: Returns seconds that only go forward.

    Raises:
        InputError: One is no place where one board after the other can be.
    """

    def __init__(
        self,
        names: Sequence[str],
        bus: Callable[[], Bus],
        disks: Callable[[], Sequence[Disk]],
        clock_s: Callable[[], float],
    ) -> None:
        self._targets = {name: checked(name) for name in dict.fromkeys(names)}
        self._states = {name: _State() for name in self._targets}
        self._bus, self._disks, self._clock_s = bus, disks, clock_s
        self._serials: dict[str, tuple[int, str]] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """See `Ports`."""
        return tuple(self._targets)

    def look(self, busy: frozenset[str] = frozenset()) -> Mapping[str, Seen]:
        """See `Ports`."""
        with self._lock:
            return self._look(self._targets, busy)

    def at(self, port: str) -> Seen | None:
        """See `Ports`."""
        with self._lock:
            return self._look({port: self._targets[port]}, frozenset((port,))).get(port)

    def _look(self, wanted: Mapping[str, Target], busy: frozenset[str]) -> dict[str, Seen]:
        in_use = {_usb_port(self._targets[name]) for name in busy}
        usb = self._usb(in_use) if any(_usb_port(one) for one in wanted.values()) else {}
        found: dict[str, Seen] = {}
        for name, target in wanted.items():
            port = _usb_port(target)
            if port is None:
                seen = self._by_hand(name, target)
            else:
                seen = self._watched(name, usb.get(port), is_busy=name in busy)
            if seen is not None:
                found[name] = seen
        return found

    def is_watched(self, port: str) -> bool:
        """See `Ports`."""
        return _usb_port(self._targets[port]) is not None

    def is_endless(self, port: str) -> bool:
        """See `Ports`."""
        return isinstance(self._targets[port], FileTarget)

    def next(self, port: str) -> None:
        """See `Ports`."""
        self._states[port].session += 1

    def _by_hand(self, name: str, target: Target) -> Seen | None:
        match target:
            case SerialTarget(place=place) if place.startswith("/"):
                is_there = Path(place).exists()
            case DiskTarget(path=path):
                is_there = Path(path).exists()
            case _:
                is_there = True
        return Seen("", name, self._states[name].session) if is_there else None

    def _watched(self, name: str, here: Seen | None, *, is_busy: bool) -> Seen | None:
        state, now_s = self._states[name], self._clock_s()
        before = state.seen
        if here is None:
            if is_busy:
                return None
            if before is not None and now_s - state.last_s < GAP_S:
                return before
            state.seen = None
            return None
        state.last_s = now_s
        is_same_stage = before is not None and before.what == here.what
        is_compared = is_same_stage or not is_busy
        is_other = before is None or (
            is_compared
            and bool(before.serial)
            and bool(here.serial)
            and before.serial != here.serial
        )
        if is_other:
            state.session += 1
            state.seen = Seen(here.serial, here.what, state.session)
        return state.seen

    def _usb(self, in_use: Collection[str | None]) -> dict[str, Seen]:
        """Return what is at each USB port: a board that waits, or a disk."""
        found = {
            disk.port: Seen("", f"{disk.title}, {disk.size_bytes // 10**9} GB")
            for disk in self._disks()
            if disk.port and disk.size_bytes
        }
        try:
            bus = self._bus()
        except ThingNotFoundError:  # without libusb there are cards still
            return found
        for one in usb_boards.boards(bus):
            # Whoever works at a port has its device open.
            serial = "" if one.seen.port in in_use else self._serial(bus, one.seen)
            found[one.seen.port] = Seen(serial, one.what)
        return found

    def _serial(self, bus: Bus, seen: Sighting) -> str:
        address, serial = self._serials.get(seen.port, (-1, ""))
        if address != seen.address:
            serial = _asked(bus, seen)
            self._serials[seen.port] = seen.address, serial
        return serial


def _asked(bus: Bus, seen: Sighting) -> str:
    """Return what a device says its serial number is; empty when it does not say."""
    if not seen.serial_index:
        return ""
    try:
        device = bus.open(seen)
    except EdgeError:
        return ""
    try:
        return device.text(seen.serial_index).strip()
    except EdgeError:
        return ""
    finally:
        device.close()


def checked(name: str) -> Target:
    """Return the place for boards that a text names.

    Raises:
        InputError: It is no place where one board after the other can be.
    """
    target = targets.parse(name, option="--port")
    match target:
        case BoardTarget(port=None):
            raise InputError(
                f"{name}: a place of a line is one USB port", hint="like usb:1-1.2 or dfu:1-1.2"
            )
        case FileTarget(path=path) if DEVICE not in path:
            raise InputError(
                f"{name}: each device needs a file of its own", hint="like file:cards/{device}.img"
            )
        case _:
            return target


def _usb_port(target: Target) -> str | None:
    match target:
        case PortTarget(port=port) | BoardTarget(port=port):
            return port
        case DiskTarget() | FileTarget() | NetworkTarget() | SerialTarget():
            return None
