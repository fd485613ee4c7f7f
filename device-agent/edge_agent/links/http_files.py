"""The files of a repository over HTTP, by Range; blobs are named by their hash, so never change.

Who reads on where the last part ended gets ever larger ranges, so that a distant server is not
asked anew for each unit; who jumps asks for just what is read.

Source: RFC 9110 §14.
"""

import re
from collections.abc import Iterator
from http.client import OK, PARTIAL_CONTENT, REQUESTED_RANGE_NOT_SATISFIABLE
from typing import Final

from edge_agent.errors import AgentError
from edge_agent.link import WrongAnswerError
from edge_agent.links.exchange import Answer, Exchange
from edge_agent.links.parts import Parts
from edge_signing.repository_file import check_file

_PIECE_BYTES: Final = 64 << 10
_AHEAD_MOST_BYTES: Final = 16 << 20
_GROWTH: Final = 2
_RANGE: Final = re.compile(r"bytes ([0-9]{1,16})-([0-9]{1,16})/([0-9]{1,16}|\*)")


class HttpFiles:
    """A repository behind a URL.

    Args:
        exchange: To its server, for paths below the URL.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._parts = Parts(self._attempt)
        self._open: _Range | None = None
        self._ahead_bytes = 0

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Return bytes of a file; see `edge_agent.link.RepositoryFiles`."""
        return self._parts.read(check_file(name), offset_bytes, length_bytes)

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield a file; see `edge_agent.link.RepositoryFiles`."""
        self._open = None
        answer = self._exchange.ask("GET", check_file(name))
        if answer.status != OK:
            raise WrongAnswerError(f"{name}: status {answer.status} where the whole file is due")
        while piece := answer.piece(_PIECE_BYTES):
            yield piece

    def close(self) -> None:
        """Close the connection; the next read makes a new one."""
        self._open = None
        self._exchange.close()

    def _attempt(self, name: str, offset: int, length: int) -> Iterator[bytes]:
        try:
            yield from self._ranges(name, offset, length)
        except AgentError:
            self.close()
            raise

    def _ranges(self, name: str, offset: int, length: int) -> Iterator[bytes]:
        going = self._open
        if going is None or not going.goes_on(name, offset, self._exchange):
            going = self._opened(name, offset, length)
        while length and going is not None:
            piece = going.piece(min(length, _PIECE_BYTES))
            if piece:
                length -= len(piece)
                yield piece
            elif going.is_at_end_of_file:
                return
            else:
                going = self._opened(name, going.offset, length)

    def _opened(self, name: str, offset: int, length: int) -> "_Range | None":
        """Ask for a range; None if the file ends before it."""
        last = self._open
        follows = last is not None and (last.name, last.offset) == (name, offset)
        grown = min(_AHEAD_MOST_BYTES, self._ahead_bytes * _GROWTH) if follows else 0
        self._ahead_bytes = max(length, grown)
        self._open = None
        end = offset + self._ahead_bytes
        answer = self._exchange.ask("GET", name, headers={"Range": f"bytes={offset}-{end - 1}"})
        if answer.status == REQUESTED_RANGE_NOT_SATISFIABLE:
            return None
        answer.resume()
        self._open = _Range(name, offset, end, answer)
        return self._open


class _Range:
    """An answer that brings a range of a file.

    Attributes:
        offset: Of the next byte.
    """

    def __init__(self, name: str, offset: int, end: int, answer: Answer) -> None:
        self.name, self.offset = name, offset
        self._answer = answer
        self._end = _end_of(answer, offset, end, name)
        self.is_at_end_of_file = self._end < end

    def goes_on(self, name: str, offset: int, exchange: Exchange) -> bool:
        """Whether this answer is still coming and goes on there."""
        is_next = (self.name, self.offset) == (name, offset) and self.offset < self._end
        if not is_next or not exchange.is_coming(self._answer):
            return False
        self._answer.resume()
        return True

    def piece(self, most_bytes: int) -> bytes:
        if self.offset == self._end:
            return b""
        piece = self._answer.piece(min(most_bytes, self._end - self.offset))
        self.offset += len(piece)
        return piece


def _end_of(answer: Answer, offset: int, end: int, name: str) -> int:
    """Return where the range ends that an answer brings, which has to be the one asked for."""
    length = answer.length_bytes
    if length is None:
        raise WrongAnswerError(f"{name}: a range without a length")
    if answer.status == OK and offset == 0:
        return min(end, length)
    if answer.status != PARTIAL_CONTENT:
        raise WrongAnswerError(f"{name}: status {answer.status} where a range is due")
    said = answer.header("Content-Range")
    found = _RANGE.fullmatch(said)
    if not found or int(found[1]) != offset or int(found[2]) + 1 != offset + length:
        raise WrongAnswerError(f"{name}: the range {said!r} is not from byte {offset} on")
    if offset + length > end:
        raise WrongAnswerError(f"{name}: the range {said!r} is more than was asked for")
    if offset + length < end and found[3] != str(offset + length):
        raise WrongAnswerError(f"{name}: the range {said!r} is less than was asked for")
    return offset + length
