"""Init and the data partition of a device with one service that is updated in place, as a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_agent import verity
from edge_agent.errors import AgentError, SlotError
from edge_agent.in_place.word import Shown, Word
from edge_agent.slots import Volume
from edge_agent.store import AtomicFiles
from edge_signing.formats.boot_state import Slot
from tests.agent.power.machine_room import Medium, MediumCalls, MediumVolume
from tests.fakes.memory_image import MemoryImage

NAME = "web"
DIGEST = "d" * 64


class _Stream(MemoryImage):
    at = 0

    def seek(self, offset: int, _whence: int = 0, /) -> int:
        self.at = offset
        return offset

    def read(self, length: int = 0, /) -> bytes:
        return self.pread(length, self.at)

    def write(self, data: bytes, /) -> int:
        self.pwrite(data, self.at)
        return len(data)


@dataclass
class ServiceRoom:
    """`edge_agent.in_place.services.Services` on a medium, with an init that does as it is told.

    Args:
        medium: What one start of the device works on.
        listed: What the system that runs lets be updated in place, with the digest of its own.
        is_full: Whether the data partition has no room for an image.
        refused: Versions that ask for other rights than the system gives them.
        is_deaf: Whether nothing that is asked gets to init.
        running: The version that runs, `factory` for the system's own; empty while none does.
        started: All that ran since the start of the system.
    """

    medium: Medium
    listed: dict[str, str] = field(default_factory=lambda: {NAME: DIGEST})
    is_full: bool = False
    refused: frozenset[str] = frozenset()
    is_deaf: bool = False
    running: str = ""
    started: list[str] = field(default_factory=list)
    word: Word | None = None
    _shown: Shown | None = None

    def factory(self) -> Mapping[str, str]:
        return self.listed

    def files(self, name: str) -> AtomicFiles:
        return AtomicFiles(MediumCalls(self.medium, f"services/{name}"))

    def volume(self, name: str, place: Slot) -> Volume:
        return MediumVolume(self.medium, f"{name}-{place}", is_writable=True)

    def make_room(self, name: str, place: Slot, length_bytes: int) -> None:
        if self.is_full:
            raise SlotError(f"{name}/{place}.img: No space left on device: {length_bytes} bytes")

    def told(self, name: str) -> bool:
        return name == NAME and self.word is not None

    def tell(self, name: str, word: Word) -> None:
        assert name == NAME
        first = self.word is None
        self.word = word
        if first:  # init waits for it before it starts the service
            self.start_service()

    def switch(self, name: str) -> None:
        if self.is_deaf:
            raise AgentError("/dev/edge/request: No such device")
        assert name == NAME
        self.start_service()

    def shown(self, name: str) -> Shown | None:
        return self._shown if name == NAME else None

    def start_service(self) -> None:
        """Stop what runs, and start what was told, or the system's own version in doubt."""
        word = self.word or Word()
        reason = self._doubt(word)
        if word.place is None or reason:
            self._shown, self.running = Shown(None, word.root_hash, reason=reason), "factory"
        else:
            self._shown = Shown(word.place, word.root_hash, word.version)
            self.running = word.version
        self.started.append(self.running)

    def _doubt(self, word: Word) -> str:
        if word.place is None or word.tree is None:
            return ""
        if word.version in self.refused:
            return "it asks for other rights than this system gives it"
        data = self.volume(NAME, word.place).pread(word.blocks * verity.BLOCK_BYTES, 0)
        made = verity.write_tree(_Stream(data), data_bytes=len(data), salt=word.tree.salt)
        return "" if made.root_hash == word.root_hash else "its image is damaged"
