"""The whole screen of a station: a grid of tiles, and what is said of the station. Pure."""

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from edge.factory.events import Light, PortEvent, ScanEvent, StationEvent
from edge.factory.view import tile, writing
from edge.factory.view.board import Board

_HEAD_ROWS: Final = 1
_FOOT_ROWS: Final = 2
# A tile of this size shows all that it has to say in large letters.
_GOOD_WIDTH: Final = 26
_GOOD_HEIGHT: Final = 10
_BAR: Final = "reverse"


def lines(board: Board, width: int, height: int) -> list[Text]:
    """Return the lines of a screen: exactly `height`, each exactly `width` cells.

    Where there is no room for the tiles of all ports, the lines say how they stand, those first
    that want somebody.
    """
    rows = max(height - _HEAD_ROWS - _FOOT_ROWS, 0)
    shown = [_head(board, width), *_tiles(tuple(board.ports.values()), width, rows)]
    shown += [Text(" " * width)] * (_HEAD_ROWS + rows - len(shown))
    return [*shown[: _HEAD_ROWS + rows], *_foot(board, width)][:height]


def columns(count: int, width: int, height: int) -> int:
    """Return how many tiles stand beside each other, so that they are as large as can be."""

    def room(beside: int) -> float:
        above = -(-count // beside)
        wide, high = width // beside, height // above
        return min(wide / _GOOD_WIDTH, 1.5) * min(high / _GOOD_HEIGHT, 1.5)

    return max(range(1, count + 1), key=lambda beside: (room(beside), -beside))


def _tiles(ports: Sequence[PortEvent], width: int, height: int) -> list[Text]:
    if not ports:
        return []
    beside = columns(len(ports), width, height)
    above = -(-len(ports) // beside)
    if width // beside < tile.LEAST_WIDTH or height // above < tile.LEAST_HEIGHT:
        return _list(ports, width, height)
    shown = []
    for row in range(above):
        high = _share(height, above, row)
        here = ports[row * beside : (row + 1) * beside]
        drawn = [
            tile.tile(event, _share(width, beside, column), high)
            for column, event in enumerate(here)
        ]
        for number in range(high):
            line = Text().join(one[number] for one in drawn)
            line.append(" " * (width - line.cell_len))
            shown.append(line)
    return shown


def _list(ports: Sequence[PortEvent], width: int, height: int) -> list[Text]:
    urgent = sorted(ports, key=lambda one: -_URGENCY[one.light])
    shown = []
    for event in urgent[:height]:
        look = tile.LOOKS[event.light]
        said = f"{event.device} {event.step} {event.advice or event.note}".strip()
        text = f"{event.port} {look.words[0]} {said}"
        shown.append(Text(writing.fitted(text, width), look.style))
    return shown


_URGENCY: Final = {
    Light.ASKING: 4,
    Light.BAD: 3,
    Light.GOOD: 2,
    Light.WORKING: 1,
    Light.EMPTY: 0,
}


def _share(whole: int, count: int, number: int) -> int:
    """Return how much of a length a part gets; all parts together are all of it."""
    return whole * (number + 1) // count - whole * number // count


def _head(board: Board, width: int) -> Text:
    station = board.station
    if station is None:
        return Text(writing.fitted(" starting", width), _BAR)
    left = f" {station.station}  {station.line}: {station.product}"
    who = f"operator {station.operator} " if station.operator else ""
    order = f"order {station.order}  " if station.order else ""
    right = f"{order}{who}"
    room = max(width - writing.cells(right), 0)
    return Text(writing.fitted(writing.fitted(left, room) + right, width), _BAR)


def _foot(board: Board, width: int) -> list[Text]:
    station = board.station
    counts = Text(writing.fitted(_counts(station) if station else "", width), _BAR)
    return [_said(board.scan, station, width), counts]


def _counts(station: StationEvent) -> str:
    all_ = station.good + station.failed
    goal = f" of {station.wanted}" if station.wanted is not None else ""
    parts = [f" good {station.good}{goal}", f"failed {station.failed}"]
    if all_:
        parts.append(f"yield {100 * station.good // all_} %")
        parts.append(f"at once {100 * station.first_pass // all_} %")
    return "   ".join([*parts, f"ids left {station.left}"])


def _said(scan: ScanEvent | None, station: StationEvent | None, width: int) -> Text:
    """Return what was scanned last, or what is to be known of the station."""
    if station is not None and station.note:
        return Text(writing.fitted(f" ! {station.note}", width), "bold #000000 on #ffd700")
    if scan is None:
        return Text(" " * width)
    mark, style = ("ok", "bold") if scan.accepted else ("NOT TAKEN", "bold #ffffff on #c00000")
    return Text(writing.fitted(f" scanned {scan.text}: {mark} {scan.note}", width), style)
