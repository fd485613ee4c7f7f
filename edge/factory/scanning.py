"""What the scanner or the keyboard of a station may say: one line each."""

from dataclasses import dataclass
from typing import Final

from edge.errors import InputError
from edge.factory.engine import Answer
from edge.factory.labels.label import PREFIX

_ANSWERS: Final = {one.value: one for one in Answer}
_MOST: Final = 200
WORDS: Final = "order NUMBER, operator NAME, retry, skip or fail [PORT], next [PORT]"


@dataclass(frozen=True, slots=True)
class Order:
    """What follows belongs to this order."""

    text: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody else stands here."""

    name: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What to do with the step that failed, at a port or at the one that asks."""

    answer: Answer
    port: str


@dataclass(frozen=True, slots=True)
class Next:
    """The board was changed, at a port or at the one where that can not be seen."""

    port: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """The code of the label on a device, at a port or at that which it is of."""

    code: str
    port: str


@dataclass(frozen=True, slots=True)
class Text:
    """An id or a serial number, for the board that waits for one."""

    text: str


Scan = Order | Operator | Answered | Next | Stuck | Text


def parse(line: str) -> Scan:
    """Return what a line means.

    Raises:
        InputError: It means nothing.
    """
    text = line.strip()
    if len(text) > _MOST or not text.isprintable():
        raise InputError(f"{text[:40]!r} is nothing that a scanner reads here", hint=WORDS)
    word, _space, rest = text.partition(" ")
    rest = rest.strip()
    match word.lower().rstrip(":"):
        case _ if word.startswith(PREFIX):
            return Stuck(word, rest)
        case "order" if rest:
            return Order(rest)
        case "operator" if rest:
            return Operator(rest)
        case "next" | "":
            return Next(rest)
        case answer if answer in _ANSWERS:
            return Answered(_ANSWERS[answer], rest)
        case _:
            return Text(text)
