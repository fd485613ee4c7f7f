"""Parts of the agent that need no device: a clock, a link, a source, a probe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edge_agent.health import Terms
from edge_agent.hooks import Moment
from edge_agent.link import RepositoryFiles
from edge_agent.parts import Checked, Known, Options
from edge_agent.record import Action
from edge_signing.errors import TrustError
from edge_signing.messages import Desired, EventId, ReportEvent, Status
from edge_signing.release import Content, Release

NOW_S = 1_793_491_200
OPTIONS = Options(poll_s=60, health=Terms(stable_s=2, timeout_s=5), flush_bytes=4096)


@dataclass
class FakeClock:
    """A clock that goes on when somebody waits."""

    at_s: float = 0
    wrong_s: int = 0

    def now_s(self) -> int:
        return NOW_S + int(self.at_s) + self.wrong_s

    def monotonic_s(self) -> float:
        return self.at_s

    def jitter(self) -> float:
        return 0.5

    def pause(self, seconds: float) -> bool:
        self.at_s += max(seconds, 0.01)
        return False


@dataclass
class FakeLink:
    """A server with one order, that hears events; `lost` makes each call fail."""

    clock: FakeClock
    order: Desired | None = None
    hear: Callable[[ReportEvent], None] = lambda _event: None
    states: list[Status] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    lost: Exception | None = None

    def desired(self) -> Desired | None:
        self._fail()
        return self.order

    def wait(self, timeout_s: float) -> bool:
        self.waits_s.append(timeout_s)
        return self.clock.pause(timeout_s)

    def wake(self) -> None:
        pass

    def send_state(self, status: Status) -> None:
        self._fail()
        self.states.append(status)

    def send_events(self, events: Sequence[ReportEvent]) -> Sequence[EventId]:
        self._fail()
        for event in events:
            self.hear(event)
        return [event.id for event in events]

    def repository(self, url: str) -> RepositoryFiles:
        raise NotImplementedError(url)

    def close(self) -> None:
        pass

    def _fail(self) -> None:
        if self.lost is not None:
            raise self.lost


@dataclass
class FakeBlobs:
    """Tables and blobs by their digests."""

    blobs: Mapping[bytes, bytes]
    fail: Callable[[], None] = lambda: None

    def fetch(self, content: Content, offset_bytes: int, length_bytes: int) -> bytes:
        self.fail()
        return self.blobs[content.sha256][offset_bytes : offset_bytes + length_bytes]


@dataclass
class FakeSource:
    """Gives one release, or fails."""

    checked: Checked
    content: FakeBlobs
    fail: Exception | None = None
    distrusts: bool = False
    known: list[Known] = field(default_factory=list)

    def check(self, action: Action, known: Known) -> Checked:
        assert action.id
        self.known.append(known)
        if self.fail is not None:
            raise self.fail
        return self.checked

    def blobs(self, action: Action) -> FakeBlobs:
        assert action.id
        return self.content

    def vouched(self, documents: bytes, known: Known) -> Release:
        self.known.append(known)
        if self.distrusts:
            raise TrustError("not signed")
        return Release.unpack(documents)

    def close(self) -> None:
        pass


@dataclass
class FakeProbe:
    """Services that are ready or not."""

    ready: bool = True
    ended: int = 0
    said: str | None = ""
    withdrawn: int = 0

    def is_ready(self) -> bool:
        return self.ready

    def restarts(self) -> int:
        return self.ended

    def complaint(self) -> str | None:
        return self.said

    def withdraw(self) -> None:
        self.withdrawn += 1


@dataclass
class FakeHooks:
    """Programs that say one thing after the other, and then agree."""

    said: list[str | None] = field(default_factory=list)
    asked: list[Moment] = field(default_factory=list)

    def complaint(self, moment: Moment) -> str | None:
        self.asked.append(moment)
        return self.said.pop(0) if self.said else ""

    def end(self) -> None:
        pass


@dataclass
class FakeBoard:
    """Shows a status to nobody."""

    shown: list[Status] = field(default_factory=list)

    def show(self, status: Status) -> None:
        self.shown.append(status)
