"""The device's end of a terminal: nothing is done before the person of the grant has begun it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.console.terminal.person import Person
from edge_agent.terminal.device_key import DeviceSigner
from edge_agent.terminal.session import (
    PIECE_BYTES,
    WINDOW_BYTES,
    WINDOW_CHUNKS,
    Act,
    Resize,
    Session,
    Start,
    Stop,
    Tell,
    Type,
)
from edge_signing.terminal.frames import End, Frame, Kind, Size
from edge_signing.terminal.parcels import Kind as Told
from edge_signing.terminal.parcels import Parcel
from edge_signing.terminal.record import Closing
from tests.fakes.support import NOW_S, SESSION, Ends


@dataclass
class Both:
    """A device and a person, and what the device did."""

    ends: Ends
    person: Person
    session: Session = field(init=False)
    acts: list[Act] = field(default_factory=list)
    transcript: bytes = b""

    def __post_init__(self) -> None:
        packed = self.person.signed.pack()
        self.session = Session(
            packed, self.ends.certificate, self.ends.support.terms(), b"\3" * 32,
            at_s=0.0, now_s=NOW_S,
        )  # fmt: skip
        said = Parcel(SESSION, 0, Told.ANSWER, self.session.key)
        answer = DeviceSigner.of(self.ends.identity).signed(said, packed)
        self.transcript = self.person.take_answer(answer.content)

    def hear(self, sealed: bytes, at_s: float = 1.0) -> list[Act]:
        return self.did(self.session.receive(sealed, at_s))

    def did(self, acts: Iterable[Act]) -> list[Act]:
        done = list(acts)
        self.acts += done
        return done

    def start(self) -> None:
        self.hear(self.person.start(Size()))

    def shown(self) -> list[Frame]:
        """Return what the person sees."""
        sealed = self._told(Told.FRAME)
        return [self.person.open(one) for one in sealed]

    def record(self) -> list[bytes]:
        return self._told(Told.RECORD)

    def _told(self, kind: Told) -> list[bytes]:
        tells = [one for one in self.acts if isinstance(one, Tell)]
        return [one.content for one in tells if one.kind is kind]

    def closing(self) -> Closing:
        said = Parcel(SESSION, 0, Told.CLOSED, self._told(Told.CLOSED)[0])
        return Closing.unpack(DeviceSigner.of(self.ends.identity).signed(said, b"").content)


def ran(acts: Iterable[Act]) -> list[Act]:
    return [one for one in acts if isinstance(one, Start | Type | Resize)]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends.make(tmp_path_factory.mktemp("session"))


@pytest.fixture
def both(ends: Ends) -> Both:
    return Both(ends, ends.person())


def test_a_session_from_begin_to_end(both: Both) -> None:
    both.start()
    both.hear(both.person.type(b"ls\n"))
    both.hear(both.person.resize(Size(132, 43)))
    both.did(both.session.show(Kind.OUTPUT, b"a b\n", 2.0))
    both.did(both.session.exited(0, 3.0))

    assert ran(both.acts) == [Start(Size(), ""), Type(b"ls\n"), Resize(Size(132, 43))]
    frames = both.shown()
    assert [one.kind for one in frames] == [Kind.STARTED, Kind.OUTPUT, Kind.ENDED]
    assert frames[1].body == b"a b\n"
    assert End.unpack(frames[2].body) == End("it ended with status 0", 0)
    assert isinstance(both.acts[-1], Stop)
    both.closing().require(both.ends.certificate, both.transcript, both.record())
    said = b"".join(both.record()).decode()
    assert [word in said for word in ('"i","ls\\n"', '"r","132x43"', '"o","a b\\n"')] == [True] * 3


def _changed(whole: list[bytes], at: int, word: int) -> list[bytes]:
    place, one = word % len(whole[at]), bytearray(whole[at])
    one[place] ^= word
    return [*whole[:at], bytes(one), *whole[at + 1 :]]


TAMPERINGS: list[Callable[[list[bytes], int, int], list[bytes]]] = [
    _changed,
    lambda whole, at, _word: [*whole[: at + 1], *whole[at:]],
    lambda whole, at, _word: [*whole[:at], *whole[at + 1 :]],
    lambda whole, at, _word: [*whole[:at], *reversed(whole[at:])],
    lambda whole, at, _word: [*whole[:at], whole[at][:-1], *whole[at + 1 :]],
    lambda whole, at, _word: [*whole[:at], b"", *whole[at:]],
]


@settings(max_examples=60)
@given(data=st.data())
def test_a_frame_that_was_tampered_with_runs_nothing(ends: Ends, data: st.DataObject) -> None:
    """Whoever is between changes, repeats, drops or moves one frame of a session."""
    both = Both(ends, ends.person())
    whole = [both.person.start(Size()), *(both.person.type(b"%d" % one) for one in range(4))]
    at = data.draw(st.integers(0, 4))
    tampered = data.draw(st.sampled_from(TAMPERINGS))(whole, at, data.draw(st.integers(1, 255)))
    right = 0
    while right < min(5, len(tampered)) and tampered[right] == whole[right]:
        right += 1

    for one in tampered:
        both.hear(one)

    # What came before it was right; nothing after it is done, right or not.
    assert len(ran(both.acts)) == right
    assert both.session.is_over == (right < len(tampered))


def test_nobody_else_can_begin_it(both: Both) -> None:
    """A console that has grant and answer, but not the person's key of the session."""
    mallory = Both(both.ends, both.ends.person(noise=b"\x08" * 32))

    both.hear(mallory.person.start(Size()))

    assert ran(both.acts) == []
    assert both.session.is_over


def test_what_is_typed_before_the_begin_ends_it(both: Both) -> None:
    both.hear(both.person.type(b"reboot\n"))

    assert ran(both.acts) == []
    assert both.session.is_over


def test_it_begins_once(both: Both) -> None:
    both.start()
    both.start()

    assert ran(both.acts) == [Start(Size(), "")]
    assert both.session.is_over


def test_one_command_is_that_of_the_grant(ends: Ends) -> None:
    both = Both(ends, ends.person(command="uname -a"))

    both.start()

    assert ran(both.acts) == [Start(Size(), "uname -a")]


@pytest.mark.parametrize(
    ("at_s", "why"),
    [
        pytest.param(59.0, "", id="still waits"),
        pytest.param(61.0, "nobody has begun it", id="nobody begins"),
    ],
)
def test_nobody_is_waited_for_long(both: Both, at_s: float, why: str) -> None:
    both.did(both.session.tick(at_s))

    assert both.session.is_over == bool(why)
    assert [End.unpack(one.body).reason for one in both.shown()] == ([why] if why else [])


def test_it_ends_when_nothing_is_typed(both: Both) -> None:
    both.start()
    both.hear(both.person.type(b"x"), 500.0)
    both.did(both.session.show(Kind.OUTPUT, b"still busy\n", 1099.0))
    both.did(both.session.tick(1099.0))
    before = both.session.is_over
    both.did(both.session.tick(1100.1))

    assert (before, both.session.is_over) == (False, True)


@pytest.mark.parametrize("of_grant", [100, 5000])
def test_it_ends_after_its_longest_time(ends: Ends, of_grant: int) -> None:
    """That of the grant or of the image, whichever is shorter."""
    both = Both(ends, ends.person(longest_s=of_grant))
    both.start()
    longest_s = min(of_grant, 3600)
    for at_s in range(0, longest_s, 50):
        both.hear(both.person.type(b"x"), float(at_s))
        both.did(both.session.tick(float(at_s)))
    before = both.session.is_over
    both.did(both.session.tick(longest_s + 0.1))

    assert (before, both.session.is_over) == (False, True)


def test_no_more_is_shown_than_the_console_stores(both: Both) -> None:
    both.start()
    shown = 0
    while both.session.may_show:
        both.did(both.session.show(Kind.OUTPUT, b"y" * PIECE_BYTES, 2.0 + shown))
        shown += 1
    stopped = both.session.may_show
    both.session.stored(len(both.record()) - 1)

    assert (stopped, both.session.may_show) == (False, True)
    assert shown <= min(WINDOW_CHUNKS, WINDOW_BYTES // PIECE_BYTES)


def test_what_is_shown_was_recorded_first(both: Both) -> None:
    both.start()

    acts = both.did(both.session.show(Kind.OUTPUT, b"z" * PIECE_BYTES, 2.0))

    kinds = [one.kind for one in acts if isinstance(one, Tell)]
    assert kinds == [Told.RECORD, Told.FRAME]


def test_a_full_record_ends_it(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_signing.terminal.record.RECORD_MOST_BYTES", 20_000)
    both.start()
    for number in range(3):
        both.did(both.session.show(Kind.OUTPUT, b"y" * PIECE_BYTES, 2.0 + number))

    assert both.session.is_over
    assert both.closing().reason == "the record is full"


def test_what_has_ended_does_nothing_more(both: Both) -> None:
    both.start()
    both.did(both.session.end("the console ends it", 2.0))
    done = len(both.acts)

    both.hear(both.person.type(b"x"))
    both.did(both.session.show(Kind.OUTPUT, b"x", 3.0))
    both.did(both.session.tick(9999.0))
    both.did(both.session.exited(0, 3.0))

    assert len(both.acts) == done
