"""Write a release to the other slot, so that it can go on where it was after a power cut.

Every stored unit is checked before it is decoded and its result before it is written (`payload`).
The journal is stored only when all that it says was flushed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from edge_agent import verity
from edge_agent.errors import SlotError
from edge_agent.journal import Journal
from edge_agent.payload import acquire
from edge_agent.payload.acquire import Acquisition, Blobs, OldImage
from edge_agent.payload.assemble import is_image
from edge_agent.slots import Slots, Volume
from edge_signing.release import Image, Payload, Release

# What is written between two flushes: little where it comes slowly, for it would be fetched again
# after a power cut; and few flushes where it comes fast.
FLUSH_BYTES: Final = 64 << 20
FLUSH_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told how an installation goes on; each may raise, and the installation ends there.

    Attributes:
        planned: Told once for each image how many bytes are sent for it.
        written: Told how many bytes were written, after each piece.
        journal: Told what is in the slot now, flushed.
    """

    planned: Callable[[int], None]
    written: Callable[[int], None]
    journal: Callable[[Journal], None]


@dataclass(frozen=True, slots=True)
class Installation:
    """What is written, where, and from what.

    Attributes:
        release: It was verified.
        payloads: All that are signed for it, patches among them.
        slots: Where it is written.
        blobs: Where it comes from.
        progress: Who is told.
        monotonic_s: A clock that only goes forward.
        flush_bytes: How much is written between two flushes at most, whole units.
    """

    release: Release
    payloads: tuple[Payload, ...]
    slots: Slots
    blobs: Blobs
    progress: Progress
    monotonic_s: Callable[[], float]
    flush_bytes: int = FLUSH_BYTES

    def run(self, journal: Journal) -> None:
        """Write all images, from where the journal says that it ended.

        Raises:
            TrustError: A payload, or what it makes, is not what was signed.
            FormatError: A payload cannot be read.
            SlotError: A partition cannot be read or written, or is too small.
            LinkError: The link is lost; the journal says how far it came.
        """
        for image in self.release.images:
            if image.partition not in journal.done:
                self._require_room(image)
                journal = self._write(image, journal)

    def _write(self, image: Image, journal: Journal) -> Journal:
        volume = self.slots.written(image.partition)
        way = self._way(image, volume, journal)
        self.progress.planned(way.planned_bytes)
        table = way.payload.table.sha256
        unit = journal.unit if journal.table == table and way.payload.kind != "chunks" else 0
        if (journal.table, journal.unit) != (table, unit):
            journal = replace(journal, table=table, unit=unit)
            self.progress.journal(journal)
        journal = self._write_pieces(way, volume, journal)
        volume.flush()
        journal = Journal(journal.mark, (*journal.done, image.partition))
        self.progress.journal(journal)
        return journal

    def _write_pieces(self, way: Acquisition, volume: Volume, journal: Journal) -> Journal:
        unflushed_bytes, flushed_s = 0, self.monotonic_s()
        for piece in way.pieces(journal.unit):
            is_late = self.monotonic_s() - flushed_s >= FLUSH_S
            if piece.unit > journal.unit and (is_late or unflushed_bytes >= self.flush_bytes):
                volume.flush()
                journal = replace(journal, unit=piece.unit)
                self.progress.journal(journal)
                unflushed_bytes, flushed_s = 0, self.monotonic_s()
            volume.pwrite(piece.data, piece.offset_bytes)
            unflushed_bytes += len(piece.data)
            self.progress.written(len(piece.data))
        return journal

    def _way(self, image: Image, volume: Volume, journal: Journal) -> Acquisition:
        """Return how the image is got; what an interrupted attempt left is used for chunks."""
        running = self.slots.running(image.partition)
        old = OldImage(running, running.length_bytes())
        left = None
        if journal.table in {one.table.sha256 for one in self.payloads if one.kind == "chunks"}:
            left = OldImage(volume, volume.length_bytes(), is_target=True)
        return acquire.plan(image, self.payloads, old, self.blobs, left=left)

    def _require_room(self, image: Image) -> None:
        room_bytes = self.slots.written(image.partition).length_bytes()
        due_bytes = image.content.length_bytes
        if image.tree is not None:
            blocks = verity.tree_blocks(due_bytes // verity.BLOCK_BYTES)
            due_bytes += blocks * verity.BLOCK_BYTES
        if due_bytes > room_bytes:
            raise SlotError(
                f"image {image.partition}: {due_bytes} bytes do not fit into {room_bytes}"
            )


def is_running(images: Iterable[Image], slots: Slots) -> bool:
    """Return whether the slot that runs holds these very images."""
    return all(is_image(slots.running(image.partition), image.content) for image in images)
