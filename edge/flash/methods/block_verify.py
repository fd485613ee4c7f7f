"""Read an image back and compare it: by the hashes of its map, or byte for byte.

One target is read back and hashed, which needs the image only where something differs. Several are
compared with one more reading of the image, which costs less than a hash for each.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge.errors import UntrustedError
from edge.flash.events import Advance, Listener, Note, Phase
from edge.flash.sources.buffers import CHUNK_BYTES, SECTOR_BYTES, Buffers, Chunk, same_bytes
from edge.flash.sources.read_ahead import ReadAhead
from edge.flash.sources.source import Source
from edge.flash.spans import Span
from edge.flash.transports.storage import BadBlockError, Storage

BLOCK_BYTES: Final = 4096
BUFFERS: Final = 4
TRIES: Final = 3  # how often a chunk that differs is written again
_NAMED: Final = 5
Rewrite = Callable[[int, memoryview], None]


@dataclass(slots=True)
class ReadBack:
    """What a storage holds.

    Attributes:
        storage: What is read.
        listener: Is told.
        total_bytes: How much there is to compare.
        head: Bytes that are not on the storage yet, by their offset: taken as if they were.
    """

    storage: Storage
    listener: Listener
    total_bytes: int
    head: Mapping[int, bytes] = field(default_factory=dict)
    verified_bytes: int = 0

    def into(self, memory: memoryview, offset_bytes: int, length_bytes: int) -> None:
        """Read bytes into memory that has room for whole sectors."""
        whole = -(-length_bytes // SECTOR_BYTES) * SECTOR_BYTES
        self.storage.read(offset_bytes, memory[:whole])
        for start, data in self.head.items():
            first = max(start, offset_bytes)
            end = min(start + len(data), offset_bytes + length_bytes)
            if first < end:
                place = slice(first - offset_bytes, end - offset_bytes)
                memory[place] = data[first - start : end - start]

    def count(self, length_bytes: int) -> None:
        """Say that so many bytes were compared."""
        self.verified_bytes += length_bytes
        self.listener(Advance(Phase.VERIFY, self.verified_bytes, self.total_bytes))

    def unlike_their_hashes(self, spans: Sequence[Span], buffers: Buffers) -> list[Span]:
        """Return the spans that do not hash to what the map says."""
        wrong: list[Span] = []
        waiting = iter(spans)
        span, sha256 = None, hashlib.sha256()
        with ReadAhead(self._chunks(spans, buffers)) as chunks:
            for chunk in chunks:
                if span is None:
                    span, sha256 = next(waiting), hashlib.sha256()
                sha256.update(chunk.data)
                self.count(chunk.length_bytes)
                chunk.release()
                if chunk.end_bytes == span.end_bytes:
                    wrong += [span] if sha256.digest() != span.sha256 else []
                    span = None
        return wrong

    def _chunks(self, spans: Sequence[Span], buffers: Buffers) -> Iterator[Chunk]:
        for span in spans:
            for offset_bytes in range(span.offset_bytes, span.end_bytes, CHUNK_BYTES):
                length_bytes = min(CHUNK_BYTES, span.end_bytes - offset_bytes)
                memory = buffers.take()
                try:
                    self.into(memory, offset_bytes, length_bytes)
                except BaseException:
                    buffers.give_back(memory)
                    raise
                yield Chunk(buffers, memory, offset_bytes=offset_bytes, length_bytes=length_bytes)


@dataclass(slots=True)
class Comparer:
    """Compares chunks of the image with what was read back; writes again what differs, if it may.

    Attributes:
        back: What the storage holds.
        rewrite: Writes sectors; None to look only.
        only: Chunks outside of these spans are passed over; all count when None.
        differing: Where the blocks begin that differed.
        rewritten_bytes: What was written again.
    """

    back: ReadBack
    rewrite: Rewrite | None = None
    only: Sequence[Span] | None = None
    differing: list[int] = field(default_factory=list)
    rewritten_bytes: int = 0
    _memory: memoryview = field(default_factory=lambda: Buffers(1).take())

    def take(self, chunk: Chunk) -> None:
        """Compare a chunk.

        Raises:
            BadBlockError: The storage does not keep what is written to it.
        """
        if self.only is not None and not _is_inside(chunk, self.only):
            return
        blocks = self._compared(chunk)
        self.differing += blocks
        if blocks and self.rewrite is not None:
            self._mend(chunk, blocks, self.rewrite)
        if self.only is None:
            self.back.count(chunk.length_bytes)

    def _mend(self, chunk: Chunk, blocks: list[int], rewrite: Rewrite) -> None:
        for _try in range(TRIES):
            again = f"{len(blocks)} blocks read back otherwise and are written again"
            self.back.listener(Note(Phase.VERIFY, f"{again}: {named(blocks)}"))
            rewrite(chunk.offset_bytes, chunk.sectors)
            self.rewritten_bytes += chunk.length_bytes
            self.back.storage.sync()
            blocks = self._compared(chunk)
            if not blocks:
                return
        raise BadBlockError(f"it does not keep what is written to it {named(blocks)}", blocks[0])

    def _compared(self, chunk: Chunk) -> list[int]:
        """Return where the blocks begin that differ."""
        self.back.into(self._memory, chunk.offset_bytes, chunk.length_bytes)
        found, due = self._memory[: chunk.length_bytes], chunk.data
        if same_bytes(found, due):
            return []
        return [
            chunk.offset_bytes + start
            for start in range(0, chunk.length_bytes, BLOCK_BYTES)
            if found[start : start + BLOCK_BYTES] != due[start : start + BLOCK_BYTES]
        ]


def compare_by_hash(back: ReadBack, source: Source, rewrite: Rewrite | None) -> int:
    """Compare one storage with the hashes of the map, and return how much was written again.

    Args:
        back: What the storage holds.
        source: The image, all of whose spans have hashes.
        rewrite: Writes sectors again; None to look only.

    Raises:
        UntrustedError: The storage differs, and may not be written to.
        BadBlockError: It does not keep what is written to it.
    """
    wrong = back.unlike_their_hashes(source.facts.spans, Buffers(BUFFERS))
    if not wrong:
        return 0
    comparer = Comparer(back, rewrite, only=wrong)
    for chunk in source.chunks(Buffers(1), from_bytes=wrong[0].offset_bytes):
        comparer.take(chunk)
        chunk.release()
    if rewrite is None or not comparer.differing:
        raise UntrustedError(f"it differs from the image {named(comparer.differing)}")
    return comparer.rewritten_bytes


def named(blocks: Sequence[int]) -> str:
    """Return where blocks are, the first few of them."""
    places = ", ".join(str(block) for block in blocks[:_NAMED])
    more = f" and {len(blocks) - _NAMED} more places" if blocks[_NAMED:] else ""
    return f"at byte {places}{more}" if blocks else "now and then: it reads other bytes each time"


def _is_inside(chunk: Chunk, spans: Sequence[Span]) -> bool:
    return any(span.offset_bytes <= chunk.offset_bytes < span.end_bytes for span in spans)
