"""The services of this device that are updated in place: files, images, and words with init."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from edge_agent.errors import AgentError, SlotError, StoreError
from edge_agent.in_place.word import Shown, Word
from edge_agent.slots import DeviceVolume, Volume
from edge_agent.store import Files, files_in
from edge_signing.formats.boot_state import Slot

LIST: Final = "in-place"  # of the image: a line `service digest` for each
_READ_MOST_BYTES: Final = 1024


class Services(Protocol):
    """All services that the system that runs lets be updated in place."""

    def factory(self) -> Mapping[str, str]:
        """Return the digest of the system's own version of each, by name."""

    def files(self, name: str) -> Files:
        """Return the small files that are kept of one."""

    def volume(self, name: str, place: Slot) -> Volume:
        """Return the image in a place of one, to be read and written."""

    def make_room(self, name: str, place: Slot, length_bytes: int) -> None:
        """Make the image in a place that long; what is in it stays.

        Raises:
            SlotError: There is no room.
        """

    def told(self, name: str) -> bool:
        """Return whether init was told of one since the start of the system."""

    def tell(self, name: str, word: Word) -> None:
        """Tell init which version to start from now on.

        Raises:
            StoreError: It can not be told.
        """

    def switch(self, name: str) -> None:
        """Ask init to stop one and to start what it was told; returns at once.

        Raises:
            AgentError: It can not be asked.
        """

    def shown(self, name: str) -> Shown | None:
        """Return which version init started last, None if it started none yet."""


@dataclass(frozen=True, slots=True)
class NoServices:
    """A device whose system lets no service be updated in place."""

    def factory(self) -> Mapping[str, str]:
        """See `Services`."""
        return {}

    def files(self, name: str) -> Files:
        """See `Services`."""
        raise _unknown(name)

    def volume(self, name: str, place: Slot) -> Volume:
        """See `Services`."""
        raise _unknown(f"{name} {place}")

    def make_room(self, name: str, place: Slot, length_bytes: int) -> None:
        """See `Services`."""
        raise _unknown(f"{name} {place} {length_bytes}")

    def told(self, name: str) -> bool:
        """See `Services`."""
        raise _unknown(name)

    def tell(self, name: str, word: Word) -> None:
        """See `Services`."""
        raise _unknown(f"{name} {word}")

    def switch(self, name: str) -> None:
        """See `Services`."""
        raise _unknown(name)

    def shown(self, name: str) -> Shown | None:
        """See `Services`."""
        raise _unknown(name)


@dataclass(frozen=True, slots=True)
class DeviceServices:
    """Those of a real device.

    Attributes:
        list: File of the image that names them.
        data: Folder on the data partition, with a folder for each.
        words: Folder where init is told.
        said: Folder where init answers.
        ask_init: Sends init a line.
        token: Names a request.
    """

    list: Path
    data: Path
    words: Path
    said: Path
    ask_init: Callable[[str], None]
    token: Callable[[], str]
    _volumes: dict[tuple[str, Slot], DeviceVolume] = field(default_factory=dict)

    def factory(self) -> Mapping[str, str]:
        """See `Services`."""
        lines = (line.split() for line in _text(self.list, most_bytes=1 << 20).splitlines())
        return {words[0]: words[1] for words in lines if len(words) == 2}

    def files(self, name: str) -> Files:
        """See `Services`."""
        return files_in(self.data / name)

    def volume(self, name: str, place: Slot) -> Volume:
        """See `Services`."""
        if (name, place) not in self._volumes:
            self._volumes[name, place] = DeviceVolume(self._image(name, place), is_writable=True)
        return self._volumes[name, place]

    def make_room(self, name: str, place: Slot, length_bytes: int) -> None:
        """See `Services`."""
        path = self._image(name, place)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            handle = os.open(path, flags, 0o600)
            try:
                _allocate(handle, length_bytes)
            finally:
                os.close(handle)
        except OSError as error:
            raise SlotError(f"{path}: {error.strerror}: {length_bytes} bytes do not fit") from error

    def told(self, name: str) -> bool:
        """See `Services`."""
        return (self.words / name).exists()

    def tell(self, name: str, word: Word) -> None:
        """See `Services`."""
        files_in(self.words).write_atomic(name, word.line().encode())

    def switch(self, name: str) -> None:
        """See `Services`."""
        self.ask_init(f"switch {name} {self.token()}")

    def shown(self, name: str) -> Shown | None:
        """See `Services`."""
        return Shown.read(_text(self.said / name, most_bytes=_READ_MOST_BYTES))

    def _image(self, name: str, place: Slot) -> Path:
        return self.data / name / f"{place}.img"


def _allocate(handle: int, length_bytes: int) -> None:
    """Reserve the room now, so that a full partition is told before anything is fetched."""
    try:
        os.posix_fallocate(handle, 0, length_bytes)
    except OSError:
        os.ftruncate(handle, 0)
        raise
    os.ftruncate(handle, length_bytes)
    os.fsync(handle)


def _unknown(name: str) -> AgentError:
    return StoreError(f"{name}: this system updates no service in place")


def _text(path: Path, *, most_bytes: int) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(most_bytes).decode("utf-8", "replace")
    except OSError:
        return ""
