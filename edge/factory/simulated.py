"""Boards that are not there: ports, an operator who changes boards, and steps that go as foreseen.

For tests, for the demo and to measure the line; the same seed gives the same boards. Everything but
the boards, the keys and the image is the real line.
"""

import hashlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from edge.errors import EdgeError, LinkError
from edge.factory.events import Event, Light, PortEvent
from edge.factory.line import Line
from edge.factory.ports import Seen
from edge.factory.step_names import ORDER
from edge.factory.steps.recording import DetectStep, RegisterStep
from edge.factory.steps.step import Job, Step

PULLED: Final = "pulled"
SWAPPED: Final = "swapped"
HANGS: Final = "hangs"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a board.

    Attributes:
        step: At which step.
        kind: Empty for a plain failure, or one of `pulled`, `swapped`, `hangs`.
        times: How often.
    """

    step: str
    kind: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True)
class SimulatedBoard:
    """A board.

    Attributes:
        serial: What it says of itself, may be empty.
        faults: What goes wrong with it.
        plugs: How often it is plugged in again, as long as it is not good.
        slow_s: How long each of its steps takes.
    """

    serial: str
    faults: tuple[Fault, ...] = ()
    plugs: int = 0
    slow_s: float = 0.0


@dataclass(slots=True)
class _Socket:
    board: SimulatedBoard | None = None
    session: int = 0


class Bench:
    """The ports with their boards, and the operator, who plugs in the next one from the tray.

    Args:
        names: Of the ports.
        boards: The tray.
        look_on: Gets each event as well.
        is_quick: Whether the operator changes boards as soon as a port is done.
    """

    def __init__(
        self,
        names: Iterable[str],
        boards: Iterable[SimulatedBoard],
        look_on: Callable[[Event], None] = lambda _event: None,
        *,
        is_quick: bool = True,
    ) -> None:
        self._sockets = {name: _Socket() for name in names}
        self._tray = deque(boards)
        self._lock = threading.RLock()
        self._look_on = look_on
        self._is_quick = is_quick
        self._left: dict[tuple[str, str, str], int] = {}
        self._plugs: dict[str, int] = {}
        self.stop: Callable[[], None] = lambda: None

    @property
    def names(self) -> tuple[str, ...]:
        """See `Ports`."""
        return tuple(self._sockets)

    def look(self, busy: frozenset[str] = frozenset()) -> Mapping[str, Seen]:
        """See `Ports`."""
        del busy
        with self._lock:
            return {
                name: Seen(one.board.serial, "simulated board", one.session)
                for name, one in self._sockets.items()
                if one.board is not None
            }

    def at(self, port: str) -> Seen | None:
        """See `Ports`."""
        return self.look().get(port)

    def is_watched(self, port: str) -> bool:
        """See `Ports`."""
        return port in self._sockets

    def is_endless(self, port: str) -> bool:
        """See `Ports`."""
        del port
        return False

    def next(self, port: str) -> None:
        """See `Ports`."""
        self._sockets[port].session += 1

    def plug(self, port: str, board: SimulatedBoard | None) -> None:
        """Put a board into a port, or nothing."""
        with self._lock:
            socket = self._sockets[port]
            socket.board = board
            socket.session += 1

    def lay(self, boards: Iterable[SimulatedBoard]) -> None:
        """Put boards into the tray."""
        with self._lock:
            self._tray.extend(boards)

    def board_at(self, port: str) -> SimulatedBoard | None:
        """Return what is plugged in at a port."""
        with self._lock:
            return self._sockets[port].board

    def listen(self, event: Event) -> None:
        """Do what an operator does; a listener for the station."""
        self._look_on(event)
        if isinstance(event, PortEvent) and self._is_quick:
            self.act(event)

    def act(self, event: PortEvent) -> None:
        """Change the board of a port that is done."""
        with self._lock:
            if event.light is Light.EMPTY:
                if self._sockets[event.port].board is None:
                    self._plug_next(event.port)
            elif event.light in (Light.GOOD, Light.BAD):
                self._take_out(event)
            if self.is_empty:
                self.stop()

    @property
    def is_empty(self) -> bool:
        """Whether tray and ports are."""
        with self._lock:
            return not self._tray and all(one.board is None for one in self._sockets.values())

    def _plug_next(self, port: str) -> None:
        if self._tray:
            self.plug(port, self._tray.popleft())

    def _take_out(self, event: PortEvent) -> None:
        board = self._sockets[event.port].board
        if board is None:
            self._plug_next(event.port)
        if board is None or board.serial not in ("", event.serial):  # swapped already
            return
        used = self._plugs.get(board.serial, 0)
        if event.light is Light.BAD and used < board.plugs:
            self._plugs[board.serial] = used + 1
            self._tray.append(board)
        if self._tray:  # the next one in one grip
            self._plug_next(event.port)
        else:
            self.plug(event.port, None)

    def strike(self, job: Job, step: str) -> None:
        """Let happen what is foreseen for the board at a port in a step.

        Raises:
            EdgeError: What was foreseen.
        """
        board = self.board_at(job.port)
        if board is None or board.serial not in ("", job.seen.serial):
            raise LinkError(f"{job.port}: the board does not answer")
        if board.slow_s:
            self._take_time(job, board.slow_s)
        for fault in board.faults:
            if fault.step == step and self._is_due(board, fault):
                self._happen(job, fault)

    def _is_due(self, board: SimulatedBoard, fault: Fault) -> bool:
        with self._lock:
            key = (board.serial, fault.step, fault.kind)
            left = self._left.setdefault(key, fault.times)
            self._left[key] = max(left - 1, 0)
            return left > 0

    def _happen(self, job: Job, fault: Fault) -> None:
        match fault.kind:
            case "pulled":
                board = self.board_at(job.port)
                self.plug(job.port, None)
                if board is not None and board.plugs:
                    with self._lock:
                        self._tray.append(board)
                raise LinkError(f"{job.port}: the board does not answer")
            case "swapped":
                board = self.board_at(job.port)
                with self._lock:
                    other = self._tray.popleft() if self._tray else None
                    if board is not None and board.plugs:
                        self._tray.append(board)
                self.plug(job.port, other)
                raise LinkError(f"{job.port}: the board does not answer")
            case "hangs":
                while not job.stop.wait(0.02):
                    pass
                job.tell()
            case _:
                raise EdgeError(f"{fault.step}: as foreseen")

    def _take_time(self, job: Job, seconds: float) -> None:
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0:
            job.tell(max(0, min(99, round(100 * (1 - left_s / seconds)))))
            time.sleep(min(left_s, 0.05))


@dataclass(frozen=True, slots=True)
class SimulatedStep:
    """A step that goes as foreseen.

    Attributes:
        name: Its name.
        bench: Where the boards are.
        found: Returns what it finds.
    """

    name: str
    bench: Bench
    found: Callable[[Job], Mapping[str, Any]] = lambda _job: {}

    def run(self, job: Job) -> Mapping[str, Any]:
        """See `Step`."""
        self.bench.strike(job, self.name)
        return self.found(job)


@dataclass(frozen=True, slots=True)
class StruckStep:
    """A real step, after what is foreseen for the board."""

    name: str
    bench: Bench
    real: Step

    def run(self, job: Job) -> Mapping[str, Any]:
        """See `Step`."""
        self.bench.strike(job, self.name)
        return self.real.run(job)


def identity(job: Job) -> Mapping[str, Any]:
    """Return an identity that looks like one; its key is another one for each run."""
    key = hashlib.sha256(f"key of {job.unit}".encode()).hexdigest()
    return {
        "key": key,
        "certificate": f"simulated certificate of {job.device}\n",
        "certificate_serial": key[:32],
        "proved": "simulated",
    }


def flashed(_job: Job) -> Mapping[str, Any]:
    """Return what a board with the whole image says."""
    image = hashlib.sha256(b"simulated image").hexdigest()
    size = 64 << 20
    return {
        "release": "1.0.0",
        "image": image,
        "signed": "",
        "mapped_bytes": size,
        "written_bytes": size,
        "skipped_bytes": 0,
        "verified_bytes": size,
    }


def steps(line: Line, bench: Bench, retired: Callable[[str], tuple[str, ...]]) -> dict[str, Step]:
    """Return all steps of a line: simulated, but for what is decided by the line alone."""
    found: Mapping[str, Callable[[Job], Mapping[str, Any]]] = {
        "identity": identity,
        "flash": flashed,
        "customise": lambda _job: {"files": []},
        "verify": lambda job: {"verified_bytes": job.facts["flash"]["verified_bytes"]},
        "label": lambda _job: {"printer": "simulated"},
    }
    real: Mapping[str, Step] = {
        "detect": DetectStep(bench),
        "register": RegisterStep(line, retired),
    }
    made: dict[str, Step] = {}
    for one in line.steps:
        name = one.step
        if name in real:
            made[name] = StruckStep(name, bench, real[name])
        else:
            of = found.get(name, lambda _job: {"results": {"volts": "3.3"}})
            made[name] = SimulatedStep(name, bench, of)
    return made


@dataclass(frozen=True, slots=True)
class Lot:
    """A tray of boards.

    Attributes:
        seed: The same one gives the same boards.
        count: How many.
        percent: How many of a hundred have a fault.
        slow_s: How long a step takes at most.
    """

    seed: int
    count: int
    percent: int = 20
    slow_s: float = 0.0
    kinds: tuple[str, ...] = field(default=("", "", "", PULLED, SWAPPED))

    def boards(self) -> list[SimulatedBoard]:
        """Return the boards, in their order."""
        chance = random.Random(self.seed)  # noqa: S311  # boards, not keys
        return [self._board(chance, number) for number in range(1, self.count + 1)]

    def _board(self, chance: random.Random, number: int) -> SimulatedBoard:
        serial = f"SIM{self.seed:02d}{number:06d}"
        slow_s = self.slow_s * (0.5 + chance.random() / 2)
        if chance.randrange(100) >= self.percent:
            return SimulatedBoard(serial, slow_s=slow_s)
        fault = Fault(chance.choice(ORDER), chance.choice(self.kinds))
        return SimulatedBoard(serial, (fault,), plugs=chance.randrange(1, 4), slow_s=slow_s)
