"""Reading parts of files over links that break: what came before a break is not asked for again."""

from collections.abc import Callable, Iterator

from edge_agent.link import WrongAnswerError

Attempt = Callable[[str, int, int], Iterator[bytes]]


class Parts:
    """Reads parts of files, and keeps what it has of the last one when the link is lost.

    Args:
        attempt: Yields bytes of a file, from an offset on and at most of a length, as they come;
            it ends early only where the file ends.
    """

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._place: tuple[str, int] | None = None
        self._kept = bytearray()

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Return a part of a file; shorter only where the file ends.

        Raises:
            LinkError: It is lost; the same call goes on where it was.
            RefusedByServerError: There is no such file.
        """
        if self._place != (name, offset_bytes) or len(self._kept) > length_bytes:
            self._place, self._kept = (name, offset_bytes), bytearray()
        have = len(self._kept)
        if have < length_bytes:
            for piece in self._attempt(name, offset_bytes + have, length_bytes - have):
                self._kept += piece
                if len(self._kept) > length_bytes:
                    self._place = None
                    raise WrongAnswerError(f"{name}: more than the {length_bytes} bytes asked for")
        data, self._place, self._kept = bytes(self._kept), None, bytearray()
        return data
