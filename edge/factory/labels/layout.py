"""Where things stand on a label, in micrometres; the same for each form, pure.

The code is at the left, with its quiet zone; at the right are product, id and fingerprint, each as
large as it fits. Letters are taken to be of one width, 0.6 of their height: those of Courier, of
ours (`font.py`), and what SVG and ZPL are told.
"""

from dataclasses import dataclass
from typing import Final

from edge.errors import InputError

DIGITS: Final = 24
QUIET_MODULES: Final = 4  # ISO/IEC 18004, section 9.1
_MARGIN_UM: Final = 1_000
_GAP_UM: Final = 500
_LEAST_UM: Final = 1_400
_LETTER_PERCENT: Final = 60
_PRODUCT_UM: Final = 2_800
_DEVICE_UM: Final = 5_000
_FINGERPRINT_UM: Final = 2_000
_LEAST_HEIGHT_UM: Final = 15_000


@dataclass(frozen=True, slots=True)
class Place:
    """How large a label is.

    Attributes:
        width_um: Its width, in micrometres.
        height_um: Its height.

    Raises:
        InputError: It is too small, or not wide enough for text beside the code.
    """

    width_um: int = 50_000
    height_um: int = 25_000

    def __post_init__(self) -> None:
        if self.height_um < _LEAST_HEIGHT_UM or self.width_um < self.height_um + _LEAST_HEIGHT_UM:
            raise InputError(
                f"a label of {self.width_um / 1000:g} x {self.height_um / 1000:g} mm is too small",
                hint="it is at least 15 mm high, and 15 mm wider than high",
            )

    @property
    def code_um(self) -> int:
        """The side of the code with its quiet zone."""
        return self.height_um


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of text.

    Attributes:
        text: What it says.
        left_um: Where it begins, from the left.
        top_um: Its upper edge, from the top.
        height_um: Of its letters, with what hangs below the line.
        is_bold: Whether it is to be seen first.
    """

    text: str
    left_um: int
    top_um: int
    height_um: int
    is_bold: bool = False

    @property
    def letter_um(self) -> int:
        """The width of a letter."""
        return self.height_um * _LETTER_PERCENT // 100

    @property
    def width_um(self) -> int:
        """The width of the line."""
        return self.letter_um * len(self.text)


def placed(
    place: Place, product: str, device: str, fingerprint: tuple[str, ...]
) -> tuple[Spot, ...]:
    """Return the lines of a label.

    Raises:
        InputError: They do not fit.
    """
    left_um = place.code_um
    wide_um = place.width_um - _MARGIN_UM - left_um
    lines = [(text, _PRODUCT_UM, False) for text in _split(product, wide_um)]
    lines += [(text, _DEVICE_UM, True) for text in _split(device, wide_um)]
    lines += [(text, _FINGERPRINT_UM, False) for text in fingerprint]
    spots, top_um = [], _MARGIN_UM
    for text, most_um, is_bold in lines:
        height_um = min(most_um, _fitting_um(text, wide_um))
        spots.append(Spot(text, left_um, top_um, height_um, is_bold))
        top_um += height_um + _GAP_UM
    if top_um > place.height_um:
        raise InputError(
            f"label: {product} {device} does not fit on"
            f" {place.width_um / 1000:g} x {place.height_um / 1000:g} mm",
            hint="take larger labels, or shorter ids",
        )
    return tuple(spots)


def _fitting_um(text: str, wide_um: int) -> int:
    """Return the height at which a text is as wide as there is room."""
    return wide_um * 100 // (_LETTER_PERCENT * len(text))


def _split(text: str, wide_um: int) -> list[str]:
    """Return the fewest lines on which a text is not too small to be read."""
    most = wide_um * 100 // (_LETTER_PERCENT * _LEAST_UM)
    count = -(-len(text) // most)
    each = -(-len(text) // count)
    return [text[at : at + each] for at in range(0, len(text), each)]
