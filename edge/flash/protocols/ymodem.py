"""Send a file by YMODEM with blocks of 1 KiB, as U-Boot and lrzsz receive it.

U-Boot acknowledges a block only when it asks for the next header, so block 0 has no second `C`
behind its ACK, and the last ACK comes when the end is asked for. A bad block is answered by NAK or,
in CRC mode, by another `C`. An ACK does not say which block it is for: after an ACK that came late
the end of a file can be missing, so whoever sends a file compares a checksum afterwards.

Source: Chuck Forsberg, XMODEM/YMODEM Protocol Reference, 1988; U-Boot 2025.01, common/xyzModem.c.
"""

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.errors import LinkError
from edge.flash.protocols.steps import Dialog, Line, Send, Step

SOH: Final = 0x01
STX: Final = 0x02
EOT: Final = 0x04
ACK: Final = 0x06
NAK: Final = 0x15
CAN: Final = 0x18
CRC: Final = ord("C")
HASH: Final = ord("#")

SHORT_BYTES: Final = 128
LONG_BYTES: Final = 1024
FRAME_BYTES: Final = 5  # around the data of a block, with a CRC
CANCEL: Final = bytes([CAN] * 8 + [0x08] * 8)

TRIES: Final = 10
START_S: Final = 60.0
REPLY_S: Final = 10.0
START_REPLY_S: Final = 3.0
END_S: Final = 3.0
LAST_S: Final = 1.0  # the file is whole by then; lrzsz often ends without its last ACK
END_TRIES: Final = 2
BREATH_S: Final = 0.1
SETTLE_S: Final = 0.3  # a second ACK for a block that was sent twice has come by then
TELL_BLOCKS: Final = 8


@dataclass(frozen=True, slots=True)
class Sent:
    """How a file went: blocks that were sent, and how often one had to be sent again."""

    blocks: int
    repeats: int


def block(number: int, data: bytes, *, with_crc: bool = True) -> bytes:
    """Return the bytes of one block on the line; short data is filled up."""
    size_bytes = SHORT_BYTES if len(data) <= SHORT_BYTES else LONG_BYTES
    filled = data.ljust(size_bytes, b"\0" if number == 0 and not data else b"\x1a")
    check = (
        binascii.crc_hqx(filled, 0).to_bytes(2, "big") if with_crc else bytes([sum(filled) & 0xFF])
    )
    head = bytes([SOH if size_bytes == SHORT_BYTES else STX, number & 0xFF, ~number & 0xFF])
    return head + filled + check


def header(name: str, size_bytes: int) -> bytes:
    """Return the data of block 0."""
    return f"{name}\0{size_bytes}\0".encode().ljust(SHORT_BYTES, b"\0")


def send(
    line: Line,
    name: str,
    data: bytes,
    *,
    progress: Callable[[int], Step] | None = None,
) -> Dialog[Sent]:
    """Send one file and close the session.

    Args:
        line: The line to a receiver that asks, or soon will.
        name: The name that the receiver is told.
        data: The file.
        progress: Gives the step that tells how many bytes have arrived.

    Raises:
        LinkError: The receiver gave up, did not ask, or did not understand.
    """
    session = _Session(line)
    yield from session.wait_for_start()
    yield from session.begin(name, len(data))
    blocks = -(-len(data) // LONG_BYTES)
    ready = session.framed(1, data[:LONG_BYTES])
    for number in range(1, blocks + 1):
        frame = ready
        yield from session.forget()
        yield Send(frame)
        # The next block is made while this one is under way.
        ready = session.framed(number + 1, data[number * LONG_BYTES : (number + 1) * LONG_BYTES])
        yield from session.acknowledged(number, frame)
        if progress and (number % TELL_BLOCKS == 0 or number == blocks):
            yield progress(min(number * LONG_BYTES, len(data)))
    yield from session.end()
    return Sent(blocks + 2, session.repeats)


class _Session:
    def __init__(self, line: Line) -> None:
        self._line = line
        self._with_crc = True
        self.repeats = 0

    def framed(self, number: int, data: bytes) -> bytes:
        return block(number, data, with_crc=self._with_crc)

    def wait_for_start(self) -> Dialog[None]:
        reply = yield from self._reply((CRC, NAK), START_S)
        if reply is None:
            raise LinkError(f"YMODEM: the receiver did not ask for a file in {START_S:.0f} s")
        self._with_crc = reply == CRC
        yield from self._breathe()

    def forget(self) -> Dialog[None]:
        """Drop what was said about earlier blocks: an ACK too many would let us run ahead.

        Raises:
            LinkError: The receiver cancelled.
        """
        yield from self._line.now_s()
        if bytes([CAN, CAN]) in self._line.pending:
            raise LinkError("YMODEM: the receiver cancelled")
        self._line.pending.clear()

    def begin(self, name: str, size_bytes: int) -> Dialog[None]:
        """Send block 0; others than U-Boot send another `C` behind its ACK."""
        frame = self.framed(0, header(name, size_bytes))
        yield Send(frame)
        yield from self.acknowledged(0, frame)
        yield from self._breathe()

    def acknowledged(self, number: int, frame: bytes) -> Dialog[None]:
        """Wait for the ACK of a block that was just sent; send it again when that is asked for."""
        for attempt in range(TRIES):
            if attempt:
                self.repeats += 1
                yield Send(frame)
            reply = yield from self._reply((ACK, NAK, CRC), REPLY_S if number else START_REPLY_S)
            if reply != ACK:
                yield from self._line.quiet(SETTLE_S / 10, at_most_s=SETTLE_S)
                continue
            if attempt:
                # Both copies may have arrived: an ACK too many would let us run ahead.
                yield from self._line.quiet(SETTLE_S, at_most_s=REPLY_S)
            return
        raise LinkError(f"YMODEM: block {number} was refused {TRIES} times")

    def end(self) -> Dialog[None]:
        """Close the session; a receiver that is content says so late or not at all."""
        for _attempt in range(TRIES):
            yield Send(bytes([EOT]))
            reply = yield from self._reply((ACK, NAK, CRC, HASH), REPLY_S)
            if reply == HASH:  # its ACK was lost, and U-Boot says already what it has
                return
            if reply == ACK:
                break
        else:
            raise LinkError(f"YMODEM: the end of the file was refused {TRIES} times")
        asked = yield from self._reply((CRC, NAK, HASH), END_S)
        if asked not in (CRC, NAK):
            return
        for _attempt in range(END_TRIES):
            yield from self._breathe()
            yield Send(self.framed(0, bytes(SHORT_BYTES)))
            if (yield from self._reply((ACK, CRC, NAK, HASH), LAST_S)) in (ACK, HASH):
                return

    def _breathe(self) -> Dialog[None]:
        """Wait before the answer to a `C`: lrzsz drops what comes while it sends one."""
        yield from self._line.quiet(BREATH_S, at_most_s=REPLY_S)

    def _reply(self, wanted: tuple[int, ...], timeout_s: float) -> Dialog[int | None]:
        """Return the next byte that is one of these, None when none comes in time.

        Raises:
            LinkError: The receiver cancelled.
        """
        # The usual case first: the clock is asked only when something else came.
        cancels = 0
        deadline_s = None
        left_s = timeout_s
        while left_s > 0:
            byte = yield from self._line.byte(left_s)
            if byte in wanted:
                return byte
            cancels = cancels + 1 if byte == CAN else 0
            if cancels == 2:
                raise LinkError("YMODEM: the receiver cancelled")
            at_s = yield from self._line.now_s()
            deadline_s = at_s + left_s if deadline_s is None and byte is not None else deadline_s
            left_s = 0 if deadline_s is None else deadline_s - at_s
        return None
