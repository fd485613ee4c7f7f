"""What every source of an image gives: facts, and its mapped bytes in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from edge.flash.sources.buffers import Buffers, Chunk
from edge.flash.spans import Span, mapped_bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an image before its first byte is written.

    Attributes:
        name: What the user called it: a path or a URL.
        image_bytes: How long the image is, holes included.
        spans: What must be written, in order.
        fingerprint: SHA-256 over length and spans: equal for equal maps. Names a journal.
        board: The board that it is for, if that is known.
        version: Of the system in it, if that is known.
        signer: Who vouches for the map, as text for people; None if nobody does.
    """

    name: str
    image_bytes: int
    spans: tuple[Span, ...]
    fingerprint: bytes
    board: str | None = None
    version: str | None = None
    signer: str | None = None

    @property
    def mapped_bytes(self) -> int:
        """How many bytes are to be written."""
        return mapped_bytes(self.spans)


class Source(Protocol):
    """An image that can be read, more than once, from its start."""

    @property
    def facts(self) -> Facts:
        """What is known of it."""

    def chunks(self, buffers: Buffers, *, from_bytes: int = 0) -> Iterator[Chunk]:
        """Give the mapped bytes in order, each chunk in one span, from `from_bytes` on.

        A span with a hash is compared with it before its last chunk is given; if `from_bytes` lies
        in the middle of a span, that one is not. Whoever takes a chunk releases it.

        Raises:
            UntrustedError: A span is not what its hash says; the message names its place.
            InputError: The image ends early, or its compression is damaged.
            LinkError: The server does not answer any more.
        """
