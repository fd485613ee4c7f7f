"""The service `support` with a real shell at a real pseudo-terminal; the test is the agent."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.console.terminal.person import Person
from edge_agent.terminal import opening
from edge_agent.terminal.device_key import DeviceSigner
from edge_agent.terminal.opening import Opening, Peer, PeerError
from edge_agent.terminal.session import WINDOW_BYTES
from edge_agent.terminal.shell import USER
from edge_signing.terminal.frames import End, Frame, Kind, Size
from edge_signing.terminal.parcels import Kind as Told
from edge_signing.terminal.parcels import Parcel
from edge_signing.terminal.record import CHUNK_MOST_BYTES, Closing
from tests.fakes import support_service
from tests.fakes.support import Ends
from tests.fakes.support_service import SHELL, House

_WITHIN_S = 10.0


@dataclass
class Line:
    """The agent's end of a session, which stores the record as a console does."""

    ends: Ends
    person: Person
    peer: Peer
    frames: list[Frame] = field(default_factory=list)
    record: list[bytes] = field(default_factory=list)
    refused: str = ""
    closing: Closing | None = None
    stores: bool = True
    transcript: bytes = b""

    @property
    def id(self) -> str:
        return self.person.signed.grant.session

    def open(self, **more: object) -> None:
        grant = self.person.signed.grant
        said = Opening(grant.device, grant.epoch, self.ends.certificate, 0, self.packed())
        for name, value in more.items():
            object.__setattr__(said, name, value)
        self.peer.send(Parcel(self.id, 0, Told.OPEN, said.pack()))
        self.until(lambda: self.refused or self.person._sealer is not None)

    def packed(self) -> bytes:
        return self.person.signed.pack()

    def send(self, sealed: bytes) -> None:
        self.peer.send(Parcel(self.id, 0, Told.FRAME, sealed))

    def start(self) -> None:
        self.open()
        self.send(self.person.start(Size(100, 40, "xterm")))

    def type(self, text: str) -> None:
        self.send(self.person.type(text.encode()))

    def shown(self, kind: Kind = Kind.OUTPUT) -> str:
        return b"".join(one.body for one in self.frames if one.kind == kind).decode()

    def ended(self) -> End | None:
        last = [one.body for one in self.frames if one.kind == Kind.ENDED]
        return End.unpack(last[0]) if last else None

    def until(self, is_so: Callable[[], object]) -> bool:
        end_s = time.monotonic() + _WITHIN_S
        while not is_so() and time.monotonic() < end_s:
            for one in self.peer.wait(0.2):
                self._take(one)
        return bool(is_so())

    def end(self) -> End:
        assert self.until(lambda: self.closing is not None)
        found = self.ended()
        assert found is not None
        return found

    def _take(self, one: Parcel) -> None:
        match one.kind:
            case Told.ANSWER:
                signed = DeviceSigner.of(self.ends.identity).signed(one, self.packed())
                self.transcript = self.person.take_answer(signed.content)
            case Told.FRAME:
                self.frames.append(self.person.open(one.content))
            case Told.RECORD:
                assert one.number == len(self.record)
                self.record.append(one.content)
                if self.stores:
                    self.peer.send(Parcel(self.id, 0, Told.STORED, number=one.number))
            case Told.CLOSED:
                self.closing = Closing.unpack(
                    DeviceSigner.of(self.ends.identity).signed(one, b"").content
                )
            case Told.REFUSED:
                self.refused = one.text
            case _:
                raise AssertionError(one)


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends.make(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, ends: Ends) -> Iterator[House]:
    base = tmp_path_factory.mktemp("house")
    made = House.make(base, ends.support.settings(command=SHELL))
    with support_service.running(made):
        yield made


_numbers = iter(range(1, 1000))


@pytest.fixture
def line(ends: Ends, house: House) -> Iterator[Callable[..., Line]]:
    made: list[Line] = []

    def make(**more: object) -> Line:
        session = f"{next(_numbers):032x}"
        person = ends.person(session, now_s=int(time.time()), **more)  # type: ignore[arg-type]
        made.append(Line(ends, person, opening.connect(house.folder)))
        return made[-1]

    yield make
    for one in made:
        one.peer.close()


Make = Callable[..., Line]


def test_a_shell_at_a_terminal(line: Make) -> None:
    one = line()
    one.start()
    one.type("tty; stty size; echo sum $((40 + 2)); exit 3\n")

    assert one.end() == End("it ended with status 3", 3)
    assert "/dev/pts/" in one.shown()
    assert "40 100" in one.shown()
    assert "sum 42" in one.shown()
    assert one.closing is not None
    one.closing.require(one.ends.certificate, one.transcript, one.record)


def test_ctrl_c_reaches_what_runs(line: Make) -> None:
    one = line()
    one.start()
    one.type("echo be''gun; sleep 100; echo st''opped\n")
    assert one.until(lambda: "begun" in one.shown())
    time.sleep(0.1)
    one.type("\x03")
    one.type("echo go''on; exit\n")

    assert one.end().status is not None
    assert "goon" in one.shown()


def test_one_command_has_two_outputs_and_no_terminal(line: Make) -> None:
    one = line(command="echo out; echo err >&2; tty; exit 7")
    one.start()

    assert one.end() == End("it ended with status 7", 7)
    assert one.shown() == "out\nnot a tty\n"
    assert one.shown(Kind.ERRORS) == "err\n"


def test_all_is_recorded_that_is_typed_and_shown(line: Make) -> None:
    """Also what is typed unseen: nobody records less by switching the echo off."""
    one = line()
    one.start()
    one.type("stty -echo; echo re''ady\n")
    assert one.until(lambda: "ready" in one.shown())
    one.type("touch /nowhere/hidden 2>/dev/null\n")
    one.type("exit\n")
    one.end()

    said = b"".join(one.record).decode()
    assert "/nowhere/hidden" not in one.shown()
    assert '"i","touch /nowhere/hidden 2>/dev/null\\n"' in said


def test_a_flood_waits_until_it_is_stored(line: Make) -> None:
    one = line()
    one.stores = False
    one.start()
    one.type("yes\n")
    one.until(lambda: sum(map(len, one.record)) > WINDOW_BYTES)
    for parcel in one.peer.wait(0.5):
        one._take(parcel)
    held = sum(map(len, one.record))
    one.stores = True
    one.peer.send(Parcel(one.id, 0, Told.STORED, number=len(one.record) - 1))

    assert one.until(lambda: sum(map(len, one.record)) > held + WINDOW_BYTES)
    assert held < WINDOW_BYTES + 2 * CHUNK_MOST_BYTES


def test_the_size_follows_the_window(line: Make) -> None:
    one = line()
    one.start()
    one.send(one.person.resize(Size(77, 33)))
    one.type("stty size; exit\n")
    one.end()

    assert "33 77" in one.shown()


def test_what_runs_ends_with_the_agent(line: Make, tmp_path: Path) -> None:
    one = line()
    one.start()
    one.type(f"echo $$ >{tmp_path}/pid; sleep 100\n")
    assert one.until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    pid = int((tmp_path / "pid").read_text())

    one.peer.close()

    assert _gone(pid)


def test_what_runs_ends_with_a_changed_frame(line: Make, tmp_path: Path) -> None:
    one = line()
    one.start()
    one.type(f"echo $$ >{tmp_path}/pid\n")
    assert one.until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    pid = int((tmp_path / "pid").read_text())
    sealed = bytearray(one.person.type(f"touch {tmp_path}/more\n".encode()))
    sealed[3] ^= 1

    one.send(bytes(sealed))

    assert one.end().status is None
    assert _gone(pid)
    assert not (tmp_path / "more").exists()


def _gone(pid: int) -> bool:
    end_s = time.monotonic() + _WITHIN_S
    while time.monotonic() < end_s:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_grant_opens_one_session_also_after_a_restart(ends: Ends, tmp_path: Path) -> None:
    house = House.make(tmp_path, ends.support.settings(command=SHELL))
    person, refused = ends.person(now_s=int(time.time())), []
    for _start in range(2):
        with support_service.running(house):
            for _session in range(2):
                again = Person(person.signed, person.mine)
                one = Line(ends, again, opening.connect(house.folder))
                one.open()
                one.peer.close()
                refused.append(one.refused)

    assert refused == ["", *["grant: it was used before"] * 3]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        pytest.param({"device": "unit-2"}, "for the device", id="another device"),
        pytest.param({"epoch": 9}, "for the enrolment", id="another epoch"),
        pytest.param({"certificate": b"no"}, "another certificate", id="another certificate"),
        pytest.param({"floor_s": 2_000_000_000}, "good until", id="over by the floor"),
        pytest.param({"grant": b"{}"}, "grant", id="no grant"),
    ],
)
def test_what_does_not_hold_is_refused(line: Make, facts: dict[str, object], why: str) -> None:
    one = line()
    one.open(**facts)

    assert why in one.refused


def test_a_grant_of_yesterday_is_refused(line: Make, ends: Ends) -> None:
    one = Line(ends, ends.person("ee" * 16, now_s=int(time.time()) - 901), line().peer)
    one.open()

    assert "good until" in one.refused


def test_an_image_without_terms_refuses(ends: Ends, tmp_path: Path) -> None:
    with support_service.running(House.make(tmp_path, None)) as house:
        one = Line(ends, ends.person(now_s=int(time.time())), opening.connect(house.folder))
        one.open()
        one.peer.close()

    assert "do not allow" in one.refused


def test_without_the_service_there_is_no_terminal(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="no service"):
        opening.connect(tmp_path)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param((), id="goes at once"),
        pytest.param((Parcel("ab" * 16, 0, Told.FRAME, b"x"),), id="no grant first"),
    ],
)
def test_who_says_nothing_right_keeps_nobody_out(
    line: Make, house: House, said: tuple[Parcel, ...]
) -> None:
    peer = opening.connect(house.folder)
    for one in said:
        peer.send(one)
    peer.close()

    after = line(command="echo fine")
    after.start()
    assert after.end().status == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_shell_is_another_user_and_leaves_nothing_behind(ends: Ends, tmp_path: Path) -> None:
    """What has left the session is killed too, and the service can not be touched."""
    house = House.make(tmp_path, ends.support.settings(command=SHELL))
    with support_service.running(house, USER):
        text = f"id -u; id -G; kill -9 {house.pid}; setsid sleep 100 & echo $!"
        person = ends.person(now_s=int(time.time()), command=text)
        one = Line(ends, person, opening.connect(house.folder))
        one.start()
        one.end()
        one.peer.close()

        user, groups, left = one.shown().split()
        assert (user, groups) == (str(USER), str(USER))
        assert "not permitted" in one.shown(Kind.ERRORS)
        assert _gone(int(left))
