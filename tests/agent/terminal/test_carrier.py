"""The agent's part of a terminal: what it refuses, and that a console can not exhaust it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from edge_agent.link import LinkError
from edge_agent.terminal.carrier import NOT_ALLOWED, REFUSED_MOST, Carrier, Here
from edge_agent.terminal.opening import Peer, PeerError
from edge_signing.terminal.parcels import Kind, Parcel
from tests.agent.links.conftest import eventually
from tests.fakes.support import Ends


@dataclass
class FakeWay:
    """A way that hears what is said; held back until `free`."""

    free: threading.Event = field(default_factory=threading.Event)
    said: list[Parcel] = field(default_factory=list)
    is_closed: bool = False
    is_hung_up: bool = False

    def next(self, session: str, after: int) -> Sequence[Parcel] | None:
        del session, after
        return None

    def send(self, said: Sequence[Parcel]) -> None:
        if not self.free.wait(10):
            raise LinkError("held back")
        self.said += said

    def hang_up(self) -> None:
        self.is_hung_up = True

    def close(self) -> None:
        self.is_closed = True

    @property
    def is_done(self) -> bool:
        return self.is_closed and self.is_hung_up


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends.make(tmp_path_factory.mktemp("carrier"))


def nobody() -> Peer:
    raise PeerError("terminal: this system has no service `support` that answers")


def carrier(ends: Ends, *, is_allowed: bool = True, objection: str = "") -> Carrier:
    terms = ends.support.terms() if is_allowed else None
    return Carrier(Here(terms, ends.identity, nobody, lambda: 0, lambda: objection))


def first(number: int = 1) -> Parcel:
    return Parcel(f"{number:032x}", 0, Kind.OPEN, b"grant")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        pytest.param({"is_allowed": False}, NOT_ALLOWED, id="not allowed"),
        pytest.param({"objection": "about to restart"}, "about to restart", id="not now"),
        pytest.param({}, "no service", id="no service"),
    ],
)
def test_who_asks_hears_why_there_is_none(
    ends: Ends, settings: dict[str, object], why: str
) -> None:
    way = FakeWay()
    way.free.set()

    carrier(ends, **settings).open(first(), way)  # type: ignore[arg-type]

    assert eventually(lambda: way.is_done)
    assert [(one.kind, one.n) for one in way.said] == [(Kind.REFUSED, 0)]
    assert why in way.said[0].text


def test_a_session_that_is_asked_for_again_is_the_same(ends: Ends) -> None:
    one, ways = carrier(ends), [FakeWay(), FakeWay()]
    for way in ways:
        one.open(first(), way)

    assert ways[1].is_done
    ways[0].free.set()
    assert eventually(lambda: ways[0].is_done)
    assert (len(ways[0].said), ways[1].said) == (1, [])


def test_a_console_that_asks_for_many_is_not_answered_for_ever(ends: Ends) -> None:
    one, ways = carrier(ends), [FakeWay() for _number in range(REFUSED_MOST + 10)]
    for number, way in enumerate(ways):
        one.open(first(number), way)

    assert [way.is_done for way in ways] == [False] * (1 + REFUSED_MOST) + [True] * 9
    for way in ways:
        way.free.set()
    assert eventually(lambda: all(way.is_done for way in ways))
    assert sum(len(way.said) for way in ways) == 1 + REFUSED_MOST
