"""A label in ZPL II, the language of many printers of labels; 8 dots a millimetre (203 dpi).

The code is sent as a picture: the same dots on each printer. Letters are the printer's (font 0).

Source: Zebra, ZPL II Programming Guide (^XA, ^PW, ^LL, ^FO, ^GFA, ^A0, ^FD, ^PQ, ^XZ).
"""

from edge.factory.labels import raster
from edge.factory.labels.code import Modules
from edge.factory.labels.layout import Place, Spot

DOTS_PER_MM = 8


def zpl(place: Place, modules: Modules, spots: tuple[Spot, ...]) -> bytes:
    """Return a label as ZPL."""
    lines = [
        "^XA",
        f"^PW{_dots(place.width_um)}",
        f"^LL{_dots(place.height_um)}",
        "^LH0,0",
        _code(place, modules),
        *(_text(spot) for spot in spots),
        "^PQ1",
        "^XZ",
    ]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _code(place: Place, modules: Modules) -> str:
    side = _dots(place.code_um)
    canvas = [bytearray(side) for _row in range(side)]
    raster.draw_code(canvas, modules, side)
    data = [raster.packed(row) for row in canvas]
    count = sum(len(row) for row in data)
    text = "".join(row.hex().upper() for row in data)
    return f"^FO0,0^GFA,{count},{count},{len(data[0])},{text}^FS"


def _text(spot: Spot) -> str:
    at = f"^FO{_dots(spot.left_um)},{_dots(spot.top_um)}"
    return f"{at}^A0N,{_dots(spot.height_um)},{_dots(spot.letter_um)}^FD{spot.text}^FS"


def _dots(length_um: int) -> int:
    return length_um * DOTS_PER_MM // 1000
