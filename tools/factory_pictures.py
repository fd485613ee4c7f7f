"""Draw the pictures of the operator's view, for the documents.

PYTHONPATH=.:device-agent:signing .venv/bin/python -m tools.factory_pictures [--into docs/images]
"""

import argparse
import io
from pathlib import Path
from typing import Final

from rich.console import Console

from edge.factory.events import Event, Light, PortEvent, ScanEvent, StationEvent
from edge.factory.labels import render
from edge.factory.labels.label import Label
from edge.factory.view import screen
from edge.factory.view.board import Board

PORTS: Final = tuple(f"1-1.{number}" for number in range(1, 9))
STATION: Final = StationEvent(
    "S1", "hall-2", "gateway", PORTS, "Ada", "PO-4711", 128, 3, 120, 500, 871
)
EVENTS: Final[tuple[Event, ...]] = (
    STATION,
    ScanEvent("PO-4711", True, "the order"),
    PortEvent(PORTS[0], Light.WORKING, "a", "gw-000132", "", "flash", 1, 42),
    PortEvent(
        PORTS[1], Light.GOOD, "b", "gw-000128", "", "register", 1, None, "label it, take the board"
    ),
    PortEvent(
        PORTS[2],
        Light.BAD,
        "c",
        "gw-000129",
        "",
        "verify",
        3,
        None,
        "put the board into the red box",
        "block 4711 differs",
    ),
    PortEvent(
        PORTS[3],
        Light.ASKING,
        "d",
        "gw-000130",
        "",
        "label",
        1,
        None,
        "scan the label of the board",
    ),
    PortEvent(PORTS[4], Light.EMPTY, advice="plug in a board"),
    PortEvent(PORTS[5], Light.WORKING, "e", "gw-000131", "", "identity", 2),
    PortEvent(PORTS[6], Light.WORKING, "f", "gw-000133", "", "verify", 1, 97),
    PortEvent(PORTS[7], Light.EMPTY, advice="plug in a board"),
)
# As rich draws it, but for the fonts that it would fetch.
_FORM: Final = """\
<svg class="rich-terminal" viewBox="0 0 {terminal_width} {terminal_height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: DejaVu Sans Mono, monospace; font-size: {char_height}px;
line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>{lines}</defs>
<rect width="100%" height="100%" fill="#111"/>
<g>{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""
_LABEL: Final = Label("gw-000128", "gateway", "9f86d081884c7d659a2feaa0c55ad015")


def picture(width: int, height: int) -> str:
    """Return the view of a station as SVG."""
    board = Board()
    for event in EVENTS:
        board = board.taken(event)
    console = Console(file=io.StringIO(), record=True, width=width, force_terminal=True)
    for line in screen.lines(board, width, height):
        console.print(line, no_wrap=True, crop=False)
    return console.export_svg(code_format=_FORM, unique_id="view")


def main() -> None:
    """Draw them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--into", type=Path, default=Path("docs/images"))
    into = parser.parse_args().into
    (into / "factory-view.svg").write_text(picture(120, 30))
    (into / "factory-label.png").write_bytes(render.png(_LABEL))


if __name__ == "__main__":
    main()
