"""USB DFU 1.1: blocks of a file to one of the settings of an interface, and back.

Each setting is a place such as a partition; its name is the string of the setting. Blocks are
counted, not placed: a number of 16 bits wraps.

Source: USB Device Class Specification for Device Firmware Upgrade 1.1, 2004.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from construct import Const, Int8ul, Int16ul, Int24ul, Struct

from edge.errors import EdgeError, LinkError
from edge.flash.protocols.usb_steps import (
    CLASS,
    INTERFACE,
    Ask,
    Order,
    Pause,
    UsbDialog,
    UsbError,
    UsbGoneError,
    UsbStalledError,
    UsbStep,
)

APPLICATION_CLASS: Final = 0xFE
SUBCLASS: Final = 1
RUNTIME: Final = 1
MODE: Final = 2
DESCRIPTOR: Final = Struct(
    "length" / Const(9, Int8ul),
    "kind" / Const(0x21, Int8ul),
    "attributes" / Int8ul,
    "detach_ms" / Int16ul,
    "transfer_bytes" / Int16ul,
    "release" / Int16ul,
)
STATUS: Final = Struct("status" / Int8ul, "wait_ms" / Int24ul, "state" / Int8ul, "text" / Int8ul)
DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT = range(7)
POLLS: Final = 10_000
MOST_WAIT_S: Final = 60.0
MOST_TRANSFER_BYTES: Final = 4096  # of a control transfer, as Linux allows them to programs
REASONS: Final = {
    1: "the file is not for this place",
    2: "the file is not right by the device's own check",
    3: "the memory can not be written",
    4: "the memory can not be erased",
    5: "the memory was not empty after it was erased",
    6: "writing failed",
    7: "what was written reads back otherwise",
    8: "the address is out of range",
    9: "the file ended too early",
    10: "the firmware is damaged",
    14: "an unknown error",
    15: "a transfer that was not expected",
}


class State(IntEnum):
    """States of a device; the names of the specification."""

    APP_IDLE = 0
    APP_DETACH = 1
    IDLE = 2
    DNLOAD_SYNC = 3
    DNBUSY = 4
    DNLOAD_IDLE = 5
    MANIFEST_SYNC = 6
    MANIFEST = 7
    MANIFEST_WAIT_RESET = 8
    UPLOAD_IDLE = 9
    ERROR = 10


class DfuError(EdgeError):
    """The device refused, and said why."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the descriptor of an interface says.

    Attributes:
        transfer_bytes: The most in one block.
        stays: The device goes on after the end of a file (`bitManifestationTolerant`).
        leaves: It leaves the bus by itself after a DETACH (`bitWillDetach`).
        detach_ms: How long it waits for a reset after one.
    """

    can_download: bool
    can_upload: bool
    stays: bool
    transfer_bytes: int
    leaves: bool = False
    detach_ms: int = 1000


def abilities(extra: bytes) -> Abilities:
    """Read the descriptors of an interface.

    Args:
        extra: One or more descriptors, as they are in the configuration.

    Raises:
        LinkError: None of them is that of DFU.
    """
    at = 0
    while at + 2 <= len(extra) and extra[at]:
        piece = extra[at : at + extra[at]]
        if piece[1] == 0x21 and len(piece) == DESCRIPTOR.sizeof():
            found = DESCRIPTOR.parse(piece)
            most = min(found.transfer_bytes, MOST_TRANSFER_BYTES)
            if most < 8:
                break
            bits = found.attributes
            able = (bool(bits & 1), bool(bits & 2), bool(bits & 4))
            return Abilities(*able, most, bool(bits & 8), found.detach_ms)
        at += extra[at]
    raise LinkError("the device has no usable descriptor of DFU")


Told = Callable[[int], UsbStep]


@dataclass(slots=True)
class Dfu:
    """An interface in the mode of DFU, at one of its settings."""

    interface: int
    able: Abilities

    def download(self, parts: Iterable[bytes], told: Told | None = None) -> UsbDialog[None]:
        """Bring a file to the device, to its end.

        Args:
            parts: Of the file, of any length.
            told: Gives the step that tells how many bytes went.

        Raises:
            DfuError: The device refused it.
            LinkError: It does not answer, or is not in a state to take it.
        """
        if not self.able.can_download:
            raise DfuError("the device takes no file by DFU")
        yield from self._become_idle()
        number = 0
        for piece in _blocks(parts, self.able.transfer_bytes):
            yield from self._send(number & 0xFFFF, piece)
            yield from self._wait_for(State.DNLOAD_IDLE)
            number += 1
            if told:
                yield told(len(piece))
        yield from self._send(number & 0xFFFF, b"")
        yield from self._wait_for_end()

    def upload(
        self, most_bytes: int, take: Callable[[bytes], None], told: Told | None = None
    ) -> UsbDialog[int]:
        """Take what the device gives, to its end or `most_bytes`; return how much that was.

        Raises:
            DfuError: The device gives nothing.
            LinkError: It does not answer.
        """
        if not self.able.can_upload:
            raise DfuError("the device gives nothing back by DFU")
        yield from self._become_idle()
        done_bytes = number = 0
        while done_bytes < most_bytes:
            wanted = min(self.able.transfer_bytes, most_bytes - done_bytes)
            try:
                heard = yield Ask(
                    CLASS | INTERFACE, UPLOAD, number & 0xFFFF, self.interface, wanted
                )
            except UsbStalledError:
                raise (yield from self._refusal()) from None
            take(heard.data)
            done_bytes += len(heard.data)
            if told:
                yield told(len(heard.data))
            if len(heard.data) < wanted:
                return done_bytes
            number += 1
        yield self._order(ABORT)
        return done_bytes

    def detach(self) -> UsbDialog[None]:
        """Have a device that runs go to the mode of DFU: by itself, or when it is reset."""
        try:
            yield self._order(DETACH, self.able.detach_ms)
        except UsbGoneError:
            return

    def _become_idle(self) -> UsbDialog[None]:
        """Clear what an earlier transfer left."""
        for _try in range(4):
            found = yield from self._status()
            if found.state == State.IDLE:
                return
            if found.state in (State.APP_IDLE, State.APP_DETACH):
                raise LinkError("the device runs its application, and is not in the mode of DFU")
            yield self._order(CLRSTATUS if found.state == State.ERROR else ABORT)
        raise LinkError("the device does not become idle")

    def _send(self, number: int, data: bytes) -> UsbDialog[None]:
        try:
            yield self._order(DNLOAD, number, data)
        except UsbStalledError:
            raise (yield from self._refusal()) from None

    def _wait_for(self, wanted: State) -> UsbDialog[None]:
        for _poll in range(POLLS):
            found = yield from self._status()
            if found.state == wanted:
                return
            if found.state not in (State.DNLOAD_SYNC, State.DNBUSY):
                raise _refused(found)
            yield Pause(_wait_s(found))
        raise LinkError("the device is busy without end")

    def _wait_for_end(self) -> UsbDialog[None]:
        for _poll in range(POLLS):
            try:
                found = yield from self._status()
            except UsbError:
                if self.able.stays:
                    raise
                return  # it may restart by itself
            if found.state in (State.IDLE, State.MANIFEST_WAIT_RESET):
                return
            if found.state not in (State.MANIFEST_SYNC, State.MANIFEST, State.DNBUSY):
                raise _refused(found)
            yield Pause(_wait_s(found))
        raise LinkError("the device is busy with the end of the file without end")

    def _status(self) -> UsbDialog["Status"]:
        heard = yield Ask(CLASS | INTERFACE, GETSTATUS, 0, self.interface, STATUS.sizeof())
        if len(heard.data) != STATUS.sizeof():
            raise LinkError(f"the status has {len(heard.data)} bytes, not {STATUS.sizeof()}")
        found = STATUS.parse(heard.data)
        if found.state not in list(State):
            raise LinkError(f"the device is in a state {found.state}, which there is not")
        return Status(found.status, found.wait_ms, State(found.state))

    def _refusal(self) -> UsbDialog[DfuError]:
        """Return why the device stalled, and have it forget that."""
        found = yield from self._status()
        if found.state == State.ERROR:
            yield self._order(CLRSTATUS)
        return _refused(found)

    def _order(self, request: int, value: int = 0, data: bytes = b"") -> Order:
        return Order(CLASS | INTERFACE, request, value, self.interface, data)


@dataclass(frozen=True, slots=True)
class Status:
    """What the device says of itself."""

    status: int
    wait_ms: int
    state: State


def _refused(found: Status) -> DfuError:
    reason = REASONS.get(found.status, f"error {found.status}" if found.status else "no reason")
    return DfuError(f"the device refused in the state {found.state.name}: {reason}")


def _wait_s(found: Status) -> float:
    return min(found.wait_ms / 1000, MOST_WAIT_S)


def _blocks(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Give the same bytes in blocks of one size, the last one shorter."""
    waiting = bytearray()
    for part in parts:
        waiting += part
        whole = len(waiting) // size * size
        for start in range(0, whole, size):
            yield bytes(waiting[start : start + size])
        del waiting[:whole]
    if waiting:
        yield bytes(waiting)
