"""The receiving side of YMODEM as U-Boot has it (common/xyzModem.c), on a clock of the test."""

import binascii

SOH, STX, EOT, ACK, NAK, CAN, CRC = 0x01, 0x02, 0x04, 0x06, 0x15, 0x18, ord("C")
SILENCE_S = 2.0
TRIES = 10


class Receiver:
    """Takes what the sender says, and says what it answers.

    Attributes:
        data: What was received, without the filling.
        done: The session is over.
        cancelled: Because somebody gave up.
        refusals: How many answers asked for a block again.
    """

    def __init__(self, *, with_crc: bool = True) -> None:
        self.name = ""
        self.data = b""
        self.done = False
        self.cancelled = False
        self.refusals = 0
        self._ask = CRC if with_crc else NAK
        self._check_bytes = 2 if with_crc else 1
        self._buffer = bytearray()
        self._next = 0
        self._size_bytes = 0
        self._ended = False
        self._cancels = 0
        self._heard_s = float("-inf")
        self._silences = 0

    def tick(self, now_s: float) -> bytes:
        """Return what is sent because nothing came for a while."""
        if self.done or now_s - self._heard_s < SILENCE_S:
            return b""
        self._heard_s = now_s
        self._buffer.clear()
        if self._ended:
            self.done = True
            return b"## Total Size"
        self._silences += 1
        if self._silences > 3 * TRIES:
            return self._give_up()
        return self._refuse()

    def take(self, data: bytes, now_s: float) -> bytes:
        """Return the answers to bytes of the sender."""
        self._heard_s = now_s
        self._buffer += data
        answers = b""
        while self._buffer and not self.done:
            length = self._frame_bytes()
            if length > len(self._buffer):
                break
            frame = bytes(self._buffer[:length])
            del self._buffer[:length]
            answers += self._answer(frame)
        return answers

    def _frame_bytes(self) -> int:
        size = {SOH: 128, STX: 1024}.get(self._buffer[0])
        return 1 if size is None else 3 + size + self._check_bytes

    def _answer(self, frame: bytes) -> bytes:
        if len(frame) == 1:
            return self._control(frame[0])
        self._cancels = 0
        number, body = frame[1], frame[3 : -self._check_bytes]
        if frame[1] ^ frame[2] != 0xFF or frame[-self._check_bytes :] != self._check(body):
            self._buffer.clear()
            return self._refuse()
        self._silences = 0
        if self._ended:
            self.done = True
            return bytes([ACK])
        if number == (self._next - 1) & 0xFF and self._next:
            return bytes([ACK])
        if number != self._next & 0xFF:
            return self._refuse()
        if self._next == 0:
            name, _zero, rest = body.partition(b"\0")
            self.name, self._size_bytes = name.decode(), int(rest.split(b"\0")[0])
        else:
            self.data = (self.data + body)[: self._size_bytes]
        self._next += 1
        return bytes([ACK])

    def _control(self, byte: int) -> bytes:
        self._cancels = self._cancels + 1 if byte in (CAN, 0x03) else 0
        if self._cancels == 3:
            self.done = self.cancelled = True
        if byte == EOT and not self._ended:
            self._ended = True
            return bytes([ACK, self._ask])
        if byte == EOT:
            self.done = True
            return bytes([ACK])
        return b""

    def _refuse(self) -> bytes:
        self.refusals += 1
        return bytes([self._ask])

    def _give_up(self) -> bytes:
        self.done = self.cancelled = True
        return bytes([CAN] * 4 + [8] * 4)

    def _check(self, body: bytes) -> bytes:
        if self._check_bytes == 2:
            return binascii.crc_hqx(body, 0).to_bytes(2, "big")
        return bytes([sum(body) & 0xFF])
