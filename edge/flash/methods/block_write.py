"""Write the mapped bytes of an image to a storage, the partition table last.

Whatever happens on the way, the storage begins with zeros until all of it is there: nobody takes it
for a whole card.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from edge.errors import EdgeError, InputError
from edge.flash.events import Advance, Listener, Note, Phase
from edge.flash.methods.journal import Journal
from edge.flash.sources.buffers import CHUNK_BYTES, Buffers, Chunk
from edge.flash.sources.source import Facts
from edge.flash.transports.storage import BadBlockError, Storage

HEAD_BYTES: Final = CHUNK_BYTES  # the partition table and what lies before the first partition
SYNC_EVERY_BYTES: Final = 64 << 20
TRIES: Final = 3
_PAUSE_S: Final = 0.2


@dataclass(slots=True)
class BlockWriter:
    """Takes the chunks of an image, in order.

    Attributes:
        storage: Where they go.
        facts: Of the image.
        journal: Remembers how far it came.
        listener: Is told.
        discard: Have the disk forget what it held.
        may_resume: Go on where an earlier run ended: only if all is read back afterwards, as a twin
            of the disk or a file made anew passes for the one that was written.
        head: What goes to the first `HEAD_BYTES` at the end, by its offset.
        resumed_bytes: Where an earlier run had come to.
    """

    storage: Storage
    facts: Facts
    journal: Journal
    listener: Listener
    discard: bool = True
    may_resume: bool = True
    sleep: Callable[[float], None] = time.sleep
    head: dict[int, bytes] = field(default_factory=dict)
    resumed_bytes: int = 0
    written_bytes: int = 0
    skipped_bytes: int = 0
    _unsynced_bytes: int = 0
    _end_bytes: int = 0

    def prepare(self) -> None:
        """Clear the start of the storage, unless an earlier run is gone on with.

        Raises:
            InputError: The image is larger than the storage.
        """
        image_bytes, size_bytes = self.facts.image_bytes, self.storage.size_bytes
        if image_bytes > size_bytes:
            raise InputError(
                f"the image has {image_bytes} bytes, the target {size_bytes}",
                hint="take a larger card, or smaller slots: slots and data_mib in board.yml",
            )
        done_bytes = self.journal.done_bytes() if self.may_resume else 0
        if done_bytes and self._is_clear():
            self.resumed_bytes = done_bytes
            self.listener(Note(Phase.WRITE, f"go on at byte {self.resumed_bytes}"))
            return
        self.journal.forget()
        self.listener(Advance(Phase.ERASE, 0, 1))
        if self.discard and not self.storage.discard():
            self.listener(Note(Phase.ERASE, "it cannot forget what it held; that stays in gaps"))
        self._clear_ends()
        self.storage.sync()
        self.listener(Advance(Phase.ERASE, 1, 1))

    def take(self, chunk: Chunk) -> None:
        """Write a chunk, but for what belongs to the head."""
        if chunk.offset_bytes < HEAD_BYTES:
            self._take_head(chunk)
        elif chunk.end_bytes <= self.resumed_bytes:
            self.skipped_bytes += chunk.length_bytes
        else:
            self._write(chunk.offset_bytes, chunk.sectors)
            self._end_bytes = chunk.end_bytes
            self.written_bytes += chunk.length_bytes
            self._unsynced_bytes += chunk.length_bytes
            if self._unsynced_bytes >= SYNC_EVERY_BYTES:
                self.remember()
        self._tell()

    def remember(self) -> None:
        """Bring all to the medium, and write down how far that is."""
        self.storage.sync()
        self._unsynced_bytes = 0
        if self._end_bytes > self.resumed_bytes:
            self.journal.keep(self._end_bytes)

    def write_head(self, buffers: Buffers) -> None:
        """Write the head, which makes the storage whole, and compare it with what reads back.

        It is written from its end: the first sector, which has the partition table, comes last.
        """
        memory = buffers.take()
        found = buffers.take()
        try:
            for offset_bytes, data in reversed(self.head.items()):
                length_bytes = -(-len(data) // 512) * 512
                memory[: len(data)] = data
                memory[len(data) : length_bytes] = bytes(length_bytes - len(data))
                self._write(offset_bytes, memory[:length_bytes])
                self.storage.sync()
                self.storage.read(offset_bytes, found[:length_bytes])
                if found[:length_bytes] != memory[:length_bytes]:
                    raise BadBlockError(
                        f"the partition table at byte {offset_bytes} does not read back",
                        offset_bytes,
                    )
                self.written_bytes += len(data)
        finally:
            buffers.give_back(memory)
            buffers.give_back(found)
        self.journal.forget()

    def rewrite(self, offset_bytes: int, memory: memoryview) -> None:
        """Write sectors again that read back otherwise; the head waits for its turn."""
        inside = max(HEAD_BYTES - offset_bytes, 0)
        if inside < len(memory):
            self._write(offset_bytes + inside, memory[inside:])

    def _take_head(self, chunk: Chunk) -> None:
        """Keep what belongs to the head, and write what lies behind it."""
        inside = min(HEAD_BYTES - chunk.offset_bytes, chunk.length_bytes)
        self.head[chunk.offset_bytes] = bytes(chunk.data[:inside])
        if chunk.end_bytes > max(HEAD_BYTES, self.resumed_bytes):
            self._write(HEAD_BYTES, chunk.sectors[inside:])
            self.written_bytes += chunk.length_bytes - inside

    def _write(self, offset_bytes: int, memory: memoryview) -> None:
        """Write sectors; a disk that refuses is asked again."""
        for left in reversed(range(TRIES)):
            try:
                self.storage.write(offset_bytes, memory)
            except BadBlockError as error:
                if not left:
                    raise
                self.listener(Note(Phase.WRITE, f"{error}; again"))
                self.sleep(_PAUSE_S)
            else:
                return

    def _is_clear(self) -> bool:
        buffers = Buffers(1)
        memory = buffers.take()
        try:
            self.storage.read(0, memory[: min(HEAD_BYTES, self.storage.size_bytes)])
        except EdgeError:
            return False
        return not any(memory[: min(HEAD_BYTES, self.storage.size_bytes)])

    def _clear_ends(self) -> None:
        """Make the start zero, and the end: an old copy of a partition table lies there."""
        memory = Buffers(1).take()
        size_bytes = self.storage.size_bytes
        head = min(HEAD_BYTES, size_bytes)
        tail = -(-max(size_bytes - HEAD_BYTES, head) // 4096) * 4096
        self._write(0, memory[:head])
        if tail < size_bytes:
            self._write(tail, memory[: size_bytes - tail])

    def _tell(self) -> None:
        done = self.written_bytes + self.skipped_bytes + sum(map(len, self.head.values()))
        self.listener(Advance(Phase.WRITE, done, self.facts.mapped_bytes))
