"""What a line tells the console of one device: JSON, one object a device, the same however often.

The console keeps the newest by `number` of the line's station; who sends it again changes nothing.
"""

import hashlib
import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.trust.names import check_device

CERTIFICATE_MOST: Final = 16 << 10
TESTS_MOST: Final = 64
RETIRED_MOST: Final = 64
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")
_DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_HASH_OR_NONE: Final = re.compile(rf"(?:{_HASH.pattern})?")
# What people and scanners say: one line that can be seen.
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{0,128}")
_SERIAL: Final = re.compile(r"[1-9a-f][0-9a-f]{0,39}")
_PEM: Final = re.compile(rf"[ -~\n]{{1,{CERTIFICATE_MOST}}}")
_PEM_OR_NONE: Final = re.compile(rf"[ -~\n]{{0,{CERTIFICATE_MOST}}}")


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
        certificate: PEM of the device and of the station's authority. Like the two before it may
            be empty for what was scrapped before it had one.
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
        return asdict(self) | {"fate": self.fate.value, "retired": sorted(set(self.retired))}

    def content(self) -> str:
        """Return the SHA-256 of all that it says, in hex."""
        return hashlib.sha256(canonical.encode(self.to_json())).hexdigest()

    @classmethod
    def from_json(cls, value: object, place: str) -> "Made":
        """Return the record that an object of JSON is.

        Args:
            value: What was read.
            place: Where it stands, for errors.

        Raises:
            FormatError: It is none.
        """
        fields = Fields(value, place)
        device = fields.text("device", _DEVICE)
        check_device(device)
        fate = Fate(fields.one_of("fate", tuple(one.value for one in Fate)))
        has_all = fate is Fate.GOOD
        found = cls(
            device=device,
            fate=fate,
            line=fields.text("line", _NAME),
            station=fields.text("station", _NAME),
            number=fields.integer("number", least=1),
            digest=fields.text("digest", _HASH),
            made_at_s=fields.integer("made_at_s"),
            operator=fields.text("operator", _LINE),
            product=fields.text("product", _NAME),
            board=fields.text("board", _NAME),
            board_serial=fields.text("board_serial", _LINE),
            order=fields.text("order", _LINE),
            release=fields.text("release", _LINE),
            image=fields.text("image", _HASH if has_all else _HASH_OR_NONE),
            key=fields.text("key", _HASH if has_all else _HASH_OR_NONE),
            certificate=fields.text("certificate", _PEM if has_all else _PEM_OR_NONE),
            retired=fields.texts("retired", _SERIAL),
            tests=_tests(fields.anything("tests"), place),
        )
        fields.end()
        if bool(found.key) != bool(found.certificate):
            raise FormatError(f"{place}: key and certificate: one without the other")
        if len(found.retired) > RETIRED_MOST:
            raise FormatError(f"{place}: retired: more than {RETIRED_MOST}")
        return found


def _tests(value: object, place: str) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > TESTS_MOST:
        raise FormatError(f"{place}: tests: not an object with at most {TESTS_MOST} names")
    for name, said in value.items():
        if not _NAME.fullmatch(name) or not isinstance(said, str) or not _LINE.fullmatch(said):
            raise FormatError(f"{place}: tests: {name!r}: not a name with one line of text")
    return dict(value)
