"""NXP's serial download protocol: the boot ROM of an i.MX takes a program over HID and starts it.

SDP (i.MX 6, 7, 8M) writes it to an address and jumps; SDPS (i.MX 8 and 9 of later make) is given
the whole container, and finds its way.

Source: i.MX 6 reference manuals, chapter System Boot; nxp-imx/mfgtools, libuuu, in own words.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from construct import Const, Int8ub, Int16ub, Int32ub, Int32ul, Padding, Struct

from edge.errors import InputError, LinkError
from edge.flash.protocols.usb_steps import (
    CLASS,
    IN,
    INTERFACE,
    Order,
    Read,
    UsbDialog,
    UsbGoneError,
    UsbStep,
    UsbTimeoutError,
    Write,
)

SET_REPORT: Final = 9
OUTPUT: Final = 0x0200
COMMAND: Final = Struct(
    "command" / Int16ub,
    "address" / Int32ub,
    "format" / Int8ub,
    "count" / Int32ub,
    "data" / Int32ub,
    Padding(1),
)
IVT: Final = Struct(
    "barker" / Int32ul,
    "entry" / Int32ul,
    Padding(4),
    "dcd" / Int32ul,
    "boot_data" / Int32ul,
    "self" / Int32ul,
    "csf" / Int32ul,
    Padding(4),
)
DCD: Final = Struct("tag" / Const(0xD2, Int8ub), "length_bytes" / Int16ub, "version" / Int8ub)
BARKERS: Final = (0x402000D1, 0x412000D1)
STREAM: Final = Struct(
    "signature" / Const(0x43544C42, Int32ul),
    "tag" / Const(1, Int32ul),
    "length_bytes" / Int32ul,
    "flags" / Const(0, Int8ub),
    Padding(2),
    "command" / Const(2, Int8ub),
    "again" / Int32ub,
    Padding(11),
)

READ_REGISTER: Final = 0x0101
WRITE_FILE: Final = 0x0404
ERROR_STATUS: Final = 0x0505
DCD_WRITE: Final = 0x0A0A
JUMP: Final = 0x0B0B
SKIP_DCD: Final = 0x0C0C

OPEN: Final = 0x56787856
CLOSED: Final = 0x12343412
DCD_DONE: Final = 0x128A8A12
FILE_DONE: Final = 0x88888888
SKIP_DONE: Final = 0x900DD009

REPORT_BYTES: Final = 1024
MOST_FILE_BYTES: Final = 0x200000
MOST_DCD_BYTES: Final = 0x1000
REPLY_S: Final = 10.0
JUMP_S: Final = 1.0
_DCD_AT: Final = 12


@dataclass(frozen=True, slots=True)
class Link:
    """How reports go to a device.

    Attributes:
        interface: Of HID.
        input: The endpoint that reports come from.
        output: The endpoint for reports to the device; None: by control transfers.
    """

    interface: int
    input: int
    output: int | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    """What a ROM wants.

    Attributes:
        dcd_address: Where its first settings are laid before they are carried out.
        skips_dcd: It would carry them out again at the jump.
        report_bytes: Of one report with data.
        streams: SDPS: it takes the whole container.
        has_preamble: SDPS: it is told the length first (i.MX28).
    """

    name: str
    dcd_address: int = 0x910000
    skips_dcd: bool = False
    report_bytes: int = REPORT_BYTES
    streams: bool = False
    has_preamble: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A boot image with its vector table.

    Attributes:
        load_address: Where its first byte goes.
        table_address: Of its vector table: where to jump.
        dcd: Its first settings; empty when it has none.
        data: From its first byte to its end.
        table_at: Where the table is in it.
    """

    load_address: int
    table_address: int
    dcd: bytes
    data: bytes
    table_at: int

    @property
    def without_dcd(self) -> bytes:
        """The image whose table names no first settings: the ROM would carry them out again."""
        at = self.table_at + _DCD_AT
        return self.data[:at] + bytes(4) + self.data[at + 4 :]


def program(image: bytes) -> Program:
    """Find the vector table of a boot image and read it.

    Raises:
        InputError: It has none, or one that points outside of it.
    """
    for at in range(0, min(len(image) - IVT.sizeof() + 1, 1 << 20), 4):
        if int.from_bytes(image[at : at + 4], "little") in BARKERS:
            return _program(image, at)
    raise InputError(
        "the boot image has no vector table of i.MX in its first MiB",
        hint="name flash.bin or u-boot-with-spl.imx",
    )


def boot(
    link: Link, chip: Chip, image: bytes, progress: Callable[[int], UsbStep] | None = None
) -> UsbDialog[None]:
    """Load a boot image and start it; the device comes again as something else.

    Raises:
        InputError: The image is none for this chip.
        LinkError: The ROM does not take it.
    """
    if chip.streams:
        yield from _stream(link, chip, image, progress)
        return
    found = program(image)
    data = found.data
    if found.dcd:
        is_closed = yield from _put(link, DCD_WRITE, chip.dcd_address, found.dcd, DCD_DONE, None)
        if not chip.skips_dcd and not is_closed:  # of a closed chip the table is signed
            data = found.without_dcd
    for start in range(0, len(data), MOST_FILE_BYTES):
        piece = data[start : start + MOST_FILE_BYTES]
        address = found.load_address + start
        yield from _put(link, WRITE_FILE, address, piece, FILE_DONE, progress)
    if found.dcd and chip.skips_dcd:
        yield from _send(link, 1, _command(SKIP_DCD))
        yield from _secured(link)
        yield from _expect(link, SKIP_DCD, SKIP_DONE)
    yield from _jump(link, found.table_address)


def state(link: Link) -> UsbDialog[bool]:
    """Return whether the chip is closed: takes signed programs only.

    Raises:
        LinkError: It does not answer as a ROM does.
    """
    yield from _send(link, 1, _command(ERROR_STATUS))
    is_closed = yield from _secured(link)
    yield from _report(link, 4)
    return is_closed


def _program(image: bytes, at: int) -> Program:
    table = IVT.parse(image[at : at + IVT.sizeof()])
    # The address of the first byte, were the table's own place in the file the one in memory.
    load_address = table.self - at
    if load_address < 0 or not load_address <= table.entry:
        raise InputError(f"the vector table at byte {at} names places that are not in the image")
    dcd = b""
    if table.dcd:
        start = table.dcd - load_address
        if not 0 <= start <= len(image) - DCD.sizeof():
            raise InputError(f"the first settings lie at byte {start}, outside of the image")
        if image[start] != 0xD2:
            raise InputError(f"there are no first settings at byte {start}")
        length = DCD.parse(image[start : start + DCD.sizeof()]).length_bytes
        dcd = image[start : start + length]
        if len(dcd) != length or not DCD.sizeof() <= length <= MOST_DCD_BYTES:
            raise InputError(f"the first settings at byte {start} have {length} bytes")
    return Program(load_address, table.self, dcd, image, at)


def _put(
    link: Link,
    command: int,
    address: int,
    data: bytes,
    done: int,
    progress: Callable[[int], UsbStep] | None,
) -> UsbDialog[bool]:
    """Bring data to an address, and return whether the chip is closed."""
    yield from _send(link, 1, _command(command, address, len(data)))
    for piece in _pieces(data, REPORT_BYTES):
        yield from _send(link, 2, piece)
        if progress:
            yield progress(len(piece))
    is_closed = yield from _secured(link)
    yield from _expect(link, command, done)
    return is_closed


def _jump(link: Link, address: int) -> UsbDialog[None]:
    """Start the program; a ROM that says something behind its state has refused it."""
    yield from _send(link, 1, _command(JUMP, address))
    try:
        yield from _secured(link)
        said = yield from _report(link, 4, timeout_s=JUMP_S)
    except (UsbGoneError, UsbTimeoutError):
        return
    raise LinkError(
        f"the boot ROM did not start the program: {said:#010x}",
        hint="a closed chip takes only what is signed with its key",
    )


def _stream(
    link: Link, chip: Chip, image: bytes, progress: Callable[[int], UsbStep] | None
) -> UsbDialog[None]:
    if chip.has_preamble:
        length = {"length_bytes": len(image), "again": len(image)}
        yield from _send(link, 1, bytes(STREAM.build(length)))
    try:
        for piece in _pieces(image, chip.report_bytes):
            yield from _send(link, 2, piece.ljust(chip.report_bytes, b"\0"))
            if progress:
                yield progress(len(piece))
    except UsbGoneError:
        return  # it has all that it wants, and starts it


def _send(link: Link, report: int, data: bytes) -> UsbDialog[None]:
    data = bytes([report]) + data
    if link.output is None:
        value = OUTPUT | report
        yield Order(CLASS | INTERFACE, SET_REPORT, value, link.interface, data, REPLY_S)
    else:
        yield Write(link.output, data, REPLY_S)


def _report(link: Link, wanted: int, *, timeout_s: float = REPLY_S) -> UsbDialog[int]:
    heard = yield Read(link.input | IN, 65, timeout_s)
    if len(heard.data) < 5 or heard.data[0] != wanted:
        raise LinkError(f"the boot ROM answered {heard.data[:8].hex(' ')}, not report {wanted}")
    return int.from_bytes(heard.data[1:5], "little")


def _secured(link: Link) -> UsbDialog[bool]:
    found = yield from _report(link, 3)
    if found not in (OPEN, CLOSED):
        raise LinkError(f"the boot ROM says it is in the state {found:#010x}, which there is not")
    return found == CLOSED


def _expect(link: Link, command: int, done: int) -> UsbDialog[None]:
    found = yield from _report(link, 4)
    if found != done:
        raise LinkError(f"the boot ROM answered {command:#06x} with {found:#010x}")


def _command(command: int, address: int = 0, count: int = 0) -> bytes:
    words = {"command": command, "address": address, "format": 0, "count": count, "data": 0}
    return bytes(COMMAND.build(words))


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
