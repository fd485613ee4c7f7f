"""A boot loader that speaks fastboot: one core, for USB, TCP and UDP."""

import struct
import zlib
from collections import deque
from dataclasses import dataclass, field

from edge.errors import LinkError
from edge.flash.transports.usb_device import Endpoint, Interface
from tests.fakes.usb.gadget import Gadget

SIMPLE = ("erase", "set_active", "reboot", "reboot-bootloader", "continue")
ENDS = (Endpoint(0x81, 2, 512), Endpoint(0x01, 2, 512))


def expanded(data: bytes, disk: bytearray) -> None:
    """Write a sparse image over a disk, as boot loaders do it."""
    magic, _major, _minor, head, chunk_head, size, blocks, chunks, _crc = struct.unpack_from(
        "<IHHHHIIII", data
    )
    if magic != 0xED26FF3A or blocks * size > len(disk):
        raise ValueError("not a sparse image for this disk")
    at, block = head, 0
    for _number in range(chunks):
        kind, _reserved, count, whole = struct.unpack_from("<HHII", data, at)
        body = data[at + chunk_head : at + whole]
        start, end = block * size, (block + count) * size
        if kind == 0xCAC1:
            if len(body) != end - start:
                raise ValueError("raw chunk of another length")
            disk[start:end] = body
        elif kind == 0xCAC2:
            disk[start:end] = body * ((end - start) // 4)
        elif kind != 0xCAC3:
            raise ValueError(f"chunk {kind:#x}")
        at += whole
        block += count
    if block != blocks or at != len(data):
        raise ValueError("chunks do not add up")


@dataclass
class Core:
    """The boot loader.

    Attributes:
        disk: What `flash:disk` writes to.
        commands: What it was told.
        refuses: It says FAIL to commands that begin so.
        mute_at: It says nothing any more from a command that begins so.
        pad: U-Boot fills some replies up with zeros.
        flaw: Writes this bit wrong, in silence: offset on the disk.
        spoilt: The disk keeps this byte otherwise, whatever is written.
        runs: It runs commands of U-Boot.
        environment: What those set.
    """

    disk: bytearray = field(default_factory=lambda: bytearray(8 << 20))
    most_bytes: int = 1 << 20
    variables: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    refuses: str | None = None
    mute_at: str | None = None
    pad: bool = False
    flaw: int | None = None
    spoilt: int | None = None
    runs: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    memory: bytearray = field(default_factory=bytearray)
    out: deque[bytes] = field(default_factory=deque)
    _left: int = 0
    _loaded: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {
            "version": "0.4",
            "product": "edge-board",
            "serialno": "FB0001",
            "max-download-size": f"{self.most_bytes:#x}",
            "partition-type:disk": "raw",
        }
        self.variables = {**known, **self.variables}

    def feed(self, data: bytes) -> None:
        """Take a packet; what is said to it is in `out`."""
        if self._left:
            self.memory += data
            self._left -= len(data)
            if self._left <= 0:
                self._say(b"OKAY" if not self._left else b"FAILtoo much")
            return
        text = data.rstrip(b"\0").decode()
        self.commands.append(text)
        if self.mute_at and text.startswith(self.mute_at):
            return
        if self.refuses and text.startswith(self.refuses):
            self._say(b"FAILnot today")
            return
        self._run(text)

    def _run(self, text: str) -> None:
        word, _colon, rest = text.partition(":")
        if word == "getvar":
            self._variable(rest)
        elif word == "download":
            self._download(int(rest, 16))
        elif word == "flash":
            self._flash(rest)
        elif word in ("upload", "fetch"):
            self._give(rest)
        elif word == "oem run":
            self._uboot(rest.split() if self.runs else [])
        elif word in SIMPLE or text.startswith("oem "):
            self._say(f"INFO{text}".encode()[:60])
            self._say(b"OKAY")
        else:
            self._say(b"FAILunknown command")

    def _give(self, what: str) -> None:
        """Give what was downloaded, or a part of a partition."""
        found = bytes(self.memory)
        if what:
            _disk, at, length = what.split(":")
            found = bytes(self.disk[int(at, 16) : int(at, 16) + int(length, 16)])
        self._say(f"DATA{len(found):08x}".encode())
        self.out.append(found)
        self._say(b"OKAY")

    def _variable(self, name: str) -> None:
        if name == "all":
            for one, value in self.variables.items():
                self._say(f"INFO{one}: {value}".encode())
            self._say(b"OKAY")
        elif f"fastboot.{name}" in self.environment:
            self._say(b"OKAY" + self.environment[f"fastboot.{name}"].encode())
        elif name in self.variables:
            self._say(b"OKAY" + self.variables[name].encode())
        else:
            self._say(b"FAILVariable not implemented")

    def _uboot(self, words: list[str]) -> None:
        """Run a command as U-Boot on a little endian processor does."""
        match words:
            case ["mmc", "dev", "0"]:
                pass
            case ["mmc", "read", at, block, count]:
                start, length = int(block, 16) * 512, int(count, 16) * 512
                self._loaded = {int(at, 16): bytes(self.disk[start : start + length])}
            case ["crc32", at, length, to]:
                crc = zlib.crc32(self._loaded[int(at, 16)][: int(length, 16)])
                self._loaded[int(to, 16)] = crc.to_bytes(4, "big")
            case ["setexpr.l", name, value] if value.startswith("*"):
                number = int.from_bytes(self._loaded[int(value[1:], 16)], "little")
                self.environment[name] = f"{number:x}"
            case ["setexpr.l", name, value]:
                self.environment[name] = f"{int(value, 16):x}"
            case _:
                self._say(b"FAIL")
                return
        self._say(b"OKAY")

    def _download(self, length_bytes: int) -> None:
        self.memory = bytearray()
        if length_bytes > self.most_bytes:
            self._say(b"FAILdata too large")
            return
        self._left = length_bytes
        self._say(f"DATA{length_bytes:08x}".encode())

    def _flash(self, partition: str) -> None:
        if partition != "disk":
            self._say(b"FAILno such partition")
            return
        self._say(b"INFOwriting")
        try:
            expanded(bytes(self.memory), self.disk)
        except (ValueError, struct.error) as error:
            self._say(f"FAIL{error}".encode())
            return
        if self.flaw is not None:
            self.disk[self.flaw] ^= 1
        if self.spoilt is not None:
            self.disk[self.spoilt] = 0xEE
        self._say(b"OKAY")

    def _say(self, data: bytes) -> None:
        self.out.append(data.ljust(64, b"\0") if self.pad and data[:4] != b"DATA" else data)


@dataclass
class CorePort:
    """The core as a port of packets, on a clock of the test.

    Attributes:
        lost_at: The number of the packet at which the link is gone.
    """

    core: Core
    now_s: float = 0.0
    packets: int = 0
    lost_at: int | None = None

    def write(self, data: bytes) -> None:
        """Send a packet."""
        self.packets += 1
        if self.packets == self.lost_at:
            raise LinkError("the link is gone")
        self.core.feed(data)

    def read(self, timeout_s: float) -> bytes:
        """Return a packet."""
        if self.core.out:
            return self.core.out.popleft()
        self.now_s += timeout_s
        return b""

    def set_baud(self, baud: int) -> None:
        """There is none."""

    def fileno(self) -> int:
        """There is none."""
        raise OSError("no file")

    def close(self) -> None:
        """Do nothing."""

    def clock_s(self) -> float:
        """Return the time."""
        return self.now_s


@dataclass
class FastbootGadget(Gadget):
    """The core on USB."""

    core: Core = field(default_factory=Core)

    def take(self, endpoint: int, data: bytes) -> bool:
        """A packet from the host."""
        self.core.feed(data)
        while self.core.out:
            self.say(0x81, self.core.out.popleft())
        return True


def gadget(
    core: Core | None = None, *, vendor: int = 0x18D1, product: int = 0x4EE0
) -> FastbootGadget:
    """Return a board in fastboot on USB."""
    core = core or Core()
    strings = {1: "edge", 2: "board", 3: core.variables["serialno"], 4: "fastboot"}
    interface = Interface(0, 0, (0xFF, 0x42, 0x03), 4, ENDS)
    return FastbootGadget(vendor, product, (interface,), strings=strings, serial_index=3, core=core)
