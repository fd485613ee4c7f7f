"""What others try: a stolen console, another person, another device, a device that lies."""

import base64
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from edge.console.client import Address, Client
from edge.console.terminal.person import Person, Wanted, grant_of
from edge.console.terminal.remote import Remote
from edge.errors import RefusedError, UntrustedError
from edge.keys.grant import sign
from edge_agent.link import RefusedByServerError
from edge_agent.terminal.device_key import DeviceSigner
from edge_signing.terminal.frames import Size
from edge_signing.terminal.handshake import own_key, public_bytes
from edge_signing.terminal.parcels import Kind, Parcel
from edge_signing.terminal.record import Closing, linked
from tests.agent.links.conftest import eventually
from tests.fakes import terminal_device
from tests.fakes.console import Answered, Console, sql
from tests.fakes.pki import Pki
from tests.fakes.support import Support

_numbers = iter(range(1, 1000))


@dataclass
class Liar:
    """A device that is let in and says what it likes, by the agent's own link."""

    site: Console
    name: str
    session: str
    person: Person
    n: int = 0

    def say(self, kind: Kind, content: bytes = b"", number: int = 0, n: int | None = None) -> None:
        at = self.n if n is None else n
        self.site.link(self.name).send_parcels([Parcel(self.session, at, kind, content, number)])
        self.n = at + 1

    def answer(self, key: bytes = b"\5" * 32) -> None:
        identity = self.site.identity(self.name)
        said = Parcel(self.session, 0, Kind.ANSWER, public_bytes(own_key(key)))
        packed = self.person.signed.pack()
        self.say(Kind.ANSWER, DeviceSigner.of(identity).signed(said, packed).content)

    @property
    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = self.site.good(
            "GET", f"/devices/{self.name}/terminals/{self.session}"
        )
        return found


def wanted(site: Console, device: str, **more: Any) -> Wanted:
    known = site.good("GET", f"/devices/{device}")
    return Wanted(device, known["epoch"], bytes.fromhex(known["certificate"]), "jo", **more)


def person(site: Console, support: Support, device: str, **more: Any) -> Person:
    mine = own_key(os.urandom(32))
    grant = grant_of(wanted(site, device, **more), os.urandom(16).hex(), mine, int(time.time()))
    return Person(sign(grant, support.signers), mine)


def ask(site: Console, one: Person, device: str = "", **more: Any) -> Answered:
    body = {"grant": one.signed.pack().decode()}
    path = f"/api/v1/devices/{device or one.signed.grant.device}/terminals"
    return site.ask("POST", path, body, **more)


@pytest.fixture
def name(shared: Console) -> str:
    made = f"victim-{next(_numbers)}"
    shared.good("POST", "/devices", {"device": made})
    shared.link(made).desired()
    return made


@pytest.fixture
def liar(shared: Console, support: Support, name: str) -> Iterator[Liar]:
    one = person(shared, support, name)
    assert ask(shared, one).status == 200
    yield Liar(shared, name, one.signed.grant.session, one)
    shared.ask("DELETE", f"/api/v1/devices/{name}/terminals/{one.signed.grant.session}")


# Who asks.


def test_it_takes_the_scope_and_an_admin(shared: Console, support: Support, name: str) -> None:
    made = shared.good(
        "POST", "/tokens", {"name": "reach", "scopes": ["devices:reach", "devices:read"]}
    )
    one = person(shared, support, name)

    assert ask(shared, one, token=made["text"]).status == 403
    assert ask(shared, one, token="").status == 401
    path = f"/api/v1/devices/{name}/terminals"
    assert shared.ask("GET", path, token=made["text"]).status == 403


def test_nobody_else_types_into_a_session(shared: Console, liar: Liar) -> None:
    other = shared.good("POST", "/tokens", {"name": "other", "scopes": ["terminal"]})["text"]
    path = f"/api/v1/devices/{liar.name}/terminals/{liar.session}/frames"
    frame = {"n": 0, "frames": [base64.b64encode(b"x" * 40).decode()]}

    assert shared.ask("POST", path, frame, token=other).status == 409
    assert shared.ask("GET", path, token=other).status == 409
    assert shared.ask("POST", path, frame).status == 204
    assert shared.ask("POST", path, {**frame, "n": 5}).status == 400
    assert shared.ask("POST", path, {"n": 1, "frames": ["!"]}).status == 400


def test_another_tenant_sees_none_of_it(
    shared: Console, liar: Liar, stranger: Pki, keys: Path
) -> None:
    token = shared.other_tenant("acme", stranger, keys)
    path = f"/api/v1/devices/{liar.name}/terminals"

    for method, where in (
        ("GET", path), ("GET", f"{path}/{liar.session}"), ("GET", f"{path}/{liar.session}/record"),
        ("GET", f"{path}/{liar.session}/frames"), ("DELETE", f"{path}/{liar.session}"),
    ):  # fmt: skip
        assert shared.ask(method, where, token=token).status == 404
    assert ask(shared, liar.person, token=token).status == 404


# What a grant says.


def test_a_grant_for_another_device_is_not_carried(
    shared: Console, support: Support, name: str
) -> None:
    assert ask(shared, person(shared, support, name), "unit-1").status == 400


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"epoch": 9}, id="another epoch"),
        pytest.param({"certificate": b"\1" * 32}, id="another certificate"),
    ],
)
def test_a_grant_for_another_enrolment_is_not_carried(
    shared: Console, support: Support, name: str, change: dict[str, Any]
) -> None:
    mine = own_key(os.urandom(32))
    known = replace(wanted(shared, name), **change)
    grant = grant_of(known, os.urandom(16).hex(), mine, int(time.time()))

    assert ask(shared, Person(sign(grant, support.signers), mine)).status == 400


def test_a_grant_that_is_over_is_not_carried(shared: Console, support: Support, name: str) -> None:
    mine = own_key(os.urandom(32))
    grant = grant_of(wanted(shared, name), os.urandom(16).hex(), mine, int(time.time()) - 901)

    assert ask(shared, Person(sign(grant, support.signers), mine)).status == 400


def test_a_grant_is_carried_once(shared: Console, liar: Liar) -> None:
    shared.good("DELETE", f"/devices/{liar.name}/terminals/{liar.session}")

    again = ask(shared, liar.person)

    assert (again.status, "used before" in again.body["error"]) == (409, True)


def test_a_device_that_is_not_let_in_has_no_terminal(
    shared: Console, support: Support, name: str
) -> None:
    one = person(shared, support, name)
    shared.good("POST", f"/devices/{name}/revoke")

    assert ask(shared, one).status == 409


# A stolen console and a real device: it has grant and answer, and makes frames of its own.


def test_a_stolen_console_runs_nothing(
    shared: Console, support: Support, name: str, tmp_path: Path
) -> None:
    one = person(shared, support, name)
    client = Client(Address(shared.api_url, shared.site.admin_token, shared.site.authority))
    with terminal_device.running(tmp_path, shared, name, support):
        remote = Remote(client, one)
        remote.open(20)
        path = f"/devices/{name}/terminals/{one.signed.grant.session}"
        mallory = Person(one.signed, own_key(os.urandom(32)))
        answer = shared.good("GET", f"{path}/record")["answer"]
        mallory.take_answer(answer.encode())
        forged = mallory.start(Size())
        shared.good(
            "POST", f"{path}/frames", {"n": 0, "frames": [base64.b64encode(forged).decode()]}
        )

        assert eventually(lambda: shared.good("GET", path)["state"] == "closed")
        remote.close()

    found = shared.good("GET", path)
    assert "was changed" in found["ended"]
    assert (found["chunks"], found["is_whole"]) == (0, True)  # nothing was run or recorded


def test_a_replayed_grant_opens_nothing(
    shared: Console, support: Support, name: str, tmp_path: Path
) -> None:
    """A console that forgets what it carried, and carries it again."""
    client = Client(Address(shared.api_url, shared.site.admin_token, shared.site.authority))
    one = person(shared, support, name, command="true")
    session = one.signed.grant.session
    with terminal_device.running(tmp_path, shared, name, support) as device:
        first = Remote(client, one)
        first.open(20)
        first.hang_up()
        first.close()
        path = f"/devices/{name}/terminals/{session}"
        assert eventually(lambda: shared.good("GET", path)["state"] == "closed")
        sql(
            shared.running.office.database,
            f"UPDATE terminals SET session = '{'00' * 16}' WHERE session = '{session}'",
        )
        device.carrier.close()
        again = Remote(client, Person(one.signed, one.mine))
        with pytest.raises(RefusedError, match="used before"):
            again.open(20)
        again.close()


def test_a_device_without_the_setting_refuses(
    shared: Console, support: Support, name: str, tmp_path: Path
) -> None:
    client = Client(Address(shared.api_url, shared.site.admin_token, shared.site.authority))
    with terminal_device.running(tmp_path, shared, name, support, is_allowed=False):
        remote = Remote(client, person(shared, support, name))
        with pytest.raises(RefusedError, match="do not allow"):
            remote.open(20)
        remote.close()


def test_an_answer_of_somebody_else_is_not_believed(
    shared: Console, support: Support, liar: Liar, name: str
) -> None:
    """A console that answers in the place of the device, with another device's certificate."""
    other = "unit-1"
    said = Parcel(liar.session, 0, Kind.ANSWER, b"\5" * 32)
    packed = liar.person.signed.pack()
    forged = DeviceSigner.of(shared.identity(other)).signed(said, packed).content

    with pytest.raises(UntrustedError, match="another certificate"):
        liar.person.take_answer(forged)
    liar.say(Kind.ANSWER, forged)
    assert liar.shown["state"] == "closed"


# A device that lies.


def test_a_device_speaks_for_its_own_sessions_only(shared: Console, liar: Liar) -> None:
    with pytest.raises(RefusedByServerError):
        shared.link("unit-1").send_parcels([Parcel(liar.session, 0, Kind.REFUSED, b"no")])
    with pytest.raises(RefusedByServerError):
        shared.link("unit-1").parcels(liar.session, -1, 0)
    assert liar.shown["state"] == "waiting"


def test_a_record_has_no_gap_and_no_second_chunk(liar: Liar) -> None:
    liar.answer()
    liar.say(Kind.RECORD, b'{"version":2}\n', 0)
    liar.say(Kind.RECORD, b"[1]\n", 0)

    assert (liar.shown["state"], liar.shown["chunks"]) == ("closed", 1)
    assert "no place" in liar.shown["ended"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        pytest.param(Kind.FRAME, b"x", id="a frame before the answer"),
        pytest.param(Kind.RECORD, b"x", id="a record before the answer"),
        pytest.param(Kind.CLOSED, b"x", id="an end before the answer"),
        pytest.param(Kind.ANSWER, b"{}", id="no answer"),
        pytest.param(Kind.OPEN, b"x", id="what only the console says"),
    ],
)
def test_what_has_no_place_ends_it(liar: Liar, kind: Kind, content: bytes) -> None:
    liar.say(kind, content)

    assert liar.shown["state"] == "closed"


def test_what_is_missing_ends_it_and_what_came_before_does_not(liar: Liar) -> None:
    liar.answer()
    liar.say(Kind.ALIVE, n=1)
    liar.say(Kind.ALIVE, n=1)
    before = liar.shown["state"]
    liar.say(Kind.ALIVE, n=7)

    assert (before, liar.shown["state"]) == ("open", "closed")


def test_a_record_that_is_not_what_was_signed_is_not_whole(liar: Liar) -> None:
    liar.answer()
    liar.say(Kind.RECORD, b"[1]\n", 0)
    closing = Closing(1, linked(b"\0" * 32, b"[1]\n"), "it ended", 0)
    said = Parcel(liar.session, 0, Kind.CLOSED, closing.pack())
    signed = DeviceSigner.of(liar.site.identity(liar.name)).signed(said, b"")
    liar.say(Kind.CLOSED, signed.content)

    assert (liar.shown["state"], liar.shown["is_whole"]) == ("closed", False)


def test_the_reason_of_a_device_is_text(liar: Liar) -> None:
    liar.say(Kind.REFUSED, b"\x1b[2J\xff no")

    assert "\x1b" not in liar.shown["ended"]


def test_a_device_that_is_revoked_loses_its_session(shared: Console, liar: Liar) -> None:
    liar.answer()
    shared.good("POST", f"/devices/{liar.name}/revoke")

    assert eventually(lambda: liar.shown["state"] == "closed")
    assert "let in no longer" in liar.shown["ended"]


def test_sessions_of_before_are_over_after_a_start(shared: Console, liar: Liar) -> None:
    office = shared.running.office
    shared.wait(office.terminals.begin())

    assert (liar.shown["state"], liar.shown["ended"]) == (
        "closed", "the console was started again",
    )  # fmt: skip


def test_a_person_who_has_gone_is_not_waited_for(
    shared: Console, liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.console.terminal.call.PERSON_SILENT_S", 0.0)

    assert eventually(lambda: liar.shown["state"] == "closed")
    assert liar.shown["ended"] == "the person has gone"


def test_a_device_that_is_silent_is_not_waited_for(
    liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    liar.answer()
    monkeypatch.setattr("edge.console.terminal.call.DEVICE_SILENT_S", 0.0)

    assert eventually(lambda: liar.shown["state"] == "closed")
    assert "says nothing" in liar.shown["ended"]
