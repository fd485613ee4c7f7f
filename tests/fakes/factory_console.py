"""A device at the factory: the agent's own code, behind a console that damages what is said."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edge.flash.events import Event
from edge.flash.protocols.steps import Dialog, Result
from edge.flash.transports import driver
from edge_agent.factory.answers import answering
from edge_agent.factory.conversation import Conversation, Incoming

# Gets the number of a line, counted from 0, and the line; returns what arrives.
Damage = Callable[[int, bytes], bytes]


def _nothing(_number: int, line: bytes) -> bytes:
    return line


def _unheard(event: Event) -> None:
    raise AssertionError(event)


@dataclass
class FactoryConsole:
    """A device with its folder, and the time of the test.

    Attributes:
        data: The folder of the agent.
        coming: Damages what comes to the device.
        going: Damages what the device says.
        restarts_at: Before these lines the program on the device is started anew.
        heard: What was sent to it.
        heard_at_s: When.
        later: What the board says by itself, and when.
    """

    data: Path
    coming: Damage = _nothing
    going: Damage = _nothing
    restarts_at: tuple[int, ...] = ()
    heard: list[bytes] = field(default_factory=list)
    heard_at_s: list[float] = field(default_factory=list)
    later: list[tuple[float, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now_s = 0.0
        self._said = bytearray()
        self._count = 0
        self._start()

    def run(self, dialog: Dialog[Result]) -> Result:
        """Run a dialog to its end."""
        return driver.run(dialog, self, clock_s=lambda: self.now_s, listener=_unheard)

    # --- the port

    def write(self, data: bytes) -> None:
        """Take a line."""
        self._take(data)

    def read(self, timeout_s: float) -> bytes:
        """Return some of what was said; else the time goes by."""
        end_s = self.now_s + timeout_s
        if not self._said and self.later and self.later[0][0] <= end_s:
            at_s, said = self.later.pop(0)
            self.now_s = max(at_s, self.now_s)
            self._said += said
        data, self._said = bytes(self._said[:50]), self._said[50:]
        self.now_s += 0.001 if data else timeout_s
        return data

    def set_baud(self, baud: int) -> None:
        """There is one rate."""
        raise AssertionError(baud)

    def fileno(self) -> int:
        """There is none."""
        raise OSError

    def close(self) -> None:
        """It may be opened again."""

    def _start(self) -> None:
        self._incoming = Incoming()
        self._conversation = Conversation(answering(self.data))

    def _take(self, sent: bytes) -> None:
        number = len(self.heard)
        self.heard.append(sent)
        self.heard_at_s.append(self.now_s)
        if number in self.restarts_at:
            self._start()
        come = self.coming(number, sent)
        self._said += come.replace(b"\n", b"\r\n")  # the echo of the line discipline
        for line in self._incoming.take(come):
            for answer in self._conversation.take(line):
                self._said += self.going(self._count, f"{answer}\r\n".encode())
                self._count += 1
