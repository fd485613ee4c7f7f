"""The method `block`: disks at card readers and USB, and files that stand for them."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from edge.errors import EdgeError, RefusedError, UntrustedError
from edge.flash.disks.disk import Disk, Transport
from edge.flash.events import Listener, Report
from edge.flash.methods import journal as journals
from edge.flash.methods.block_run import compared, flash_all, has_hashes
from edge.flash.methods.block_verify import Comparer, ReadBack, compare_by_hash, named
from edge.flash.methods.journal import Journal
from edge.flash.methods.method import Method
from edge.flash.sources.source import Facts, Source
from edge.flash.transports.storage import OpenStorage, Storage


@dataclass(frozen=True, slots=True)
class BlockOptions:
    """What the user may choose.

    Attributes:
        verify: Read back and compare.
        discard: Have the disk forget what it held, where no byte of the image goes.
        eject: Let go of a USB disk at the end, so that it may be pulled out.
        private: Let only its owner read a file that was there, as it gets secrets; new ones always.
        journals: Folder of the journals.
    """

    verify: bool = True
    discard: bool = True
    eject: bool = True
    private: bool = False
    journals: Path = field(default_factory=journals.state_folder)


@dataclass(frozen=True, slots=True)
class BlockMethod:
    """One disk or file.

    Attributes:
        target: What to call it.
        path: Its device file, or the file.
        disk: What it was when it was chosen; None for a file.
        options: What the user chose.
        look: Returns the disk as it is now, None if it is gone.
        storage: Opens it: `OpenStorage`.
    """

    target: str
    path: str
    disk: Disk | None = None
    options: BlockOptions = field(default_factory=BlockOptions)
    look: Callable[[str], Disk | None] = lambda _path: None
    storage: Callable[..., Storage] = lambda path, **facts: OpenStorage(path, **facts)

    def flash(self, source: Source, listener: Listener) -> Report:
        """See `Method`."""
        (outcome,) = flash_all([self], source, [listener])
        if isinstance(outcome, EdgeError):
            raise outcome
        return outcome

    def verify(self, source: Source, listener: Listener) -> Report:
        """See `Method`."""
        self._require_same_disk()
        size = None if self.disk else source.facts.image_bytes
        with closing(self.storage(self.path, size_bytes=size, read_only=True)) as storage:
            if storage.size_bytes < source.facts.image_bytes:
                raise UntrustedError(
                    f"it has {storage.size_bytes} bytes, the image {source.facts.image_bytes}"
                )
            back = ReadBack(storage, listener, source.facts.mapped_bytes)
            if has_hashes(source):
                compare_by_hash(back, source, None)
            else:
                comparer = Comparer(back)
                (error,) = compared([comparer], source)
                if error is not None:
                    raise error
                if comparer.differing:
                    raise UntrustedError(f"it differs from the image {named(comparer.differing)}")
        return Report(0, 0, back.verified_bytes)

    def open(self, facts: Facts) -> Storage:
        """Return the target, open for us alone.

        Raises:
            RefusedError: It is another disk than the one that was chosen, in use, or the image.
        """
        self.require_apart(facts)
        self._require_same_disk()
        storage = self.storage(self.path, size_bytes=None if self.disk else facts.image_bytes)
        try:
            self._require_same_disk()  # what is open now is what was looked at
            if self.disk is None and self.options.private:
                Path(self.path).chmod(0o600)
        except BaseException:
            storage.close()
            raise
        return storage

    def require_apart(self, facts: Facts) -> None:
        """Refuse to write an image to itself: clearing the target would destroy it.

        Raises:
            RefusedError: The target is the file of the image, or a loop device on it.
        """
        place = self.disk.backing if self.disk else self.path
        if place and _is_same_file(place, facts.name):
            raise RefusedError(
                f"{self.target}: it is the image itself", hint="name another file or disk"
            )

    def journal(self, facts: Facts) -> Journal:
        """Return the journal of this target and an image."""
        disk = self.disk
        known = f"{disk.serial} {disk.size_bytes} {disk.title}" if disk else ""
        name = known if disk and disk.serial else f"{Path(self.path).resolve()} {known}"
        return Journal.of(self.options.journals, name, facts.fingerprint)

    @property
    def verifies(self) -> bool:
        """Whether it is read back."""
        return self.options.verify

    @property
    def discards(self) -> bool:
        """Whether the disk forgets what it held."""
        return self.options.discard

    @property
    def is_ejected(self) -> bool:
        """Whether the disk is let go of at the end."""
        return bool(self.disk and self.disk.transport is Transport.USB and self.options.eject)

    def _require_same_disk(self) -> None:
        """Refuse a disk that was changed since it was chosen."""
        if self.disk is None:
            return
        now = self.look(self.disk.path)
        if now is None or (now.serial, now.size_bytes, now.title) != (
            self.disk.serial,
            self.disk.size_bytes,
            self.disk.title,
        ):
            raise RefusedError(
                f"{self.path}: it is not the disk any more that was chosen",
                hint="somebody plugged in another one: look again with edge flash list",
            )


@runtime_checkable
class BecomesDisk(Method, Protocol):
    """A method whose board is a disk when it has come so far."""

    def become_disk(self, listener: Listener) -> BlockMethod:
        """Bring the board so far, and return the method for its disk.

        Raises:
            RefusedError: The disk may not be written.
            ThingNotFoundError: No board is there, or a file for it is missing.
            LinkError: It did not come so far.
        """


def _is_same_file(one: str, other: str) -> bool:
    """Return whether two names lead to one file; a URL and what is not there lead to none."""
    try:
        return Path(one).samefile(other)
    except OSError:
        return False
