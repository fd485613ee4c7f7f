"""One port on the screen: its state by colour, by frame and by word. Pure."""

from dataclasses import dataclass
from typing import Final

from rich.text import Text

from edge.factory.events import Light, PortEvent
from edge.factory.view import writing

LEAST_WIDTH: Final = 14
LEAST_HEIGHT: Final = 4
_CALLING: Final = (Light.ASKING, Light.GOOD, Light.BAD)
_WANTED_ROWS: Final = 4


@dataclass(frozen=True, slots=True)
class Look:
    """How a state looks.

    Attributes:
        words: What it is called, the longest first: the first that fits is shown.
        style: Of frame and word.
        frame: Corners, and the lines between: left top, right top, left bottom, right bottom,
            across, down.
    """

    words: tuple[str, ...]
    style: str
    frame: str


LOOKS: Final = {
    Light.EMPTY: Look(("FREE",), "bright_black", "╭╮╰╯╌╎"),
    Light.WORKING: Look(("BUSY", "RUN"), "#5fd7ff", "╭╮╰╯─│"),
    Light.ASKING: Look(("LOOK", "ACT"), "bold #000000 on #ffd700", "┏┓┗┛╍┇"),
    Light.GOOD: Look(("GOOD", "OK"), "bold #000000 on #00d75f", "┏┓┗┛━┃"),
    Light.BAD: Look(("FAIL", "BAD"), "bold #ffffff on #c00000", "╔╗╚╝═║"),
}


def tile(event: PortEvent, width: int, height: int) -> list[Text]:
    """Return the lines of a tile, each exactly so wide.

    Args:
        event: The newest of the port.
        width: At least `LEAST_WIDTH`.
        height: At least `LEAST_HEIGHT`.
    """
    look, inner = LOOKS[event.light], width - 2
    name_cells = min(writing.cells(event.port) + 2, inner)
    name = writing.fitted(f" {event.port} ", name_cells)
    across, down = look.frame[4], look.frame[5]
    head = f"{look.frame[0]}{name}{across * (inner - name_cells)}{look.frame[1]}"
    lines = [Text(head, look.style)]
    for text in _content(event, look, inner, height - 2):
        lines.append(Text(down, look.style).append_text(text).append(down, look.style))
    return [*lines, Text(f"{look.frame[2]}{across * inner}{look.frame[3]}", look.style)]


def _content(event: PortEvent, look: Look, width: int, height: int) -> list[Text]:
    """Return the lines inside: the word, and what there is room for."""
    ground = look.style if event.light in _CALLING else ""
    texts = _texts(event, width, height)
    word = _word(event, look, width)
    if word and height >= writing.BIG_ROWS + min(len(texts), _WANTED_ROWS):
        top = [Text(line, look.style) for line in writing.big(word, width)]
    else:
        top = [Text(writing.centred(_small(event, look), width), f"{look.style} bold")]
    room = height - len(top)
    kept = sorted(sorted(texts, key=lambda one: one.rank)[:room], key=lambda one: one.place)
    lines = [Text(one.text, f"{ground} {one.style}".strip()) for one in kept]
    return [*top, *lines, *[Text(" " * width, ground)] * (room - len(lines))]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of text: where it stands, and how soon it is left out (the highest first)."""

    place: int
    rank: int
    text: str
    style: str = ""


def _texts(event: PortEvent, width: int, height: int) -> list[_Line]:
    found = []
    if name := event.device or event.serial:
        # Ids differ at their end: that is never left out.
        short = f"…{name[-(width - 1) :]}" if len(name) > width else name
        found.append(_Line(0, 0, writing.fitted(short, width), "bold"))
    if event.step:
        again = f" (try {event.attempt})" if event.attempt > 1 else ""
        found.append(_Line(1, 20, writing.fitted(f"{event.step}{again}", width)))
    if _is_measured(event):
        found.append(_Line(2, 10, writing.bar(event.percent or 0, width)))
    for number, line in enumerate(writing.wrapped(event.advice, width, height)):
        found.append(_Line(10 + number, 1 + number, line, "bold"))
    for number, line in enumerate(writing.wrapped(event.note, width, height)):
        found.append(_Line(100 + number, 100 + number, line, "italic"))
    return found


def _word(event: PortEvent, look: Look, width: int) -> str:
    words = (str(event.percent),) if _is_measured(event) else look.words
    return next((one for one in words if writing.big_width(one) <= width), "")


def _small(event: PortEvent, look: Look) -> str:
    word = look.words[0]
    return f"{word} {event.percent} %" if _is_measured(event) else word


def _is_measured(event: PortEvent) -> bool:
    return event.light is Light.WORKING and event.percent is not None
