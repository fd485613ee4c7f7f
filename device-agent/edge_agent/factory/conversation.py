"""What a device answers to the factory on its console, line by line; holds no port.

A piece that is whole is acknowledged at once, so that the station never sends more than the console
can keep. A request whose answer was lost is asked again under its number and answered from memory.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from edge_signing import frames
from edge_signing.errors import FormatError
from edge_signing.frames import Assembly, Way

# With what stands around it a piece of a message is shorter.
LINE_MOST_BYTES: Final = 512

Answer = Mapping[str, Any]


class Conversation:
    """Answers what comes in.

    Args:
        answer: Returns the answer to a request.
    """

    def __init__(self, answer: Callable[[Mapping[str, Any]], Answer]) -> None:
        self._answer = answer
        self._coming = Assembly()
        self._answered: tuple[int, list[str]] | None = None

    def take(self, line: str) -> list[str]:
        """Return the lines to say to a line that came in; none to what is not for us."""
        piece = frames.piece_in(line, Way.TO_DEVICE)
        if piece is None:
            return []
        if self._answered is not None and self._answered[0] == piece.message:
            return self._answered[1]
        self._coming.take(piece)
        try:
            content = self._coming.content()
        except FormatError as error:
            content = {"ask": "", "why": str(error)}
        if content is None:
            return _lines(piece.message, {"got": piece.number})
        said = _lines(piece.message, self._answer(content))
        self._answered = piece.message, said
        return said


class Incoming:
    """Puts the lines together of what comes in, whatever it is.

    Of a line without an end its last bytes are kept: a message after noise is found all the same.
    """

    def __init__(self) -> None:
        self._begun = b""

    def take(self, data: bytes) -> list[str]:
        """Return the lines that have come to their end."""
        *whole, begun = (self._begun + data).replace(b"\r", b"\n").split(b"\n")
        self._begun = begun[-LINE_MOST_BYTES:]
        return [one[-LINE_MOST_BYTES:].decode("ascii", "replace") for one in whole if one]


def _lines(message: int, content: Answer) -> list[str]:
    return [one.line() for one in frames.pieces(Way.FROM_DEVICE, message, content)]
