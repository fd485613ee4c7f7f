"""An executor whose work, clock and channel a test looks into."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent.errors import StoreError
from edge_agent.reach.executor import Executor
from edge_agent.reach.notes import Notes
from edge_agent.reach.policy import Policy
from edge_signing.commands import Command, Reply, Word, unpack_content
from tests.fakes.agent_parts import NOW_S, FakeClock

ALL = Policy(frozenset({"logs", "inventory", "restart", "reboot"}))


class PowerCutError(BaseException):  # no error, and nobody may catch it
    """The device is off."""


@dataclass
class MemoryFiles:
    """Files that may take nothing."""

    files: dict[str, bytes] = field(default_factory=dict)
    is_full: bool = False

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def write_atomic(self, name: str, data: bytes) -> None:
        if self.is_full:
            raise StoreError(f"{name}: No space left on device")
        self.files[name] = data

    def remove(self, name: str) -> None:
        self.files.pop(name, None)

    def names(self) -> list[str]:
        return sorted(self.files)


@dataclass
class FakeWork:
    """Notes what was done; `fails` is raised then."""

    done: list[str] = field(default_factory=list)
    fails: BaseException | None = None
    said: bytes = b"web 1 hello\n"

    def logs(self, service: str, lines: int) -> bytes:
        return self._do(f"logs {service} {lines}")

    def inventory(self) -> bytes:
        return self._do("inventory")

    def restart(self, service: str) -> None:
        self._do(f"restart {service}")

    def reboot(self) -> None:
        self._do("reboot")

    def _do(self, what: str) -> bytes:
        self.done.append(what)
        if self.fails is not None:
            raise self.fails
        return self.said


@dataclass
class FakeChannel:
    """A server that hears answers; each of `breaks` is raised once before."""

    heard: list[Reply] = field(default_factory=list)
    open: list[Command] = field(default_factory=list)
    breaks: list[Exception] = field(default_factory=list)
    is_closed: bool = False

    def commands(self) -> Sequence[Command]:
        self._fail()
        return self.open

    def send_reply(self, reply: Reply) -> None:
        self._fail()
        self.heard.append(reply)

    def close(self) -> None:
        self.is_closed = True

    def _fail(self) -> None:
        if self.breaks:
            raise self.breaks.pop(0)


class FakeEnd(threading.Event):
    """Waits by the clock of the test."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.pause(timeout or 0)
        return self.is_set()


@dataclass
class Bench:
    """A device that is asked."""

    files: MemoryFiles = field(default_factory=MemoryFiles)
    work: FakeWork = field(default_factory=FakeWork)
    channel: FakeChannel = field(default_factory=FakeChannel)
    clock: FakeClock = field(default_factory=FakeClock)
    boots: int = 0
    executor: Executor = field(init=False)

    def start(self, policy: Policy = ALL) -> Executor:
        """Start the system."""
        self.boots += 1
        return self.start_agent(policy)

    def start_agent(self, policy: Policy = ALL) -> Executor:
        """Start the agent, in the start of the system that is under way."""
        notes = Notes(self.files, f"boot-{self.boots}")
        end = FakeEnd(self.clock)
        self.executor = Executor(policy, self.work, notes, self.channel, self.clock, ended=end)
        self.executor.tell_open()
        return self.executor

    def ask(self, *commands: Command) -> list[tuple[str, str]]:
        """Ask, let all be done, and return how each ended."""
        for one in commands:
            self.executor.take(one)
        while self.executor.step():
            pass
        return self.ends()

    def ends(self) -> list[tuple[str, str]]:
        return [(one.command, one.state) for one in self.channel.heard if one.is_last]

    def content(self) -> bytes:
        return unpack_content(b"".join(one.content for one in self.channel.heard))


def command(id_: str, word: Word = "logs", *, in_s: int = 900) -> Command:
    service = "web" if word in ("logs", "restart") else ""
    return Command(id_, word, NOW_S + in_s, in_s, service, 10 if word == "logs" else 0)
