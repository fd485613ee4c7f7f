"""A person, a console and a device with the agent's own parts: a real shell at a real terminal."""

import contextlib
import json
import os
import pty
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli.terminal_window import Window
from edge.console.client import Address, Client
from edge.console.terminal.person import Person, Wanted, grant_of
from edge.console.terminal.remote import Remote
from edge.keys.grant import sign
from edge_signing.terminal.handshake import own_key
from tests.agent.links.conftest import eventually
from tests.edge.console.terminal.conftest import Run
from tests.fakes import terminal_device
from tests.fakes.console import Console
from tests.fakes.support import Support
from tests.fakes.terminal_device import TerminalDevice

NAME = "terminal-1"


@pytest.fixture(scope="module")
def device(
    shared: Console, support: Support, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TerminalDevice]:
    shared.good("POST", "/devices", {"device": NAME})
    shared.link(NAME).desired()
    folder = tmp_path_factory.mktemp(NAME)
    with terminal_device.running(folder, shared, NAME, support) as one:
        yield one


def sessions(site: Console, name: str = NAME) -> list[dict[str, object]]:
    found: list[dict[str, object]] = site.good("GET", f"/devices/{name}/terminals")["terminals"]
    return found


def test_one_command(edge: Run, device: TerminalDevice, shared: Console) -> None:
    status, said, err = edge(NAME, "--command", "echo out; echo err >&2", "--reason", "ticket 41")

    assert (status, said) == (0, "out\n")
    assert "err\n" in err
    assert "--factory-ca" in err
    one = sessions(shared)[0]
    assert (one["state"], one["reason"], one["command"]) == (
        "closed", "ticket 41", "echo out; echo err >&2",
    )  # fmt: skip
    assert (one["is_whole"], one["status"], one["checked_by"]) == (True, 0, "console")
    acts = shared.good("GET", f"/audit?subject=device:{NAME}&limit=500")["entries"]
    ours = [each for each in acts if each["details"].get("session") == one["session"]]
    assert [each["act"] for each in ours] == ["device.terminal-open", "device.terminal-closed"]
    assert ours[1]["details"]["is_whole"] is True


def test_a_command_that_fails_is_an_error(edge: Run, device: TerminalDevice) -> None:
    status, said, _err = edge(NAME, "--command", "echo partly; exit 7", "--json")

    lines = [json.loads(line) for line in said.splitlines()]
    assert (status, lines[0]["status"], lines[0]["output"]) == (1, 7, "partly\n")


def test_the_factory_says_which_device_it_is(
    edge: Run, device: TerminalDevice, shared: Console, tmp_path: Path
) -> None:
    good = edge(NAME, "--command", "true", "--factory-ca", shared.pki.factory.file)
    checked = sessions(shared)[0]["checked_by"]
    bad = edge(NAME, "--command", "true", "--factory-ca", shared.site.authority)

    assert (good[0], "note:" in good[2], checked) == (0, False, "factory")
    assert (bad[0], "not of this authority" in bad[2]) == (4, True)
    assert eventually(lambda: sessions(shared)[0]["state"] == "closed")


def test_a_record_is_played_and_checked(
    edge: Run, device: TerminalDevice, shared: Console, tmp_path: Path
) -> None:
    edge(NAME, "--command", "printf 'first\\033]52;c;aGk=\\007 \\033[1mbold\\n'")
    session = sessions(shared)[0]["session"]

    played = edge(NAME, "--replay", session)
    listed = edge(NAME, "--list")
    kept = edge(NAME, "--replay", session, "--cast", tmp_path / "one.cast")

    assert (played[0], played[1]) == (0, "first \x1b[1mbold\n")
    assert "note:" not in played[2]
    assert str(session) in listed[1]
    assert kept[0] == 0
    assert json.loads((tmp_path / "one.cast").read_bytes().splitlines()[0])["version"] == 2


def test_a_record_that_was_changed_is_seen(
    edge: Run, device: TerminalDevice, shared: Console
) -> None:
    from edge.console.store.terminal_tables import CHUNKS

    edge(NAME, "--command", "echo the truth")
    session = sessions(shared)[0]["session"]
    database = shared.running.office.database

    def forge(connection: object) -> None:
        where = CHUNKS.c.session == session
        for row in connection.execute(CHUNKS.select().where(where)).all():  # type: ignore[attr-defined]
            content = bytes(row.content).replace(b"truth", b"lies!")
            change = CHUNKS.update().where(where, CHUNKS.c.number == row.number)
            connection.execute(change.values(content=content))  # type: ignore[attr-defined]

    database.write_now(forge)
    status, said, err = edge(NAME, "--replay", session)

    assert (status, said) == (4, "")
    assert "not the whole one" in err


def test_a_key_that_the_image_does_not_name_opens_nothing(
    edge: Run, device: TerminalDevice, shared: Console, tmp_path: Path
) -> None:
    Support.make(tmp_path)

    status, said, err = edge(NAME, "--command", "touch /tmp/never", key=tmp_path / "support-1.pem")

    assert (status, said) == (5, "")
    assert "does not name" in err
    assert sessions(shared)[0]["state"] == "closed"


def test_a_shell_needs_a_terminal(edge: Run, device: TerminalDevice) -> None:
    assert edge(NAME)[0] == 2


def test_what_is_not_there_is_an_error(edge: Run, device: TerminalDevice) -> None:
    assert edge("nobody", "--command", "true")[0] == 3
    assert edge(NAME, "--replay", "00" * 16)[0] == 3
    assert edge(NAME, "--end", "00" * 16)[0] == 3


# A shell at a window.


def remote(site: Console, support: Support, *, command: str = "", name: str = NAME) -> Remote:
    """Return a session that the device has answered."""
    known = site.good("GET", f"/devices/{name}")
    mine = own_key(os.urandom(32))
    wanted = Wanted(name, known["epoch"], bytes.fromhex(known["certificate"]), "jo", "", command)
    grant = grant_of(wanted, os.urandom(16).hex(), mine, int(time.time()))
    client = Client(Address(site.api_url, site.site.admin_token, site.site.authority))
    made = Remote(client, Person(sign(grant, support.signers), mine))
    made.open(20)
    return made


class Typist:
    """A person at a window."""

    def __init__(self) -> None:
        self.hand, self.window = pty.openpty()
        termios.tcsetwinsize(self.window, (40, 100))
        self.seen = b""
        self.out, self.screen = os.pipe()

    def type(self, text: str) -> None:
        os.write(self.hand, text.encode())

    def sees(self, text: str, within_s: float = 10) -> bool:
        def look() -> bool:
            os.set_blocking(self.out, False)
            with contextlib.suppress(BlockingIOError):
                self.seen += os.read(self.out, 65536)
            return text.encode() in self.seen

        return eventually(look, within_s=within_s)

    def close(self) -> None:
        for one in (self.hand, self.window, self.out, self.screen):
            os.close(one)


@pytest.fixture
def typist() -> Iterator[Typist]:
    one = Typist()
    yield one
    one.close()


def test_a_shell_at_a_window(
    device: TerminalDevice, shared: Console, support: Support, typist: Typist
) -> None:
    one = remote(shared, support)
    before = termios.tcgetattr(typist.window)
    waits: list[float] = []

    def work() -> None:
        try:
            use()
        except BaseException:
            typist.type("\x1d")
            raise

    def use() -> None:
        assert typist.sees("support$")  # what is typed before the window is raw is let go
        typist.type("stty size; echo be''gun\r")
        assert typist.sees("begun")
        for number in range(20):
            began = time.monotonic()
            typist.type(f"echo x{number}y$(( {number} + 1 ))\r")
            assert typist.sees(f"x{number}y{number + 1}\r\n")
            waits.append(time.monotonic() - began)
        termios.tcsetwinsize(typist.window, (33, 77))
        os.kill(os.getpid(), 28)
        time.sleep(0.3)
        typist.type("stty size; sleep 100\r")
        assert typist.sees("33 77")
        typist.type("\x03")
        typist.type("echo go''on; exit 0\r")
        assert typist.sees("goon")

    typing = threading.Thread(target=work)
    typing.start()
    end = Window(one, typist.screen, typist.screen).run_shell(typist.window)
    typing.join()
    one.close()

    assert end.status == 0
    assert b"40 100" in typist.seen
    assert typist.sees("goon")
    assert termios.tcgetattr(typist.window) == before
    # Half of the keys are back within this, on a machine that does other work too.
    assert sorted(waits)[len(waits) // 2] < 0.4


def test_the_person_leaves(
    device: TerminalDevice, shared: Console, support: Support, typist: Typist
) -> None:
    one = remote(shared, support)
    threading.Timer(0.5, lambda: typist.type("\x1d")).start()
    end = Window(one, typist.screen, typist.screen).run_shell(typist.window)
    one.close()

    assert end.reason == "the person has left"
    assert sessions(shared)[0]["ended"] == "the person has left"


def test_a_device_has_one_session(
    edge: Run, device: TerminalDevice, shared: Console, support: Support
) -> None:
    one = remote(shared, support)
    busy = edge(NAME, "--command", "true")
    ended = edge(NAME, "--end", one.person.signed.grant.session)
    one.close()
    assert eventually(lambda: sessions(shared)[0]["state"] == "closed")
    after = edge(NAME, "--command", "true")

    assert (busy[0], "has a terminal of it" in busy[2]) == (5, True)
    assert (ended[0], after[0]) == (0, 0)


def test_a_session_ends_before_the_system_restarts(
    device: TerminalDevice, shared: Console, support: Support
) -> None:
    one = remote(shared, support, command="sleep 100")
    device.objection = "terminal: the system is about to restart"
    try:
        end = Window(one).run_command()
    finally:
        device.objection = ""
    one.close()

    assert end.reason == "terminal: the system is about to restart"
    assert eventually(lambda: sessions(shared)[0]["is_whole"] is True)


def test_a_session_ends_with_the_agent(
    device: TerminalDevice, shared: Console, support: Support
) -> None:
    one = remote(shared, support, command="sleep 100")
    threading.Timer(0.5, device.carrier.close).start()
    end = Window(one).run_command()
    one.close()

    assert end.reason == "the agent ended"


def test_much_output_comes_whole(edge: Run, device: TerminalDevice) -> None:
    status, said, _err = edge(NAME, "--command", "seq 1 60000")

    assert status == 0
    assert said == "".join(f"{one}\n" for one in range(1, 60_001))
