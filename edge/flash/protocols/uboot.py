"""What we ask of U-Boot: memory, its disk, loading over the line or the network.

Never `gzwrite`: it hangs when the size is a multiple of its buffer (seen in 2023.01 and 2025.01).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.errors import EdgeError, InputError, LinkError, RefusedError
from edge.flash.protocols import ymodem
from edge.flash.protocols.console import ENTER, Console
from edge.flash.protocols.steps import Dialog, Send, SetBaud, Step, shown
from edge.flash.protocols.ymodem import Sent

SECTOR_BYTES: Final = 512
DISK_S: Final = 60.0
FETCH_S: Final = 60.0
PROBES: Final = 3
DHCP_S: Final = 30.0
DHCP_TRY_MS: Final = 8000
MARGIN_BYTES: Final = 1 << 20  # below U-Boot itself: its stack and its heap

_WAKE: Final[dict[str, str]] = {
    "virtio": "virtio scan",
    "usb": "usb start",
    "nvme": "nvme scan",
    "scsi": "scsi scan",
}
ESCAPE: Final = b"\x1b"
_SETTLE_S: Final = 0.1  # U-Boot waits 50 ms on both sides of the change

_CRC: Final = re.compile(r"==> ([0-9a-f]{8})\b")
_BANK: Final = re.compile(r"-> start\s*= (0x[0-9a-f]+)\s+-> size\s*= (0x[0-9a-f]+)", re.IGNORECASE)
_OWN: Final = re.compile(r"^(?:sp start|relocaddr)\s*= (0x[0-9a-f]+)", re.MULTILINE | re.IGNORECASE)
_SWITCH: Final = re.compile(rb"Switch baudrate to (\d+) bps and press (ENTER|ESC) \.\.\.\r?\n")
_READY: Final = re.compile(rb"Ready for binary \(ymodem\)[^\n]*\r?\n")


@dataclass(frozen=True, slots=True)
class Window:
    """Memory of the board that is ours: where files are loaded, and where they are unpacked.

    Attributes:
        load: The address for what comes over the line, and for what is read back.
        unpack: The address of its content.
        area_bytes: How long each of the two is.
    """

    load: int
    unpack: int
    area_bytes: int


@dataclass(frozen=True, slots=True)
class Rates:
    """The rate of the console, and the one for files."""

    console: int
    transfer: int

    @property
    def differ(self) -> bool:
        """Whether there is something to change."""
        return self.console != self.transfer


class Board:
    """A board at the prompt of its U-Boot.

    Args:
        console: Its console.
        devtype: The kind of its disk.
        devnum: Which of this kind.
    """

    def __init__(self, console: Console, devtype: str, devnum: int) -> None:
        self.console = console
        self.disk = f"{devtype} {devnum}"
        self._devtype = devtype
        self._devnum = devnum

    def select(self) -> Dialog[None]:
        """Find the disk and make it the one that is read and written.

        Raises:
            EdgeError: It is not there.
        """
        if wake := _WAKE.get(self._devtype):
            yield from self.console.command(wake, timeout_s=DISK_S)
        yield from self.console.run(f"{self._devtype} dev {self._devnum:x}", timeout_s=DISK_S)

    def require_memory(self, window: Window) -> Dialog[None]:
        """Check that the window is memory, and not that of U-Boot itself.

        Raises:
            InputError: It is not, as far as the board tells.
        """
        text = yield from self.console.run("bdinfo")
        end = window.unpack + window.area_bytes
        banks = [(int(start, 16), int(size, 16)) for start, size in _BANK.findall(text)]
        place = f"{window.load:#x} to {end:#x}"
        if banks and not any(start <= window.load and end <= start + size for start, size in banks):
            raise InputError(
                f"board.yml: flash.serial: {place} is no memory of this board",
                hint=f"its memory begins at {min(start for start, _size in banks):#x}",
            )
        own = min((int(found, 16) for found in _OWN.findall(text)), default=None)
        if own is not None and window.load < own < end + MARGIN_BYTES:
            raise InputError(f"board.yml: flash.serial: {place} is where U-Boot is: {own:#x}")

    def require_length(self, image_bytes: int, window: Window) -> Dialog[None]:
        """Check that the disk has the last block of the image.

        Raises:
            RefusedError: It has not.
        """
        last = -(-image_bytes // SECTOR_BYTES) - 1
        answer = yield from self.console.command(
            f"{self._devtype} read {window.load:x} {last:x} 1", timeout_s=DISK_S
        )
        if answer.status:
            raise RefusedError(
                f"{self.disk}: the disk has no block {last}:"
                f" the image of {image_bytes} bytes does not fit"
            )

    def crc_in_memory(self, address: int, length_bytes: int) -> Dialog[int]:
        """Return the CRC-32 of memory."""
        return _crc((yield from self.console.run(f"crc32 {address:x} {length_bytes:x}")))

    def crc_on_disk(self, block: int, length_bytes: int, address: int) -> Dialog[int]:
        """Read from the disk to `address` and return the CRC-32 of what was read.

        Raises:
            EdgeError: The disk cannot be read.
        """
        count = -(-length_bytes // SECTOR_BYTES)
        read = f"{self._devtype} read {address:x} {block:x} {count:x}"
        command = f"{read} && crc32 {address:x} {length_bytes:x}"
        return _crc((yield from self.console.run(command, timeout_s=DISK_S)))

    def write(self, block: int, length_bytes: int, address: int) -> Dialog[None]:
        """Write memory to the disk.

        Raises:
            EdgeError: The disk does not take it.
        """
        count = -(-length_bytes // SECTOR_BYTES)
        command = f"{self._devtype} write {address:x} {block:x} {count:x}"
        yield from self.console.run(command, timeout_s=DISK_S)

    def fill(self, address: int, length_bytes: int) -> Dialog[None]:
        """Fill memory with zeros."""
        yield from self.console.run(f"mw.b {address:x} 0 {length_bytes:x}", timeout_s=DISK_S)

    def unpack(self, window: Window, length_bytes: int) -> Dialog[int]:
        """Unpack what was loaded and return the CRC-32 of the content.

        Raises:
            EdgeError: It is no gzip file.
        """
        unzip = f"unzip {window.load:x} {window.unpack:x} {window.area_bytes:x}"
        command = f"{unzip} && crc32 {window.unpack:x} {length_bytes:x}"
        return _crc((yield from self.console.run(command, timeout_s=DISK_S)))

    def load(
        self,
        data: bytes,
        address: int,
        *,
        rates: Rates,
        progress: Callable[[int], Step] | None = None,
    ) -> Dialog[Sent]:
        """Send data to memory by YMODEM, at another rate meanwhile if that is asked for.

        Raises:
            LinkError: The transfer failed.
        """
        command = f"loady {address:x}" + (f" {rates.transfer}" if rates.differ else "")
        yield from self.console.start(command)
        if rates.differ:
            yield from self._switched(rates.transfer, ENTER)
        if (yield from self.console.line.match(_READY, ymodem.REPLY_S)) is None:
            raise LinkError(
                f"U-Boot: `{command}` does not begin; it said {self.console.line.tail()}"
            )
        sent = yield from ymodem.send(self.console.line, "edge.gz", data, progress=progress)
        if rates.differ:
            yield from self._switched(rates.console, ESCAPE)
        answer = yield from self.console.finish(command, timeout_s=ymodem.REPLY_S)
        if answer.status:
            raise LinkError(f"U-Boot: `{command}` ended with {shown(answer.text.encode())}")
        return sent

    def variable(self, name: str) -> Dialog[str | None]:
        """Return a variable of the environment."""
        answer = yield from self.console.command(f"printenv {name}")
        found = re.search(rf"^{name}=(.*)$", answer.text, re.MULTILINE)
        return found[1].strip() if found else None

    def address(self) -> Dialog[str | None]:
        """Ask for an address by DHCP; return it, or None when there is no network."""
        settings = f"setenv autoload no; setenv bootpretryperiod {DHCP_TRY_MS}; setenv netretry no"
        yield from self.console.run(settings)
        try:
            answer = yield from self.console.command("dhcp", timeout_s=DHCP_S)
        except LinkError:
            yield from self.console.interrupt()
            return None
        return None if answer.status else (yield from self.variable("ipaddr"))

    def fetch(self, address: int, host: str, port: int, name: str) -> Dialog[bool]:
        """Load a file from an HTTP server to memory; return whether that worked.

        A file has to be longer than a few packets: U-Boot 2025.01 takes the end of a short one for
        a failure, and then refuses all others until it asks for its address again.
        """
        command = f"setenv httpdstp {port} && wget {address:x} {host}:/{name}"
        try:
            if not (yield from self.console.command(command, timeout_s=FETCH_S)).status:
                return True
        except LinkError:
            if not (yield from self.console.interrupt()):
                raise
        yield from self.address()
        return False

    def reaches(self, host: str, port: int, name: str, window: Window) -> Dialog[bool]:
        """Return whether the board gets a small file from a server.

        The first packets get lost while a switch or the board's own link comes up.
        """
        for _attempt in range(PROBES):
            if (yield from self.fetch(window.load, host, port, name)):
                return True
        return False

    def restart(self) -> Dialog[None]:
        """Start the board anew; it does not answer."""
        yield Send(b"reset" + ENTER)
        yield from self.console.line.more(1.0)

    def _switched(self, baud: int, answer: bytes) -> Dialog[None]:
        asked = yield from self.console.line.match(_SWITCH, ymodem.REPLY_S)
        if asked is None:
            raise LinkError(
                f"U-Boot: it did not change to {baud} baud; it said {self.console.line.tail()}",
                hint="leave --baud away",
            )
        yield SetBaud(baud)
        yield from self.console.line.more(_SETTLE_S)
        yield Send(answer)


def _crc(text: str) -> int:
    found = _CRC.search(text)
    if found is None:
        raise EdgeError(f"U-Boot: crc32 said {shown(text.encode())}")
    return int(found[1], 16)
