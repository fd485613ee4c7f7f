"""A label as PNG: one bit a dot, 600 dpi.

Source: PNG, third edition (W3C), sections 5 (chunks), 7.2 (scanlines), 11.2 and 11.3.5.3 (pHYs).
"""

import struct
import zlib
from typing import Final

from edge.factory.labels import raster
from edge.factory.labels.code import Modules
from edge.factory.labels.layout import Place, Spot

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _BITS, _METRE = 0, 1, 1


def png(place: Place, modules: Modules, spots: tuple[Spot, ...]) -> bytes:
    """Return a label as PNG."""
    canvas = raster.rows(place, modules, spots)
    width, height = len(canvas[0]), len(canvas)
    # Each line has no filter; in PNG 1 is white.
    lines = b"".join(b"\0" + bytes(255 - one for one in raster.packed(row)) for row in canvas)
    per_metre = raster.DOTS_PER_MM * 1000
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, _BITS, _GREY, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", per_metre, per_metre, _METRE)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)
