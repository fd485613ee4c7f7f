"""The boot ROM of an i.MX on HID: commands in reports, and the program that it starts."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.flash.transports.usb_device import Endpoint, Interface
from tests.fakes.usb.gadget import Gadget

OPEN, CLOSED = 0x56787856, 0x12343412
# What the reports look like to the kernel's HID: ids 1 to 4, of 16, 1024, 4 and 64 bytes.
REPORTS = bytes.fromhex(
    "0600ff0901a101850119012901150026ff00750895109102850219012901150026ff00750896000491 02".replace(
        " ", ""
    )
    + "850319012901150026ff00750895048102"
    + "850419012901150026ff00750895408102"
    + "c0"
)


@dataclass
class ImxRom(Gadget):
    """See the module.

    Attributes:
        is_closed: It takes only programs that are signed.
        refuses: The command that it answers with another word.
        says_at_jump: What it says behind its state at a jump that it does not do.
        then: Makes what the board becomes at the jump.
    """

    is_closed: bool = False
    refuses: int | None = None
    says_at_jump: int | None = None
    then: Callable[[], Gadget | None] = lambda: None
    commands: list[tuple[int, int, int]] = field(default_factory=list)
    memory: dict[int, bytes] = field(default_factory=dict)
    dcd: bytes = b""
    jumped: int | None = None
    _command: tuple[int, int, int] | None = None
    _got: bytearray = field(default_factory=bytearray)

    def control(
        self, kind: int, request: int, value: int, index: int, data: bytes, n: int
    ) -> bytes | None:
        """A report by SET_REPORT, or the descriptor of the reports."""
        if (kind, request, value >> 8) == (0x81, 6, 0x22):
            return REPORTS
        if (kind, request) != (0x21, 9) or not data or value != 0x0200 | data[0]:
            return b"" if kind == 0x21 else None
        self._report(data[0], data[1:])
        return b""

    def take(self, endpoint: int, data: bytes) -> bool:
        """A report to the endpoint, where there is one."""
        self._report(data[0], data[1:])
        return True

    def _report(self, number: int, body: bytes) -> None:
        if number == 1:
            command, address, _format, count, _data, _rest = struct.unpack(">HIBIIB", body[:16])
            self.commands.append((command, address, count))
            self._command, self._got = (command, address, count), bytearray()
            if command not in (0x0404, 0x0A0A):
                self._end(command, address)
        elif number == 2 and self._command:
            self._got += body
            command, address, count = self._command
            if len(self._got) >= count:
                if command == 0x0404:
                    self.memory[address] = bytes(self._got[:count])
                else:
                    self.dcd = bytes(self._got[:count])
                self._end(command, address)

    def _end(self, command: int, address: int) -> None:
        self._command = None
        self._put(3, CLOSED if self.is_closed else OPEN)
        if command == 0x0B0B:
            self.jumped = address
            if self.says_at_jump is not None:
                self._put(4, self.says_at_jump)
            else:
                self.plugged(self.then())
            return
        words = {0x0404: 0x88888888, 0x0A0A: 0x128A8A12, 0x0C0C: 0x900DD009, 0x0505: 0}
        self._put(4, 0xBAD if command == self.refuses else words[command])

    def _put(self, number: int, word: int) -> None:
        body = struct.pack("<BI", number, word)
        self.say(0x81, body.ljust(65, b"\0") if number == 4 else body)


@dataclass
class StreamRom(Gadget):
    """A later ROM: it takes reports 2 and nothing else, until it has its container.

    Attributes:
        wants_bytes: How long that is.
        report_bytes: What is in one report.
    """

    wants_bytes: int = 0
    report_bytes: int = 1024
    then: Callable[[], Gadget | None] = lambda: None
    heads: list[bytes] = field(default_factory=list)
    got: bytearray = field(default_factory=bytearray)

    def control(
        self, kind: int, request: int, value: int, index: int, data: bytes, n: int
    ) -> bytes | None:
        """A report by SET_REPORT."""
        if (kind, request) != (0x21, 9):
            return None
        self.take(1, data)
        return b""

    def take(self, endpoint: int, data: bytes) -> bool:
        """A report."""
        if data[0] == 1:
            self.heads.append(data[1:])
            return True
        if data[0] != 2 or len(data) != self.report_bytes + 1:
            return False
        self.got += data[1:]
        if len(self.got) >= self.wants_bytes:
            self.plugged(self.then())
        return True


HID = Interface(
    0,
    0,
    (3, 0, 0),
    0,
    (Endpoint(0x81, 3, 64),),
    struct.pack("<BBHBBBH", 9, 0x21, 0x110, 0, 1, 0x22, len(REPORTS)),
)


def rom(product: int = 0x0080) -> ImxRom:
    """Return an i.MX6ULL, or another one of its kind."""
    strings = {1: "Freescale SemiConductor Inc ", 2: "SE Blank 6ULL"}
    return ImxRom(0x15A2, product, (HID,), strings=strings)


def boot_image(*, with_dcd: bool = True, size: int = 0x8000, offset: int = 0x400) -> bytes:
    """Return a boot image whose table lies at `offset`, for memory at 0x877ff000."""
    base = 0x877FF000
    here = base + offset
    dcd = here + 0x2C if with_dcd else 0
    table = struct.pack("<8I", 0x402000D1, 0x87800000, 0, dcd, here + 0x20, here, 0, 0)
    settings = bytes.fromhex("d2001040cc000c04020c4068ffffffff")
    body = bytes(offset) + table + struct.pack("<III", base, size, 0) + settings
    return body + bytes(number * 7 & 0xFF for number in range(size - len(body)))
