"""A version of a role's metadata and the keys that vouched for it: the floor of what comes later.

A floor keeps out what the owner signed before: it binds as long as such metadata could still be
accepted, which takes as many of the keys that it was seen with as must sign now. When fewer are
left, all that is accepted bears a signature of a key that came later, so it is newer than the
floor, and a thief of the earlier keys can not sign alone any more. Then the floor is void, as he
may have raised it so that nothing would be accepted ever again. Two things have to hold for this:
the root never goes back (else an earlier root would void the floor: its version is a floor too),
and keys that were put away never come back (`edge keys` refuses them).

Source: TUF specification 1.0.31, §5.3.11, which forgets versions when keys were rotated.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from edge_signing.errors import FormatError, TrustError

MARK_BYTES: Final = 16
# More than any role needs, and few enough for the trust state of a device.
KEYS_MOST: Final = 32


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen of a role; as a floor, what later sightings are compared with.

    Attributes:
        version: Of the role's metadata; 0 when nothing was seen.
        root_version: Of the root that it was verified with.
        keys: The marks of all keys of the role then, in order.
        threshold: How many of them had to sign.
    """

    version: int = 0
    root_version: int = 0
    keys: tuple[bytes, ...] = ()
    threshold: int = 0

    def __post_init__(self) -> None:
        if not (self.version or self.root_version or self.keys or self.threshold):
            return
        if self.version < 1 or self.root_version < 1:
            raise FormatError(f"version {self.version} of root {self.root_version} can not be seen")
        if list(self.keys) != sorted(set(self.keys)) or len(self.keys) > KEYS_MOST:
            raise FormatError(f"{len(self.keys)} keys are not {KEYS_MOST} at most, in order")
        if not 1 <= self.threshold <= len(self.keys):
            raise FormatError(f"{self.threshold} of {len(self.keys)} keys can not sign")
        if any(len(key) != MARK_BYTES for key in self.keys):
            raise FormatError(f"a mark of a key has not {MARK_BYTES} bytes")

    def binds(self, later: "Sighting") -> bool:
        """Return whether metadata from before this sighting could be accepted in a later one."""
        return bool(self.keys) and len({*self.keys} & {*later.keys}) >= later.threshold

    def check(self, later: "Sighting", place: str) -> None:
        """Refuse what is below this floor.

        Args:
            later: What was verified now.
            place: The name of its file, for errors.

        Raises:
            TrustError: Its root is an earlier one, or its version is lower and the floor binds.
        """
        if later.root_version < self.root_version:
            raise TrustError(
                f"{place}: its keys are those of root {later.root_version}, below"
                f" {self.root_version}",
                hint="take newer metadata: this root was replaced",
            )
        if later.version < self.version and self.binds(later):
            raise TrustError(f"{place}: version {later.version} is below {self.version}")

    def raised(self, other: "Sighting") -> "Sighting":
        """Return the floor after both: that of the later root, never lower while this one binds."""
        if not (self.version and other.version):
            return self if self.version else other
        earlier, later = sorted((self, other), key=lambda one: one.root_version)
        if not earlier.binds(later):
            return later
        return replace(later, version=max(earlier.version, later.version))


UNSEEN: Final = Sighting()


def mark(material: bytes) -> bytes:
    """Return what a key is known by: of what it is made of, so that another id changes nothing."""
    return hashlib.sha256(material).digest()[:MARK_BYTES]
