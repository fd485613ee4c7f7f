"""What a line tells the console of one device: JSON, one object a device, the same however often.

The console keeps the newest by `number` of the line's station; who sends it again changes nothing.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Fate(StrEnum):
    """What became of a device at the line."""

    GOOD = "good"
    SCRAPPED = "scrapped"


@dataclass(frozen=True, slots=True)
class Made:
    """A device as a line made it.

    Attributes:
        device: Its id, the common name of its certificate.
        fate: Whether it may be used.
        line: Name of the line.
        station: Name of the station.
        number: Of the entry in the station's ledger that says so; counts from 1.
        digest: Of that entry, SHA-256 in hex.
        made_at_s: When, seconds since 1970.
        operator: Who stood there, may be empty.
        product: Of the line.
        board: Of the line, a board id.
        board_serial: What the board says of itself, may be empty.
        order: Scanned or given, may be empty.
        release: Name and version of the system written.
        image: SHA-256 of its root hash or block map, in hex.
        key: SHA-256 of the device's public key (SubjectPublicKeyInfo, DER), in hex.
        certificate: PEM of the device and of the station's authority.
        retired: Serial numbers (hex) of earlier certificates of this device, to be taken no more.
        tests: What was measured: name, and `ok` or the value as text.
    """

    device: str
    fate: Fate
    line: str
    station: str
    number: int
    digest: str
    made_at_s: int
    operator: str
    product: str
    board: str
    board_serial: str
    order: str
    release: str
    image: str
    key: str
    certificate: str
    retired: tuple[str, ...]
    tests: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return it as what JSON can say."""
        return asdict(self) | {"fate": self.fate.value, "retired": list(self.retired)}
