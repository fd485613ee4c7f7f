"""What agent and init say to each other of a service that is updated in place: one line each.

The agent says which version is vouched for, in `/run/edge-agent/in-place/NAME`:

    a ROOT_HASH SALT DATA_BLOCKS VERSION      the image in place a (or b), and what opens it
    factory                                   the version of the system's own root

Init reads it at each start of the service and says what came of it, in `/run/edge/in-place/NAME`:

    a ROOT_HASH VERSION                       that image runs
    factory ROOT_HASH|- REASON                the system's own version runs; why not that image

Both are in memory: at the start of a system nobody has said anything.
"""

from dataclasses import dataclass
from typing import Final

from edge_signing.formats.boot_state import SLOTS, Slot
from edge_signing.release import BLOCK_BYTES, HashTree, Image

FACTORY: Final = "factory"
_NOTHING: Final = "-"


@dataclass(frozen=True, slots=True)
class Word:
    """The version that init is to start; without a place it is the system's own.

    Attributes:
        place: Where its image is.
        tree: What opens it.
        blocks: How many blocks it has.
        version: What it is called.
    """

    place: Slot | None = None
    tree: HashTree | None = None
    blocks: int = 0
    version: str = ""

    @classmethod
    def of(cls, place: Slot, image: Image, version: str) -> "Word":
        """Return the word for an image that was vouched for."""
        return cls(place, image.tree, image.content.length_bytes // BLOCK_BYTES, version)

    def line(self) -> str:
        """Return it as init reads it."""
        if self.place is None or self.tree is None:
            return f"{FACTORY}\n"
        salt = self.tree.salt.hex() or _NOTHING
        return f"{self.place} {self.root_hash} {salt} {self.blocks} {self.version}\n"

    @property
    def root_hash(self) -> str:
        """In hex; empty for the system's own version."""
        return self.tree.root_hash.hex() if self.place and self.tree else ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What init started last.

    Attributes:
        place: Where its image is, None for the system's own version.
        root_hash: In hex: of that image, or of the one that was not taken.
        version: Of that image.
        reason: Why an image was not taken.
    """

    place: Slot | None = None
    root_hash: str = ""
    version: str = ""
    reason: str = ""

    @classmethod
    def read(cls, text: str) -> "Shown | None":
        """Return what a line says; None for one that says nothing."""
        first, _blank, rest = text.strip().partition(" ")
        root_hash, _blank, rest = rest.partition(" ")
        root_hash = root_hash.removeprefix(_NOTHING)
        for place in SLOTS:
            if first == place:
                return cls(place, root_hash, version=rest)
        return cls(None, root_hash, reason=rest) if first == FACTORY else None

    def follows(self, word: Word) -> bool:
        """Return whether this is what a word asks for."""
        if word.place is None:
            return self.place is None
        return (self.place, self.root_hash) == (word.place, word.root_hash)

    def refuses(self, word: Word) -> bool:
        """Return whether the image of a word was not taken."""
        return self.place is None and bool(word.place) and self.root_hash == word.root_hash
