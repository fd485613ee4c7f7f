"""Come to U-Boot's prompt from wherever the board is: off, starting, in a transfer, in Linux.

What it refuses, it names: a rate at which text comes in as garbage, a boot loader that starts the
system without asking, a board that says nothing or never stops talking.
"""

import itertools
import re
from dataclasses import dataclass
from typing import Final

from edge.errors import LinkError
from edge.flash.events import Note, Phase
from edge.flash.protocols.console import CTRL_C, ENTER, PROMPT, Console
from edge.flash.protocols.steps import Dialog, Line, Send, SetBaud, Tell, shown
from edge.flash.protocols.uboot import ESCAPE
from edge.flash.protocols.ymodem import CANCEL

RATES: Final = (115200, 1500000, 921600, 57600, 38400, 19200, 9600)

_LOOK_S: Final = 1.0
# U-Boot gives a block up 2 s after the last byte, whatever it was, and only then hears a CAN.
_LOOK_AGAIN_S: Final = 3.0
_LOOKS: Final = 4
_POLL_S: Final = 0.2
_POKE_S: Final = 3.0
_STOP_S: Final = 0.5
_GARBAGE_BYTES: Final = 64
_TEXT_SHARE: Final = 0.7

_BANNER: Final = re.compile(rb"U-Boot (?:SPL |TPL )?20\d\d\.\d\d")
_QUESTION: Final = re.compile(rb"(?i)autoboot")
_STARTED: Final = re.compile(rb"Starting kernel|Linux version \d|Booting Linux on|EFI stub:")
_LOGIN: Final = re.compile(rb"login: ?\Z|[\w.-]+[#$] \Z")


@dataclass(frozen=True, slots=True)
class Attaching:
    """How a board is stopped.

    Attributes:
        prompt: What U-Boot writes when it waits for a command.
        stop: What stops it from starting the system.
        wait_s: How long to wait for a board that has to be switched on.
        baud: The rate of its console.
        try_rates: Try other common rates when what comes in is no text, or nothing comes.
    """

    prompt: str = PROMPT
    stop: str = "\x03"
    wait_s: float = 120.0
    baud: int = 115200
    try_rates: bool = False


@dataclass(frozen=True, slots=True)
class Attached:
    """A console at its prompt, and its rate."""

    console: Console
    baud: int


def is_garbage(data: bytes) -> bool:
    """Whether bytes are enough to tell, and look like text at another rate."""
    if len(data) < _GARBAGE_BYTES:
        return False
    text = sum(byte in b"\t\n\r\x08\x1b" or 0x20 <= byte < 0x7F for byte in data)
    return text < _TEXT_SHARE * len(data)


def look(line: Line, how: Attaching, *, looks: int = _LOOKS - 1) -> Dialog[Console | None]:
    """Return the console if the board is at its prompt, or in a transfer that can be given up."""
    console = Console(line, prompt=how.prompt)
    for number in range(looks):
        yield Send(CANCEL + CTRL_C)
        wait_s = _LOOK_AGAIN_S if number else _LOOK_S
        if (yield from line.match(console.at_prompt, wait_s)):
            yield from line.quiet(_POLL_S, at_most_s=_LOOK_S)
            return console
    return None


def settle(line: Line, how: Attaching, *, switched: bool) -> Dialog[bool]:
    """Leave the board at its prompt after an interrupt; return whether it is there.

    Args:
        line: The line to it.
        how: Its prompt and the rate of its console.
        switched: It may still use another rate than that of its console.
    """
    if switched:
        yield Send(ENTER + CANCEL)
        yield from line.quiet(_POLL_S, at_most_s=_LOOK_S)
        yield SetBaud(how.baud)
        yield Send(ESCAPE)
    return (yield from look(line, how, looks=_LOOKS)) is not None


def attach(line: Line, how: Attaching, *, place: str) -> Dialog[Attached]:
    """Wait for a board that starts, and return its console at the prompt.

    Raises:
        LinkError: There is no prompt; the message says what there is instead.
    """
    watch = _Watch(line, how, place)
    deadline_s = how.wait_s + (yield from line.now_s())
    at_s = deadline_s - how.wait_s
    while at_s < deadline_s:
        at_s = yield from watch.step()
        if watch.found is not None:
            return watch.found
    raise watch.silent()


class _Watch:
    """What a board says from the moment it is switched on."""

    def __init__(self, line: Line, how: Attaching, place: str) -> None:
        self.found: Attached | None = None
        self._line = line
        self._how = how
        self._place = place
        self._baud = how.baud
        # Again and again: a board that was off when its rate came along is met the next time.
        others = [rate for rate in RATES if rate != how.baud]
        self._rates = itertools.cycle([*others, how.baud]) if how.try_rates else None
        self._poked_s = float("-inf")
        self._rate_since_s: float | None = None
        self._in_linux = False

    def step(self) -> Dialog[float]:
        """Listen once and answer; return the time."""
        came, at_s = yield from self._line.more(_POLL_S)
        self._rate_since_s = at_s if self._rate_since_s is None else self._rate_since_s
        said = bytes(self._line.pending)
        console = Console(self._line, prompt=self._how.prompt)
        if console.at_prompt.search(said):
            yield from self._line.quiet(_POLL_S, at_most_s=_LOOK_S)
            self.found = Attached(console, self._baud)
        elif is_garbage(said[-4 * _GARBAGE_BYTES :]):
            yield from self._other_rate(said, at_s)
        elif _BANNER.search(said) and _STARTED.search(said):
            raise self._started(said)
        else:
            yield from self._poke(said, at_s, came=came)
        return at_s

    def _started(self, said: bytes) -> LinkError:
        if _QUESTION.search(said):
            return LinkError(
                f"{self._place}: U-Boot asked, and {self._how.stop!r} did not stop it",
                hint="what stops it is flash.serial.stop in board.yml",
            )
        return LinkError(
            f"{self._place}: U-Boot started the system without asking",
            hint="its autoboot is off: set bootdelay to 2 in its environment (fw_setenv)",
        )

    def silent(self) -> LinkError:
        """Return the error of a board that gave no prompt in time."""
        said = bytes(self._line.pending)
        wait_s = f"{self._how.wait_s:.0f} s"
        if not said:
            return LinkError(
                f"{self._place}: the board said nothing in {wait_s}",
                hint=f"is it on, are RX and TX crossed, is {self._how.baud} its rate?",
            )
        return LinkError(
            f"{self._place}: no prompt {self._how.prompt!r} in {wait_s};"
            f" the last it said: {shown(said)}",
            hint="switch the board off and on; a prompt of its own is named in board.yml",
        )

    def _poke(self, said: bytes, at_s: float, *, came: bool) -> Dialog[None]:
        """Send what stops the board, as often as its state wants it."""
        asked = _QUESTION.search(said) is not None
        # Without a delay U-Boot only looks whether a key was pressed before.
        every_s = _POLL_S if _BANNER.search(said) and not asked else _STOP_S
        if asked or _BANNER.search(said):
            if at_s - self._poked_s >= every_s:
                self._poked_s = at_s
                yield Send(self._how.stop.encode())
        elif not came and at_s - self._poked_s >= _POKE_S:
            self._poked_s = at_s
            yield Send(CANCEL + CTRL_C)
            if not said and self._rates and at_s - (self._rate_since_s or at_s) >= 2 * _POKE_S:
                yield from self._next_rate(at_s)
        if not self._in_linux and _LOGIN.search(said):
            self._in_linux = True
            yield Tell(Note(Phase.CONNECT, "the board runs its system: switch it off and on"))

    def _other_rate(self, said: bytes, at_s: float) -> Dialog[None]:
        if self._rates is None:
            raise LinkError(
                f"{self._place}: what comes in at {self._baud} baud is no text: {shown(said)}",
                hint="the rate is wrong: name the right one, like serial:PORT,1500000",
            )
        yield from self._next_rate(at_s)

    def _next_rate(self, at_s: float) -> Dialog[None]:
        if self._rates is not None:
            self._baud = next(self._rates)
        self._rate_since_s = at_s
        self._poked_s = float("-inf")
        yield Tell(Note(Phase.CONNECT, f"no text at this rate: trying {self._baud} baud"))
        yield SetBaud(self._baud)
        self._line.pending.clear()
