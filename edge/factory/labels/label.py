"""What stands on the label of a device, and in its code.

    edge:1/gateway/gw-000001/9f86d081884c7d659a2feaa0

which is: the version of this form, product, device, and the first 24 digits of its key's SHA-256.
So who scans a label knows which device it is, and whether a device that answers is that one.
"""

import re
from dataclasses import dataclass
from typing import Final

from edge.errors import InputError
from edge.factory.labels.layout import DIGITS, Place, Spot, placed

_PRODUCT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{24,64}")
PREFIX: Final = "edge:1/"
_CODE: Final = re.compile(PREFIX + r"([^/]{1,64})/([^/]{1,64})/([0-9a-f]{24})")


@dataclass(frozen=True, slots=True)
class Label:
    """The label of a device.

    Attributes:
        device: Its id.
        product: What it is.
        fingerprint: SHA-256 of its public key (SubjectPublicKeyInfo, DER), in hex: the first 24
            digits or more.

    Raises:
        InputError: One of them can not be one.
    """

    device: str
    product: str
    fingerprint: str

    def __post_init__(self) -> None:
        for name, value, form in (
            ("device", self.device, _DEVICE),
            ("product", self.product, _PRODUCT),
            ("fingerprint", self.fingerprint, _FINGERPRINT),
        ):
            if not form.fullmatch(value):
                raise InputError(f"label: {name} {value[:80]!r} can not be one")

    @property
    def code(self) -> str:
        """The text of its QR code."""
        return f"{PREFIX}{self.product}/{self.device}/{self.fingerprint[:DIGITS]}"

    @classmethod
    def scanned(cls, text: str) -> "Label":
        """Return what a code says.

        Raises:
            InputError: It is not that of a label.
        """
        found = _CODE.fullmatch(text.strip())
        if found is None:
            raise InputError(
                f"{text.strip()[:80]!r} is no code of a label",
                hint="scan the square code; it begins with edge:1/",
            )
        return cls(device=found[2], product=found[1], fingerprint=found[3])

    def spots(self, place: Place) -> tuple[Spot, ...]:
        """Return what people read, and where."""
        digits = self.fingerprint[:DIGITS]
        groups = [digits[at : at + 4] for at in range(0, DIGITS, 4)]
        lines = " ".join(groups[:3]), " ".join(groups[3:])
        return placed(place, self.product, self.device, lines)
