"""A board that shows its card as a disk: USB mass storage, bulk only, with the commands of Linux.

Source: USB Mass Storage Class, Bulk-Only Transport 1.0; SCSI Block Commands 3.
"""

import struct
import time
from dataclasses import dataclass, field

from edge.flash.transports.usb_device import Endpoint, Interface
from tests.fakes.usb.gadget import Gadget

IN, OUT = 0x81, 0x02
INTERFACE = Interface(0, 0, (8, 6, 0x50), 0, (Endpoint(IN, 2, 512), Endpoint(OUT, 2, 512)))
BLOCK = 512
_WRAPPER = struct.Struct("<IIIBBB")
GOOD, FAILED = 0, 1


@dataclass
class StorageGadget(Gadget):
    """See the module.

    Attributes:
        card: What is on it.
        flaw: The byte that it keeps otherwise, in silence.
        is_ejected: It was let go of.
        bytes_per_s: How fast the card takes and gives data; 0 for at once.
    """

    card: bytearray = field(default_factory=lambda: bytearray(16 << 20))
    flaw: int | None = None
    is_ejected: bool = False
    bytes_per_s: int = 0
    writes: int = 0
    _tag: int = 0
    _left: int = 0
    _at: int = 0

    def control(
        self, kind: int, request: int, value: int, index: int, data: bytes, n: int
    ) -> bytes | None:
        """GET MAX LUN, and the reset of the class."""
        if (kind, request) == (0xA1, 0xFE):
            return b"\0"
        return b"" if (kind, request) == (0x21, 0xFF) else None

    def take(self, endpoint: int, data: bytes) -> bool:
        """A command, or data of a write."""
        if self._left:
            self._write(data)
            return True
        if len(data) != 31 or data[:4] != b"USBC":
            return False
        _signature, self._tag, wanted, _flags, _unit, length = _WRAPPER.unpack_from(data)
        self._run(data[15 : 15 + length], wanted)
        return True

    def _run(self, command: bytes, wanted: int) -> None:
        answers = {
            0x12: lambda: bytes([0, 0x80, 6, 2, 31, 0, 0, 0]) + b"edge    board storage   1.0 ",
            0x25: lambda: struct.pack(">II", len(self.card) // BLOCK - 1, BLOCK),
            0x03: lambda: bytes([0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0]),
            0x1A: lambda: bytes([3, 0, 0, 0]),
        }  # fmt: skip
        code = command[0]
        if code == 0x28:
            at, blocks = struct.unpack_from(">xxIxH", command)
            self._take_time(blocks * BLOCK)
            self._reply(bytes(self.card[at * BLOCK : (at + blocks) * BLOCK]), wanted)
        elif code == 0x2A:
            at, blocks = struct.unpack_from(">xxIxH", command)
            self._at, self._left = at * BLOCK, blocks * BLOCK
        elif code in answers:
            self._reply(answers[code](), wanted)
        elif code in (0x00, 0x1B, 0x1E, 0x35):
            self.is_ejected |= code == 0x1B and bool(command[4] & 2)
            self._reply(b"", 0)
        else:
            self._reply(b"", wanted, status=FAILED)

    def _write(self, data: bytes) -> None:
        self.card[self._at : self._at + len(data)] = data
        if self.flaw is not None and self._at <= self.flaw < self._at + len(data):
            self.card[self.flaw] ^= 1
        self._take_time(len(data))
        self._at += len(data)
        self._left -= len(data)
        self.writes += 1
        if not self._left:
            self._reply(b"", 0)

    def _take_time(self, length_bytes: int) -> None:
        if self.bytes_per_s:
            time.sleep(length_bytes / self.bytes_per_s)

    def _reply(self, data: bytes, wanted: int, *, status: int = GOOD) -> None:
        sent = data[:wanted]
        if wanted and (sent or status):
            self.say(IN, sent)
        state = struct.pack("<IIIB", 0x53425355, self._tag, wanted - len(sent), status)
        self.say(IN, state)


def gadget(card: bytearray, serial: str = "d1e2f3a4", *, bytes_per_s: int = 0) -> StorageGadget:
    """Return a board that shows a card."""
    strings = {1: "Raspberry Pi", 2: "Mass storage gadget", 3: serial}
    made = StorageGadget(0x0A5C, 0x0104, (INTERFACE,), strings=strings, serial_index=3, card=card)
    made.bytes_per_s = bytes_per_s
    return made
