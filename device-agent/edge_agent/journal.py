"""How far the other slot is written: a small file, stored only after what it says was flushed."""

import re
from dataclasses import dataclass
from typing import Final

from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.release import PARTITIONS, Partition

FILE: Final = "journal"
FORMAT: Final = 1
_DIGEST: Final = re.compile(r"(?:[0-9a-f]{64})?")


@dataclass(frozen=True, slots=True)
class Journal:
    """What of a release is in the other slot.

    Attributes:
        mark: Names action, release and slot: the journal of another one is void.
        done: The partitions that are whole; a hash tree is made when all is read back.
        table: The payload under way, by the digest of its table; empty for none.
        unit: The first unit of it that may not be written.
    """

    mark: bytes
    done: tuple[Partition, ...] = ()
    table: bytes = b""
    unit: int = 0

    def pack(self) -> bytes:
        """Return the bytes of the file."""
        return canonical.encode(
            {
                "done": sorted(self.done),
                "format": FORMAT,
                "mark": self.mark.hex(),
                "table": self.table.hex(),
                "unit": self.unit,
            }
        )

    @classmethod
    def unpack(cls, data: bytes) -> "Journal":
        """Return what a file says. A damaged number is harmless: all is read back in the end.

        Raises:
            FormatError: It is damaged, or of another format.
        """
        fields = Fields(canonical.decode(data), "journal")
        fields.one_of("format", (FORMAT,))
        done = fields.texts("done", re.compile("|".join(PARTITIONS)))
        journal = cls(
            fields.sha256("mark"),
            tuple(one for one in PARTITIONS if one in done),
            bytes.fromhex(fields.text("table", _DIGEST)),
            fields.integer("unit"),
        )
        fields.end()
        return journal


def read(data: bytes | None, mark: bytes) -> Journal:
    """Return the journal of an action, one of nothing done if the file is not of it."""
    if data is not None:
        try:
            journal = Journal.unpack(data)
        except FormatError:
            return Journal(mark)
        if journal.mark == mark:
            return journal
    return Journal(mark)
