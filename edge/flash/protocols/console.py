"""The command line of U-Boot: type, see the echo, press Enter, read the status.

A command is typed without Enter first. Only when its echo came back letter by letter is Enter
pressed, so a damaged line can never write to a wrong place. The status comes from an `echo` behind
the command with a number that is used once, so what an older command printed is never taken for it.
"""

import re
from dataclasses import dataclass
from typing import Final

from edge.errors import EdgeError, LinkError
from edge.flash.protocols.steps import Dialog, Line, Send, shown

CTRL_C: Final = b"\x03"
ENTER: Final = b"\r"
PROMPT: Final = "=> "
LINE_BYTES: Final = 240  # CONFIG_SYS_CBSIZE is 256 on small boards
ECHO_S: Final = 3.0
COMMAND_S: Final = 20.0
PROMPT_S: Final = 2.0
TRIES: Final = 3
TURNS: Final = 5
BITS_PER_BYTE: Final = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended and what it printed."""

    status: int
    text: str


class Console:
    """U-Boot at its prompt.

    Args:
        line: The line to it.
        prompt: Its prompt, as it is configured.
    """

    def __init__(self, line: Line, *, prompt: str = PROMPT) -> None:
        self.line = line
        self._prompt = re.escape(prompt.encode())
        self._count = 0

    @property
    def at_prompt(self) -> re.Pattern[bytes]:
        """What the text ends with when it waits for a command."""
        # At the start of a line: `crc32` prints "==> ".
        return re.compile(rb"(?:^|[\r\n])" + self._prompt + rb"\Z")

    def interrupt(self, *, timeout_s: float = PROMPT_S) -> Dialog[bool]:
        """Give up the line that is typed, or the command that runs; return whether it worked."""
        self.line.pending.clear()
        yield Send(CTRL_C)
        found = yield from self.line.match(self.at_prompt, timeout_s)
        return found is not None

    def command(self, text: str, *, timeout_s: float = COMMAND_S) -> Dialog[Answer]:
        """Run a command and return how it ended.

        Raises:
            LinkError: The line is damaged, or the command does not end in time.
        """
        yield from self.start(text)
        return (yield from self.finish(text, timeout_s=timeout_s))

    def run(self, text: str, *, timeout_s: float = COMMAND_S) -> Dialog[str]:
        """Run a command that must succeed and return what it printed.

        Raises:
            EdgeError: It did not succeed.
            LinkError: As `command`.
        """
        answer = yield from self.command(text, timeout_s=timeout_s)
        if answer.status:
            said = shown(answer.text.strip().encode())
            raise EdgeError(f"U-Boot: `{text}` ended with status {answer.status}, and said {said}")
        return answer.text

    def turnaround_s(self, baud: int) -> Dialog[float]:
        """Return how long the line takes to turn round, adapters included: the median of some.

        Args:
            baud: The rate of the console.

        Raises:
            LinkError: There is no echo.
        """
        times_s = []
        for _letter in range(TURNS):
            begin_s = yield from self.line.now_s()
            self.line.pending.clear()
            yield Send(b" ")
            if (yield from self.line.byte(ECHO_S)) is None:
                raise LinkError("U-Boot: no echo of what is typed")
            end_s = yield from self.line.now_s()
            times_s.append(end_s - begin_s - 2 * BITS_PER_BYTE / baud)
        yield from self.interrupt()
        return max(sorted(times_s)[TURNS // 2], 0.0)

    def start(self, text: str) -> Dialog[None]:
        """Type a command until it is echoed right, and press Enter.

        Raises:
            LinkError: The echo is wrong each time.
        """
        self._count += 1
        typed = f"{text}; echo E{self._count}=$?".encode()
        if len(typed) > LINE_BYTES:
            raise EdgeError(f"U-Boot: a command of {len(typed)} bytes is too long: {text}")
        heard = ""
        for attempt in range(TRIES):
            self.line.pending.clear()
            if (yield from self._type(typed, slowly=attempt > 0)):
                yield Send(ENTER)
                return
            heard = self.line.tail()
            yield from self.interrupt()
        raise LinkError(
            f"U-Boot: the echo of `{text}` came back damaged {TRIES} times, at last {heard}",
            hint="is another program using the port, or is the cable bad?",
        )

    def finish(self, text: str, *, timeout_s: float) -> Dialog[Answer]:
        """Wait for the end of the command that was started last.

        Raises:
            LinkError: It does not come in time.
        """
        end = re.compile(rb"E%d=(\d+)\s*[\r\n]%s" % (self._count, self._prompt))
        # The text ahead of the match is needed, so the line is looked at here.
        found = yield from self.line.match(re.compile(rb"(?s)\A(.*?)" + end.pattern), timeout_s)
        if found is None:
            raise LinkError(
                f"U-Boot: `{text}` did not end in {timeout_s:.0f} s; the last it said:"
                f" {self.line.tail()}",
                hint="the same command goes on where it stopped",
            )
        printed = found[1].decode("ascii", "replace").replace("\r", "")
        return Answer(int(found[2]), printed)

    def _type(self, typed: bytes, *, slowly: bool) -> Dialog[bool]:
        if not slowly:
            yield Send(typed)
            return (yield from self.line.match(re.compile(re.escape(typed)), ECHO_S)) is not None
        for letter in typed:
            yield Send(bytes([letter]))
            if (yield from self.line.byte(ECHO_S)) != letter:
                return False
        return True
