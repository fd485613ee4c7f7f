"""The two places of one service on the data partition: what was committed, what is tried next."""

from dataclasses import dataclass, replace
from typing import Final

from edge_agent import verity
from edge_agent.boot.control import other_slot
from edge_agent.errors import SlotError
from edge_agent.in_place import kept
from edge_agent.in_place.kept import Kept
from edge_agent.in_place.services import Services
from edge_agent.in_place.word import Word
from edge_agent.slots import Volume
from edge_signing.formats.boot_state import SLOTS, Slot
from edge_signing.release import SERVICE_PARTITION, Image, Partition, Release

_SIGNED: Final = "signed"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One service.

    Attributes:
        services: Of this device.
        name: Of the service.
    """

    services: Services
    name: str

    def kept(self) -> Kept:
        """Return what was committed last, whatever system that was in.

        Raises:
            StoreError: It cannot be read.
        """
        return kept.read(self.services.files(self.name).read(kept.FILE))

    def committed(self) -> Slot | None:
        """Return the place that counts in the system that runs; None for the system's own version.

        Raises:
            StoreError: It cannot be read.
        """
        found = self.kept()
        is_of_this = found.stands_for == self.services.factory().get(self.name)
        return found.place if is_of_this else None

    def version(self) -> str:
        """Return the version that counts in the system that runs, empty for the system's own.

        Raises:
            StoreError: It cannot be read.
        """
        return self.kept().version if self.committed() is not None else ""

    @property
    def places(self) -> tuple[Slot, ...]:
        """The places that may be written: never that of what was committed last, or else runs.

        Raises:
            StoreError: It cannot be read which one that is.
        """
        shown = self.services.shown(self.name)
        place = self.kept().place or (shown.place if shown else None)
        return SLOTS if place is None else (other_slot(place),)

    @property
    def target(self) -> Slot:
        """The place that is written next.

        Raises:
            StoreError: It cannot be read which one that is.
        """
        return self.places[0]

    def is_own(self, release: Release) -> bool:
        """Return whether a release is equal to the system's own version: its image is not needed.

        The digest is that of the verified root, and the release is signed.
        """
        return release.own_digest == self.services.factory().get(self.name)

    def signed(self, place: Slot) -> bytes | None:
        """Return the signed documents of the image in a place, as they are stored: not verified.

        Raises:
            StoreError: They cannot be read.
        """
        return self.services.files(self.name).read(f"{place}.{_SIGNED}")

    def keep_signed(self, place: Slot, data: bytes) -> None:
        """Store the signed documents of the image that is to be in a place.

        Raises:
            StoreError: They cannot be stored.
        """
        self.services.files(self.name).write_atomic(f"{place}.{_SIGNED}", data)

    def commit(self, place: Slot | None, release: Release) -> None:
        """Let what is in a place be what is started from now on; may be done again.

        Args:
            place: Where; None for the system's own version, beside which no place counts.
            release: What is committed.

        Raises:
            StoreError: It cannot be stored; what was committed before still is.
        """
        before = self.kept()
        after = replace(
            before,
            place=place,
            version=release.version if place else "",
            stands_for=self.services.factory()[self.name] if place else "",
            counter=max(before.counter, release.counter),
        )
        if after != before:
            self.services.files(self.name).write_atomic(kept.FILE, after.pack())

    def runs(self, release: Release) -> bool:
        """Return whether init started this very release, and it was committed.

        Raises:
            StoreError: It cannot be read.
        """
        shown, place = self.services.shown(self.name), self.committed()
        if shown is None:
            return False
        if place is None:
            return shown.place is None and self.is_own(release)
        return shown.follows(Word.of(place, image_of(release), release.version))

    def make_room(self, place: Slot, image: Image) -> None:
        """Make room in a place for an image and its hash tree.

        Raises:
            SlotError: There is none.
        """
        data_bytes = image.content.length_bytes
        tree_blocks = verity.tree_blocks(data_bytes // verity.BLOCK_BYTES)
        length_bytes = data_bytes + tree_blocks * verity.BLOCK_BYTES
        self.services.make_room(self.name, place, length_bytes)


@dataclass(frozen=True, slots=True)
class ShelfSlots:
    """`edge_agent.slots.Slots` of a service: its two places are what slots are for a system.

    Attributes:
        shelf: The service.
        target: The place that may be written.
    """

    shelf: Shelf
    target: Slot

    def running(self, partition: Partition) -> Volume:
        """Return what was committed; the system's own version has no image of its own."""
        _require_service(partition)
        place = self.shelf.committed()
        if place is None:
            return EmptyVolume()
        return ReadVolume(self.shelf.services.volume(self.shelf.name, place))

    def written(self, partition: Partition) -> Volume:
        """Return the image that may be written."""
        _require_service(partition)
        return self.shelf.services.volume(self.shelf.name, self.target)


class EmptyVolume:
    """`Volume` that holds nothing."""

    def pread(self, _length: int, _offset: int) -> bytes:
        """See `Volume`."""
        return b""

    def pwrite(self, _data: bytes, offset: int) -> None:
        """See `Volume`."""
        raise SlotError(f"the system's own version of a service is not written at byte {offset}")

    def flush(self) -> None:
        """See `Volume`."""

    def read_back(self, _length: int, _offset: int) -> bytes:
        """See `Volume`."""
        return b""

    def length_bytes(self) -> int:
        """See `Volume`."""
        return 0


@dataclass(frozen=True, slots=True)
class ReadVolume:
    """`Volume` that is only read: the image that was committed."""

    inner: Volume

    def pread(self, length: int, offset: int) -> bytes:
        """See `Volume`."""
        return self.inner.pread(length, offset)

    def pwrite(self, _data: bytes, offset: int) -> None:
        """See `Volume`."""
        raise SlotError(f"the image that runs is not written at byte {offset}")

    def flush(self) -> None:
        """See `Volume`."""

    def read_back(self, length: int, offset: int) -> bytes:
        """See `Volume`."""
        return self.inner.read_back(length, offset)

    def length_bytes(self) -> int:
        """See `Volume`."""
        return self.inner.length_bytes()


def image_of(release: Release) -> Image:
    """Return the image of a release of one service.

    Raises:
        SlotError: It has no hash tree, without which it is never opened.
    """
    image = release.image(SERVICE_PARTITION)
    if image.tree is None:
        raise SlotError(f"release {release.version}: its image has no hash tree")
    return image


def _require_service(partition: Partition) -> None:
    if partition != SERVICE_PARTITION:
        raise SlotError(f"a service has no partition {partition}")
