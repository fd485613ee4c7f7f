"""A device at the factory: the agent's own code, behind a console that damages what is said."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from edge.flash.protocols.steps import Heard, Receive, Send, Step
from edge_agent.factory import conversation
from edge_agent.factory.conversation import Conversation

Result = TypeVar("Result")
# Gets the number of a line, counted from 0, and the line; returns what arrives.
Damage = Callable[[int, bytes], bytes]


def _nothing(_number: int, line: bytes) -> bytes:
    return line


@dataclass
class FactoryConsole:
    """A device with its folder, and the time of the test.

    Attributes:
        data: The folder of the agent.
        coming: Damages what comes to the device.
        going: Damages what the device says.
        restarts_at: Before these lines the program on the device is started anew.
    """

    data: Path
    coming: Damage = _nothing
    going: Damage = _nothing
    restarts_at: tuple[int, ...] = ()
    heard: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now_s = 0.0
        self._said = bytearray()
        self._count = 0
        self._start()

    def run(self, dialog: Generator[Step, Heard, Result]) -> Result:
        """Run a dialog to its end."""
        heard = Heard(b"", self.now_s)
        step = next(dialog)
        while True:
            data = b""
            match step:
                case Send(line):
                    self._take(line)
                case Receive(timeout_s):
                    data, self._said = bytes(self._said[:50]), self._said[50:]
                    self.now_s += 0.001 if data else timeout_s
                case _:
                    raise AssertionError(step)
            heard = Heard(data, self.now_s)
            try:
                step = dialog.send(heard)
            except StopIteration as ended:
                return ended.value  # type: ignore[no-any-return]

    def _start(self) -> None:
        self._conversation = Conversation(conversation.answering(self.data))

    def _take(self, sent: bytes) -> None:
        number = len(self.heard)
        self.heard.append(sent)
        if number in self.restarts_at:
            self._start()
        come = self.coming(number, sent)
        self._said += come.replace(b"\n", b"\r\n")  # the echo of the line discipline
        for line in come.decode("ascii", "replace").splitlines():
            for answer in self._conversation.take(line):
                self._said += self.going(self._count, f"{answer}\r\n".encode())
                self._count += 1
