"""A boot loader in the mode of DFU, with one place in memory for each setting."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.flash.transports.usb_device import Interface
from tests.fakes.usb.gadget import Gadget

IDLE, SYNC, BUSY, DNLOAD_IDLE, MANIFEST_SYNC, MANIFEST, WAIT_RESET, UPLOAD_IDLE, ERROR = (
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
)

DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT = range(7)


@dataclass
class DfuGadget(Gadget):
    """See the module.

    Attributes:
        places: What each setting holds.
        busy: How many times it says that it is busy after each block.
        stays: It goes on after the end of a file, else it waits for a reset.
        error_at: The block that it refuses, and the status it gives.
        flaw: The byte of a place that it writes wrong, in silence.
    """

    places: dict[int, bytearray] = field(default_factory=dict)
    setting: int = 0
    state: int = IDLE
    status: int = 0
    busy: int = 1
    stays: bool = True
    error_at: tuple[int, int] | None = None
    flaw: int | None = None
    resets: int = 0
    detached: int = 0
    blocks: list[int] = field(default_factory=list)
    _left: int = 0
    _at: int = 0

    def control(
        self, kind: int, request: int, value: int, index: int, data: bytes, n: int
    ) -> bytes | None:
        """Answer a request of the class."""
        if kind == 0x01 and request == 11:  # SET_INTERFACE
            self.setting = value
            return b""
        answers: dict[tuple[int, int], Callable[[], bytes | None]] = {
            (0x21, DETACH): self._detach,
            (0x21, DNLOAD): lambda: self._download(value, data),
            (0xA1, UPLOAD): lambda: self._upload(n),
            (0xA1, GETSTATUS): self._status,
            (0x21, CLRSTATUS): self._idle,
            (0xA1, GETSTATE): lambda: bytes([self.state]),
            (0x21, ABORT): self._idle,
        }
        answer = answers.get((kind, request))
        return answer() if answer else None

    def reset(self) -> None:
        """The host resets the port: a file that was taken is started."""
        self.resets += 1
        self.plugged(None)

    def _detach(self) -> bytes:
        self.detached += 1
        return b""

    def _idle(self) -> bytes:
        self.state, self.status = IDLE, 0
        return b""

    def _download(self, number: int, data: bytes) -> bytes | None:
        if self.state not in (IDLE, DNLOAD_IDLE) or (self.state == IDLE and not data):
            self.state, self.status = ERROR, 15
            return None
        if self.state == IDLE:
            self.places[self.setting] = bytearray()
            self.blocks.clear()
        if self.error_at and self.error_at[0] == number:
            self.state, self.status = ERROR, self.error_at[1]
            return None
        if not data:
            self.state = MANIFEST_SYNC
            if self.flaw is not None:
                self.places[self.setting][self.flaw] ^= 1
            return b""
        self.blocks.append(number)
        self.places[self.setting] += data
        self.state, self._left = SYNC, self.busy
        return b""

    def _upload(self, n: int) -> bytes | None:
        if self.state == IDLE:
            self._at = 0
        elif self.state != UPLOAD_IDLE:
            self.state, self.status = ERROR, 15
            return None
        piece = bytes(self.places.get(self.setting, b"")[self._at : self._at + n])
        self._at += len(piece)
        self.state = UPLOAD_IDLE if len(piece) == n else IDLE
        return piece

    def _status(self) -> bytes:
        wait_ms = 0
        if self.state in (SYNC, BUSY):
            wait_ms = 70_000 if self._left else 0  # more than two bytes of it
            self.state = BUSY if self._left else DNLOAD_IDLE
            self._left -= 1
        elif self.state == MANIFEST_SYNC:
            self.state = MANIFEST
        elif self.state == MANIFEST:
            self.state = IDLE if self.stays else WAIT_RESET
        return struct.pack("<BBHBB", self.status, wait_ms & 0xFF, wait_ms >> 8, self.state, 0)


def gadget(*, transfer_bytes: int = 4096, names: tuple[str, ...] = ("disk", "boot")) -> DfuGadget:
    """Return a board in the mode of DFU."""
    descriptor = struct.pack("<BBBHHH", 9, 0x21, 0x0F, 255, transfer_bytes, 0x110)
    settings = tuple(
        Interface(
            0, number, (0xFE, 1, 2), 4 + number, (), descriptor if number + 1 == len(names) else b""
        )
        for number in range(len(names))
    )
    strings = {1: "edge", 2: "board", 3: "DFU0001"}
    strings |= {4 + number: name for number, name in enumerate(names)}
    return DfuGadget(0x0525, 0xA4A5, settings, strings=strings, serial_index=3)


@dataclass
class RunningGadget(Gadget):
    """A board whose system runs, and which goes to DFU when it is told to.

    Attributes:
        leaves: It goes by itself, else when it is reset.
        next: What it becomes.
        told_ms: How long it was told to wait for the reset; None: not told.
    """

    leaves: bool = True
    next: Gadget | None = None
    told_ms: int | None = None

    def control(
        self, kind: int, request: int, value: int, index: int, data: bytes, n: int
    ) -> bytes | None:
        """Take DETACH."""
        if (kind, request, index) != (0x21, DETACH, 2):
            return None
        self.told_ms = value
        if self.leaves:
            self.plugged(self.next)
        return b""

    def reset(self) -> None:
        """Go, if it was told to."""
        if self.told_ms is not None:
            self.plugged(self.next)


def running(then: Gadget | None, *, leaves: bool = True) -> RunningGadget:
    """Return a board whose system runs."""
    attributes = 0x0F if leaves else 0x07
    descriptor = struct.pack("<BBBHHH", 9, 0x21, attributes, 2500, 4096, 0x110)
    interfaces = (Interface(0, 0, (3, 0, 0)), Interface(2, 0, (0xFE, 1, 1), 0, (), descriptor))
    strings = {1: "edge", 2: "board", 3: "DFU0001"}
    gadget = RunningGadget(0x0525, 0xA4A6, interfaces, strings=strings, serial_index=3)
    gadget.leaves, gadget.next = leaves, then
    return gadget
