"""Labels, as other programs read them: zbar, poppler, and a reader of ZPL's pictures."""

import itertools
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from edge import process
from edge.errors import InputError, RefusedError
from edge.factory.labels import check, code, font, render
from edge.factory.labels.label import Label
from edge.factory.labels.layout import Place
from edge.factory.labels.render import Form

PRINT = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
LABEL = Label("gw-000001", "gateway", PRINT)
CODE = "edge:1/gateway/gw-000001/9f86d081884c7d659a2feaa0"
LABELS = [
    pytest.param(LABEL, Place(), id="usual"),
    pytest.param(Label("1", "p", PRINT), Place(40_000, 20_000), id="short"),
    pytest.param(Label("W" * 64, "M" * 64, PRINT), Place(80_000, 40_000), id="long"),
]


def _read(picture: Path) -> str:
    """Return the text of the code in a picture, as zbar reads it."""
    done = process.run(["zbarimg", "-q", "--raw", picture], timeout_s=30)
    return done.stdout.decode().removesuffix("\n")


@pytest.mark.parametrize(("label", "place"), LABELS)
def test_a_picture_has_the_code(tmp_path: Path, label: Label, place: Place) -> None:
    (tmp_path / "label.png").write_bytes(render.png(label, place))

    assert _read(tmp_path / "label.png") == label.code


@pytest.mark.parametrize(("label", "place"), LABELS)
def test_a_page_has_code_and_text_and_the_size_of_the_label(
    tmp_path: Path, label: Label, place: Place
) -> None:
    (tmp_path / "label.pdf").write_bytes(render.pdf(label, place))

    process.run(["pdftoppm", "-r", "300", "-png", "label.pdf", "page"], cwd=tmp_path)
    done = process.run(["pdftotext", "label.pdf", "-"], cwd=tmp_path)

    assert done.stderr == ""
    assert _read(tmp_path / "page-1.png") == label.code
    words = "".join(done.stdout.decode().split())
    assert words == f"{label.product}{label.device}{PRINT[:24]}"
    size = process.run(["pdfinfo", "label.pdf"], cwd=tmp_path).stdout.decode()
    width, height = re.findall(r"Page size: *([\d.]+) x ([\d.]+)", size)[0]
    assert float(width) == pytest.approx(place.width_um * 72 / 25400, abs=0.01)
    assert float(height) == pytest.approx(place.height_um * 72 / 25400, abs=0.01)


@pytest.mark.parametrize(("label", "place"), LABELS)
def test_a_label_printer_gets_the_code_as_a_picture(
    tmp_path: Path, label: Label, place: Place
) -> None:
    text = render.zpl(label, place).decode("ascii")

    assert text.startswith("^XA\n")
    assert text.endswith("^PQ1\n^XZ\n")
    assert text.count("^XA") == text.count("^XZ") == 1
    found = re.findall(r"\^GFA,(\d+),(\d+),(\d+),([0-9A-F]+)\^FS", text)
    assert len(found) == 1
    count, same, wide, digits = found[0]
    data = bytes.fromhex(digits)
    assert len(data) == int(count) == int(same)
    high = len(data) // int(wide)
    (tmp_path / "code.pbm").write_bytes(f"P4 {int(wide) * 8} {high}\n".encode() + data)
    assert _read(tmp_path / "code.pbm") == label.code
    shown = "".join(re.findall(r"\^FD([^^]*)\^FS", text)).replace(" ", "")
    assert shown == f"{label.product}{label.device}{PRINT[:24]}"


def test_a_drawing_has_the_modules_of_the_code() -> None:
    drawing = ET.fromstring(render.svg(LABEL))

    svg = "{http://www.w3.org/2000/svg}"
    assert (drawing.get("width"), drawing.get("height")) == ("50mm", "25mm")
    assert [one.text for one in drawing.iter(f"{svg}text")] == [
        "gateway",
        "gw-000001",
        "9f86 d081 884c",
        "7d65 9a2f eaa0",
    ]
    path = next(drawing.iter(f"{svg}path")).get("d", "")
    dark = {
        (int(top) - 4, int(left) - 4 + more)
        for left, top, wide in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path)
        for more in range(int(wide))
    }
    rows = code.modules(CODE)
    assert dark == {
        (top, left) for top, row in enumerate(rows) for left, is_dark in enumerate(row) if is_dark
    }


@pytest.mark.parametrize("form", list(Form))
def test_the_same_label_has_the_same_bytes(form: Form) -> None:
    assert render.rendered(LABEL, form) == render.rendered(LABEL, form)


@pytest.mark.parametrize(("label", "place"), LABELS)
def test_all_text_is_on_the_label_and_beside_the_code(label: Label, place: Place) -> None:
    spots = label.spots(place)

    for above, below in itertools.pairwise(spots):
        assert above.top_um + above.height_um <= below.top_um
    for spot in spots:
        assert spot.left_um >= place.code_um
        assert spot.left_um + spot.width_um <= place.width_um
        assert spot.top_um + spot.height_um <= place.height_um
        assert spot.height_um >= 1_300


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(InputError, match="does not fit on 30 x 15 mm"):
        render.png(Label("W" * 64, "M" * 64, PRINT), Place(30_000, 15_000))
    with pytest.raises(InputError, match="too small"):
        Place(20_000, 20_000)


@pytest.mark.parametrize(
    ("device", "product", "fingerprint"),
    [
        ("gw^XZ", "gateway", PRINT),
        ("gw-1", "gate~way", PRINT),
        ("gw-1", "gateway", PRINT[:20]),
        ("gw-1", "gateway", "Z" * 24),
        ("", "gateway", PRINT),
        ("gw-1)", "gateway", PRINT),
    ],
)
def test_what_could_be_a_command_of_a_printer_is_no_label(
    device: str, product: str, fingerprint: str
) -> None:
    with pytest.raises(InputError, match="can not be one"):
        Label(device, product, fingerprint)


def test_a_scanned_label_is_that_of_its_device() -> None:
    assert LABEL.code == CODE
    assert Label.scanned(f"{CODE}\r\n").code == CODE
    check.require(CODE, LABEL)

    with pytest.raises(
        RefusedError, match=r"of gateway gw-000002, the device is gateway gw-000001"
    ):
        check.require(CODE.replace("gw-000001", "gw-000002"), LABEL)
    with pytest.raises(RefusedError, match="an earlier key"):
        check.require(CODE.replace("9f86", "0000"), LABEL)
    with pytest.raises(InputError, match="no code of a label"):
        check.require("4006381333931", LABEL)


def test_each_letter_is_another_one_and_none_is_empty() -> None:
    letters = {"".join(rows): letter for letter, rows in font.LETTERS.items()}

    assert len(letters) == len(font.LETTERS) == 26 + 26 + 10 + 3
    assert [letter for rows, letter in letters.items() if "#" not in rows] == [" "]
    # A cross bar, and nothing that hangs below the line.
    assert font.LETTERS["t"][2] == "####."
    assert all("#" in font.LETTERS[letter][7] for letter in "gjpqy")
