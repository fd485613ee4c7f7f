"""How long a serial line takes. Pure."""

from collections.abc import Iterable
from typing import Final

from edge.flash.protocols.ymodem import FRAME_BYTES, LONG_BYTES

BITS_PER_BYTE: Final = 10  # a start and a stop bit around eight
COMMANDS_BYTES: Final = 1400  # what is typed, echoed and printed for one piece
SESSION_BLOCKS: Final = 4  # block 0, the end twice, the empty block
PIECE_S: Final = 0.3  # checking, unpacking, writing and reading back of 1 MiB


def block_s(*, baud: int, turnaround_s: float) -> float:
    """Return how long one block and its ACK take.

    Args:
        baud: The rate of the line.
        turnaround_s: From the last byte of a block to the first of the answer, adapters included.
    """
    return (LONG_BYTES + FRAME_BYTES + 1) * BITS_PER_BYTE / baud + turnaround_s


def on_line_s(sizes_bytes: Iterable[int], *, baud: int, turnaround_s: float) -> float:
    """Return how long files of these sizes take by YMODEM, commands and disk included."""
    one_s = block_s(baud=baud, turnaround_s=turnaround_s)
    commands_s = COMMANDS_BYTES * BITS_PER_BYTE / baud + PIECE_S
    return sum(
        (-(-size_bytes // LONG_BYTES) + SESSION_BLOCKS) * one_s + commands_s
        for size_bytes in sizes_bytes
    )


def spoken(seconds: float) -> str:
    """Return a time as people say it: `about 40 s`, `about 12 min`, `about 2 h 5 min`."""
    if seconds < 90:
        return f"about {max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} min"
    return f"about {minutes // 60} h {minutes % 60} min"
