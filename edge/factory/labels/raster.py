"""A label as dots, for pictures."""

from edge.factory.labels import font
from edge.factory.labels.code import Modules
from edge.factory.labels.layout import QUIET_MODULES, Place, Spot

DOTS_PER_MM = 24  # about 600 dpi


def rows(place: Place, modules: Modules, spots: tuple[Spot, ...]) -> list[bytearray]:
    """Return the rows of dots of a label, a byte a dot: 1 is dark."""
    canvas = [bytearray(_dots(place.width_um)) for _row in range(_dots(place.height_um))]
    draw_code(canvas, modules, _dots(place.code_um))
    for spot in spots:
        _draw_text(canvas, spot)
    return canvas


def draw_code(canvas: list[bytearray], modules: Modules, side: int) -> None:
    """Draw a code at the left of a canvas, each module of the same whole number of dots.

    Args:
        canvas: Rows of dots.
        modules: Of the code.
        side: How wide and high it may be, with its quiet zone.
    """
    count = len(modules) + 2 * QUIET_MODULES
    each = side // count
    start = (side - each * len(modules)) // 2
    for number, row in enumerate(modules):
        line = b"".join((b"\1" if module else b"\0") * each for module in row)
        for top in range(start + number * each, start + (number + 1) * each):
            canvas[top][start : start + len(line)] = line


def packed(row: bytearray) -> bytes:
    """Return eight dots a byte, the first in the highest bit; dark is 1."""
    padded = row + bytes(-len(row) % 8)
    whole = int("".join("1" if dot else "0" for dot in padded), 2)
    return whole.to_bytes(len(padded) // 8, "big")


def _draw_text(canvas: list[bytearray], spot: Spot) -> None:
    high, wide = _dots(spot.height_um), _dots(spot.letter_um)
    left, top = _dots(spot.left_um), _dots(spot.top_um)
    for number, letter in enumerate(spot.text):
        for down in range(high):
            row = down * font.HEIGHT // high
            line = canvas[top + down]
            for along in range(wide):
                column = along * (font.WIDTH + 1) // wide
                if font.is_dark(letter, row, column):
                    line[left + number * wide + along] = 1


def _dots(length_um: int) -> int:
    return length_um * DOTS_PER_MM // 1000
