"""A label as a page of PDF, as large as the label; the same label has the same bytes.

Source: ISO 32000-1, sections 7.5 (structure), 8.5 (paths), 9.6.2 (standard fonts).
"""

from edge.factory.labels.code import Modules
from edge.factory.labels.layout import QUIET_MODULES, Place, Spot

_COURIER_PERCENT = 60  # width of each letter of Courier, of its size


def pdf(place: Place, modules: Modules, spots: tuple[Spot, ...]) -> bytes:
    """Return a label as PDF."""
    content = "".join((*_code(place, modules), *(_text(place, spot) for spot in spots)))
    box = f"[0 0 {_points(place.width_um)} {_points(place.height_um)}]"
    fonts = "/R 5 0 R /B 6 0 R"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R"
        f" /Resources << /Font << {fonts} >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}endstream",
        *(
            f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
            for name in ("Courier", "Courier-Bold")
        ),
    ]
    return _file(objects)


def _code(place: Place, modules: Modules) -> list[str]:
    count = len(modules) + 2 * QUIET_MODULES
    each_um = place.code_um / count
    rectangles = [
        f"{_points((left + QUIET_MODULES) * each_um)}"
        f" {_points(place.height_um - (top + 1 + QUIET_MODULES) * each_um)}"
        f" {_points(each_um)} {_points(each_um)} re\n"
        for top, row in enumerate(modules)
        for left, module in enumerate(row)
        if module
    ]
    return [*rectangles, "f\n"]


def _text(place: Place, spot: Spot) -> str:
    font = "/B" if spot.is_bold else "/R"
    size = _points(spot.letter_um * 100 / _COURIER_PERCENT)
    base = _points(place.height_um - spot.top_um - spot.height_um * 7 / 8)
    return f"BT {font} {size} Tf {_points(spot.left_um)} {base} Td ({spot.text}) Tj ET\n"


def _file(objects: list[str]) -> bytes:
    made = bytearray(b"%PDF-1.4\n")
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj\n{one}\nendobj\n".encode("ascii")
    start = len(made)
    made += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    made += b"".join(f"{at:010} 00000 n \n".encode() for at in places)
    made += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n".encode()
    made += f"startxref\n{start}\n%%EOF\n".encode()
    return bytes(made)


def _points(length_um: float) -> str:
    return f"{length_um * 72 / 25400:.4f}".rstrip("0").rstrip(".")
