"""The boot ROM of Raspberry Pi on USB: it takes a second stage, which then asks for files.

The ROM and the second stage are two devices, one after the other, on the same port.

Source: raspberrypi/usbboot, main.c and bootfiles.c, and balena's node-raspberrypi-usbboot, as facts
in words of our own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from construct import Bytes, Int32sl, Struct

from edge.errors import LinkError, RefusedError
from edge.flash.events import Note, Phase
from edge.flash.protocols.steps import Tell
from edge.flash.protocols.usb_steps import (
    VENDOR,
    Ask,
    Order,
    Pause,
    UsbDialog,
    UsbError,
    UsbGoneError,
    UsbStep,
    Write,
)

VENDOR_ID: Final = 0x0A5C
BOOT_MESSAGE: Final = Struct("length_bytes" / Int32sl, "signature" / Bytes(20))
REQUEST: Final = Struct("command" / Int32sl, "name" / Bytes(256))
SIZE: Final = 0
READ: Final = 1
DONE: Final = 2
PIECE_BYTES: Final = 1 << 18  # how it is cut is not seen on the wire: all are full packets
PIECE_S: Final = 20.0
SETTLE_S: Final = 1.0
REQUEST_S: Final = 20.0
TRIES: Final = 3
MOST_REQUESTS: Final = 10_000  # a second stage that asks for ever


@dataclass(frozen=True, slots=True)
class Chip:
    """A chip that boots so.

    Attributes:
        name: As in the names of folders of second stages.
        second_stage: The name of the file that its ROM takes.
    """

    name: str
    second_stage: str


CHIPS: Final = {
    0x2763: Chip("2835", "bootcode.bin"),
    0x2764: Chip("2710", "bootcode.bin"),
    0x2711: Chip("2711", "bootcode4.bin"),
    0x2712: Chip("2712", "bootcode5.bin"),
}
"""By product id."""


def is_rom(serial_index: int) -> bool:
    """Return whether a device wants a second stage; the other one asks for files."""
    return serial_index in (0, 3)


Progress = Callable[[int], UsbStep]
"""Gives the step that tells how many bytes were sent."""


class Files(Protocol):
    """What the second stage may ask for."""

    def read(self, name: str) -> bytes | None:
        """Return a file, or None when there is none of that name."""


@dataclass(slots=True)
class Served:
    """What the second stage asked for, and what it said.

    Attributes:
        files: Names and lengths of what it got, in order.
        absent: Names of what was not there: usual, it tries several.
        metadata: What it said of the board, such as `MAC_ADDR`.
        is_gone: It left without a word, as when Linux starts or the board restarts.
    """

    files: dict[str, int] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    is_gone: bool = False


def send_second_stage(
    code: bytes, out: int, *, signature: bytes = bytes(20), progress: Progress | None = None
) -> UsbDialog[None]:
    """Give the ROM its second stage.

    Args:
        code: The file.
        out: The endpoint that takes it.
        signature: HMAC-SHA1 of `bootcode.sig`, where the chip wants one.
        progress: See `Progress`.

    Raises:
        LinkError: The ROM does not take it, or says that it is not good.
    """
    message = BOOT_MESSAGE.build({"length_bytes": len(code), "signature": signature})
    yield from _write(bytes(message), out)
    yield from _write(code, out, progress)
    # usbboot waits before it asks; the client of balenaEtcher asks at once, which saves a second.
    try:
        result = yield from _result()
    except UsbGoneError:
        raise
    except UsbError as error:
        yield Tell(Note(Phase.CONNECT, f"asked again: {error}"))
        result = None
    if result != 0:
        yield Pause(SETTLE_S)
        result = yield from _result()
    if result != 0:
        raise LinkError(
            f"the boot ROM refused the second stage: result {result}",
            hint="a board whose key is fused takes only one that is signed with that key",
        )


def _result() -> UsbDialog[int | None]:
    """Return what the ROM says of its second stage, 0 for good; None when that is too short."""
    heard = yield Ask(VENDOR, 0, 4, 0, 4, REQUEST_S)
    return int.from_bytes(heard.data, "little", signed=True) if len(heard.data) == 4 else None


def serve(files: Files, out: int, progress: Progress | None = None) -> UsbDialog[Served]:
    """Give the second stage what it asks for, until it has all.

    Raises:
        LinkError: It does not ask any more, or not as a second stage does.
        RefusedError: It asks for what lies outside of the files.
    """
    served = Served()
    for _number in range(MOST_REQUESTS):
        try:
            request = yield from _request()
            if request is None:
                served.is_gone = True
                return served
            command, name = request
            if command == DONE or not name:
                if command != DONE:
                    yield _length(0)
                return served
            yield from _answer(command, name, files, out, served, progress)
        except UsbGoneError:
            served.is_gone = True
            return served
    raise LinkError(f"the second stage asked {MOST_REQUESTS} times and is not done")


def _request() -> UsbDialog[tuple[int, str] | None]:
    """Return what is asked for; None when the device is gone."""
    length = REQUEST.sizeof()
    for left in reversed(range(TRIES)):
        try:
            heard = yield Ask(VENDOR, 0, length, 0, length, REQUEST_S)
        except UsbGoneError:
            return None
        except UsbError as error:
            if not left:
                raise
            yield Tell(Note(Phase.CONNECT, f"asked again: {error}"))
            yield Pause(SETTLE_S)
            continue
        if len(heard.data) != length:
            raise LinkError(f"the second stage asked with {len(heard.data)} bytes, not {length}")
        request = REQUEST.parse(heard.data)
        name = bytes(request.name).partition(b"\0")[0].decode("utf-8", "replace")
        return request.command, name
    return None


def _answer(
    command: int,
    name: str,
    files: Files,
    out: int,
    served: Served,
    progress: Progress | None,
) -> UsbDialog[None]:
    if name.startswith("*"):
        key, _star, value = name[1:].partition("*")
        served.metadata[key] = value
        yield _length(0)
        return
    if ".." in name.split("/") or name.startswith("/"):
        raise RefusedError(f"the second stage asked for {name!r}, which is outside of its files")
    data = files.read(name)
    if data is None and name not in served.absent:
        served.absent.append(name)
    if command == SIZE:
        yield _length(len(data or b""))
    elif command == READ:
        yield from _write(data or b"", out, progress)
        if data is not None:
            served.files[name] = len(data)
    else:
        raise LinkError(f"the second stage gave the command {command}, which there is not")


def _write(data: bytes, out: int, progress: Progress | None = None) -> UsbDialog[None]:
    yield _length(len(data))
    for start in range(0, len(data), PIECE_BYTES):
        piece = data[start : start + PIECE_BYTES]
        yield Write(out, piece, PIECE_S)
        if progress:
            yield progress(len(piece))


def _length(length_bytes: int) -> Order:
    return Order(VENDOR, 0, length_bytes & 0xFFFF, length_bytes >> 16, timeout_s=1.0)
