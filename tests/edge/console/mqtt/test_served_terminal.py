"""The whole console with its broker, and a terminal over MQTT by the agent's own parts."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli.terminal_window import Window
from edge.console.client import Address, Client
from edge.console.terminal.person import Person, Wanted, grant_of
from edge.console.terminal.remote import Remote
from edge.keys.grant import sign
from edge_signing.terminal import parcels
from edge_signing.terminal.frames import Frame, Kind, Size
from edge_signing.terminal.handshake import own_key
from edge_signing.terminal.parcels import Parcel
from edge_signing.topics import of_terminal
from tests.agent.links.conftest import eventually
from tests.edge.console.mqtt.test_served import bound, keys, site, there
from tests.fakes import terminal_device
from tests.fakes.console import Console
from tests.fakes.support import Support
from tests.fakes.terminal_device import TerminalDevice

__all__ = ["keys", "site"]  # fixtures

pytestmark = [
    pytest.mark.tools,
    # paho leaves the socket of a handshake that fails to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NAME = "terminal-mqtt"


@pytest.fixture(scope="module")
def support(tmp_path_factory: pytest.TempPathFactory) -> Support:
    return Support.make(tmp_path_factory.mktemp("support"))


@pytest.fixture(scope="module")
def device(
    site: Console, support: Support, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TerminalDevice]:
    bound(site, NAME)
    folder = tmp_path_factory.mktemp(NAME)
    with terminal_device.running(folder, site, NAME, support, mqtt=there(site, NAME)) as one:
        yield one


def remote(site: Console, support: Support, command: str = "") -> Remote:
    known = site.good("GET", f"/devices/{NAME}")
    mine = own_key(os.urandom(32))
    wanted = Wanted(NAME, known["epoch"], bytes.fromhex(known["certificate"]), "jo", "", command)
    grant = grant_of(wanted, os.urandom(16).hex(), mine, int(time.time()))
    client = Client(Address(site.api_url, site.site.admin_token, site.site.authority))
    return Remote(client, Person(sign(grant, support.signers), mine))


def newest(site: Console) -> dict[str, object]:
    found: dict[str, object] = site.good("GET", f"/devices/{NAME}/terminals")["terminals"][0]
    return found


def test_much_output_comes_whole_over_mqtt(
    site: Console, support: Support, device: TerminalDevice, tmp_path: Path
) -> None:
    one = remote(site, support, "seq 1 30000")
    one.open(20)
    with (tmp_path / "said").open("wb") as stream:
        end = Window(one, stream.fileno()).run_command()
    one.close()

    assert end.status == 0
    assert (tmp_path / "said").read_text() == "".join(f"{each}\n" for each in range(1, 30_001))
    assert newest(site)["is_whole"] is True


def test_keys_come_back_soon_over_mqtt(
    site: Console, support: Support, device: TerminalDevice
) -> None:
    one = remote(site, support)
    one.open(20)
    frames, waits, seen = one.frames(), [], b""

    def until(text: bytes) -> None:
        nonlocal seen
        while text not in seen:
            frame: Frame = next(frames)
            seen += frame.body if frame.kind == Kind.OUTPUT else b""

    one.start(Size())
    until(b"support$ ")
    for number in range(20):
        began = time.monotonic()
        one.type(b"%c" % (97 + number))
        until(b"%c" % (97 + number))
        waits.append(time.monotonic() - began)
        seen = b""
    one.leave()
    for _frame in frames:
        pass
    one.close()

    # On a machine that does other work too.
    assert sorted(waits)[10] < 0.2
    assert newest(site)["ended"] == "the person has left"


def test_a_device_does_not_speak_for_another_over_mqtt(
    site: Console, support: Support, device: TerminalDevice
) -> None:
    bound(site, "terminal-liar")
    liar = there(site, "terminal-liar")
    one = remote(site, support, "sleep 1; echo fine")
    one.open(20)
    session = one.person.signed.grant.session

    liar.send_parcels([Parcel(session, 1, parcels.Kind.REFUSED, b"no")])
    said = parcels.pack([Parcel(session, 1, parcels.Kind.REFUSED, b"no")])
    liar._session.publish(of_terminal(NAME), said)
    end = Window(one).run_command()
    one.close()

    assert end.status == 0


def test_a_broker_that_was_killed_ends_it_with_a_reason(
    site: Console, support: Support, device: TerminalDevice
) -> None:
    one = remote(site, support, "sleep 100")
    one.open(20)
    one.start(Size())
    mqtt = site.running.office.mqtt
    assert mqtt is not None
    os.kill(mqtt.pid, signal.SIGKILL)
    time.sleep(0.2)
    one.hang_up()

    assert eventually(lambda: newest(site)["state"] == "closed", within_s=30)
    for _frame in one.frames():
        pass
    one.close()
    assert newest(site)["ended"] != ""
