"""A label as SVG 1.1, in millimetres."""

from xml.sax.saxutils import escape

from edge.factory.labels.code import Modules
from edge.factory.labels.layout import QUIET_MODULES, Place, Spot


def svg(place: Place, modules: Modules, spots: tuple[Spot, ...]) -> bytes:
    """Return a label as SVG."""
    width, height = _mm(place.width_um), _mm(place.height_um)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm"'
        f' viewBox="0 0 {width} {height}">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _code(place, modules),
        *(_text(spot) for spot in spots),
        "</svg>",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _code(place: Place, modules: Modules) -> str:
    """Return the code as one path, in modules: a rectangle for each run of dark ones."""
    count = len(modules) + 2 * QUIET_MODULES
    path = []
    for top, row in enumerate(modules, QUIET_MODULES):
        left = 0
        while left < len(row):
            wide = 0
            while left + wide < len(row) and row[left + wide]:
                wide += 1
            if wide:
                path.append(f"M{left + QUIET_MODULES} {top}h{wide}v1h-{wide}z")
            left += max(wide, 1)
    scale = f"{place.code_um / 1000 / count:.6f}"
    return f'<path transform="scale({scale})" d="{"".join(path)}"/>'


def _text(spot: Spot) -> str:
    weight = ' font-weight="bold"' if spot.is_bold else ""
    # The line that letters stand on is at 7 of 8 parts of their height.
    base = _mm(spot.top_um + spot.height_um * 7 // 8)
    return (
        f'<text x="{_mm(spot.left_um)}" y="{base}" font-family="monospace"'
        f' font-size="{_mm(spot.height_um)}" textLength="{_mm(spot.width_um)}"'
        f' lengthAdjust="spacingAndGlyphs"{weight}>{escape(spot.text)}</text>'
    )


def _mm(length_um: int) -> str:
    return f"{length_um / 1000:g}"
