"""Which version of a service was committed: a small file on the data partition, beside the images.

Nobody vouches for that partition. What is named here is only looked at: the documents of the image
are verified again at each start of the system, and dm-verity reads every block of it.
"""

import re
from dataclasses import dataclass
from typing import Final

from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import MOST, Fields
from edge_signing.formats.boot_state import SLOTS, Slot

FILE: Final = "state"
FORMAT: Final = 1
_VERSION: Final = re.compile(r"[A-Za-z0-9._+-]{0,63}")
_DIGEST: Final = re.compile(r"(?:[0-9a-f]{64})?")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered of a service.

    Attributes:
        place: Where the committed image is; None if none was ever.
        version: Its version.
        stands_for: The digest of the system's own version that it took the place of: with another
            one, in a newer or older system, it does not count.
        counter: The highest rollback counter that was committed.
    """

    place: Slot | None = None
    version: str = ""
    stands_for: str = ""
    counter: int = 0

    def pack(self) -> bytes:
        """Return the bytes of the file."""
        return canonical.encode(
            {
                "counter": self.counter,
                "format": FORMAT,
                "place": self.place or "",
                "stands_for": self.stands_for,
                "version": self.version,
            }
        )

    @classmethod
    def unpack(cls, data: bytes) -> "Kept":
        """Return what a file says.

        Raises:
            FormatError: It is damaged, or of another format.
        """
        fields = Fields(canonical.decode(data), FILE)
        fields.one_of("format", (FORMAT,))
        place = fields.one_of("place", ("", *SLOTS))
        kept = cls(
            place=next((one for one in SLOTS if one == place), None),
            version=fields.text("version", _VERSION),
            stands_for=fields.text("stands_for", _DIGEST),
            counter=fields.integer("counter", most=MOST),
        )
        fields.end()
        return kept


def read(data: bytes | None) -> Kept:
    """Return what a file says; of one that is missing or damaged, that nothing was committed."""
    try:
        return Kept() if data is None else Kept.unpack(data)
    except FormatError:
        return Kept()
