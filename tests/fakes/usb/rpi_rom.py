"""The boot ROM of a Raspberry Pi and the second stage that it starts: two gadgets at one port."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge.flash.transports.usb_device import Endpoint, Interface
from tests.fakes.usb.gadget import Gadget

BULK = 2
PORT = Interface(0, 0, (0xFF, 0, 0), 0, (Endpoint(0x01, BULK, 512), Endpoint(0x82, BULK, 512)))
GET_SIZE, READ, DONE = 0, 1, 2


@dataclass
class Story:
    """What a board does, and what came of it.

    Attributes:
        asks: Names of the files that the second stage wants.
        tells: Metadata, such as `MAC_ADDR*2c:cf:67:00:00:01`.
        result: What the ROM says of the second stage.
        then: Makes what the board becomes after the second stage; None: nothing.
        ends: The second stage says when it has all; else it is gone.
        serial: What it says its serial number is.
    """

    asks: Sequence[str] = ("config.txt", "boot.img")
    tells: Sequence[str] = ()
    result: int = 0
    then: Callable[["Story"], Gadget | None] = lambda _story: None
    ends: bool = True
    serial: str = "d1e2f3a4"
    second_stage: bytes = b""
    message: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)


@dataclass
class Rom(Gadget):
    """The ROM: it takes 24 bytes, then the second stage."""

    story: Story = field(default_factory=Story)
    _left: int = 0
    _got: bytearray = field(default_factory=bytearray)

    def control(
        self, kind: int, request: int, value: int, index: int, data: bytes, n: int
    ) -> bytes | None:
        """A length, or the question how it went."""
        if (kind, request) == (0x40, 0):
            self._left = value | index << 16
            self._got.clear()
            return b""
        if (kind, request) == (0xC0, 0):
            if self.story.result == 0 and self._is_whole():
                self.plugged(second_stage(self.product, self.story))
            return struct.pack("<i", self.story.result if self._is_whole() else -1)
        return None

    def take(self, endpoint: int, data: bytes) -> bool:
        """A part of what was said to come."""
        if endpoint != 1 or len(data) > self._left:
            return False
        self._got += data
        self._left -= len(data)
        if not self._left:
            if self.story.message:
                self.story.second_stage = bytes(self._got)
            else:
                self.story.message = bytes(self._got)
        return True

    def _is_whole(self) -> bool:
        return self.story.message[:4] == struct.pack("<i", len(self.story.second_stage))


@dataclass
class SecondStage(Gadget):
    """It asks for files, first how long they are."""

    story: Story = field(default_factory=Story)
    _step: int = 0
    _left: int = 0
    _got: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._steps = [(GET_SIZE, f"*{one}") for one in self.story.tells]
        for name in self.story.asks:
            self._steps += [(GET_SIZE, name), (READ, name)]
        if self.story.ends:
            self._steps.append((DONE, ""))

    def control(
        self, kind: int, request: int, value: int, index: int, data: bytes, n: int
    ) -> bytes | None:
        """A question, or a length in answer to one."""
        if (kind, request) == (0xC0, 0):
            if self._step >= len(self._steps):
                self.plugged(self.story.then(self.story))
                return None
            command, name = self._steps[self._step]
            if command == DONE:
                self.plugged(self.story.then(self.story))
            return struct.pack("<i", command) + name.encode().ljust(256, b"\0")
        if (kind, request) == (0x40, 0):
            self._answered(value | index << 16)
            return b""
        return None

    def take(self, endpoint: int, data: bytes) -> bool:
        """A part of a file."""
        if endpoint != 1 or len(data) > self._left:
            return False
        self._got += data
        self._left -= len(data)
        if not self._left:
            self.story.files[self._steps[self._step][1]] = bytes(self._got)
            self._step += 1
        return True

    def _answered(self, length: int) -> None:
        command, name = self._steps[self._step]
        self._left, self._got = 0, bytearray()
        if command == READ and length:
            self._left = length
            return
        self._step += 1
        if command == GET_SIZE and not length and not name.startswith("*"):
            self.story.absent.append(name)
            self._step += 1  # it does not ask to read what is not there


def rom(product: int = 0x2711, story: Story | None = None) -> Rom:
    """Return a board in its ROM."""
    story = story or Story()
    strings = {1: "Broadcom", 2: "BCM2711 Boot", 3: story.serial}
    return Rom(0x0A5C, product, (PORT,), strings=strings, serial_index=3, story=story)


def second_stage(product: int, story: Story) -> SecondStage:
    """Return the board with its second stage."""
    strings = {1: "Broadcom", 2: "BCM2711 Boot", 4: story.serial}
    return SecondStage(0x0A5C, product, (PORT,), strings=strings, serial_index=4, story=story)
