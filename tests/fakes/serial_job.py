"""A job for a scripted board: image, disk, method, and an ear for what is told."""

import random

from edge.board.model import Board
from edge.board.search import find
from edge.flash.events import Advance, Event, Note, Phase
from edge.flash.methods.serial import SerialMethod
from edge.flash.methods.serial_options import SerialOptions, Via
from edge.flash.sources.buffers import Buffers
from edge.flash.transports.address import TtyAddress
from tests.fakes.memory_source import MemorySource
from tests.fakes.scripted_board import ScriptedBoard

HEAD_BYTES = 1 << 20
SPANS = [(0, 1024), (2 << 20, (2 << 20) + 9000), (4 << 20, (4 << 20) + 512)]
LINE = SerialOptions(via=Via.SERIAL, wait_s=30)
ADDRESS = TtyAddress("/dev/ttyTEST")


def image() -> MemorySource:
    """Return an image with a table, and two parts behind the first MiB."""
    noise = random.Random(3)
    content = bytearray((4 << 20) + 512)
    for start, end in SPANS:
        content[start:end] = noise.randbytes(end - start)
    return MemorySource(bytes(content), SPANS)


def empty() -> bytearray:
    """Return a disk that is larger than the image."""
    return bytearray(6 << 20)


def full(source: MemorySource) -> bytearray:
    """Return the disk with the image on it."""
    disk = empty()
    for chunk in source.chunks(Buffers(1)):
        disk[chunk.offset_bytes : chunk.end_bytes] = chunk.data
        chunk.release()
    return disk


def method(
    board: ScriptedBoard, options: SerialOptions = LINE, *, profile: Board | None = None
) -> SerialMethod:
    """Return the method for a board, on its clock."""
    return SerialMethod(
        ADDRESS,
        profile or find("qemu-arm64"),
        options=options,
        opener=lambda _address, _baud: board,
        clock_s=board.clock_s,
    )


class Ear:
    """Keeps what was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self.events.append(event)

    @property
    def notes(self) -> str:
        """The notes, one a line."""
        return "\n".join(event.text for event in self.events if isinstance(event, Note))


def writing(event: Event) -> int:
    """Return how far the writing is, -1 for what is no writing."""
    is_writing = isinstance(event, Advance) and event.phase is Phase.WRITE
    return event.done_bytes if is_writing and isinstance(event, Advance) else -1
