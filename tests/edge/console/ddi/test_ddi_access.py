"""Who is let in over DDI, and that nobody else gets anything."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from http.client import IncompleteRead
from pathlib import Path

import pytest

from edge.console.ddi import link
from edge.keys import create
from edge_signing.messages import MESSAGE_MOST_BYTES, Status
from tests.fakes.console import Console
from tests.fakes.ddi_device import DdiDevice, add_file, device_with_token
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

Order = Callable[..., str]
PATHS = (
    ("GET", ""),
    ("GET", "/deploymentBase/1"),
    ("POST", "/deploymentBase/1/feedback"),
    ("GET", "/cancelAction/1"),
    ("POST", "/cancelAction/1/feedback"),
    ("GET", "/installedBase/1"),
    ("PUT", "/configData"),
    ("GET", "/confirmationBase"),
    ("GET", "/confirmationBase/1"),
    ("POST", "/confirmationBase/1/feedback"),
    ("POST", "/confirmationBase/activateAutoConfirm"),
    ("POST", "/confirmationBase/deactivateAutoConfirm"),
    ("GET", "/softwaremodules/1/artifacts"),
    ("GET", "/softwaremodules/1/artifacts/a.swu"),
    ("HEAD", "/softwaremodules/1/artifacts/a.swu"),
    ("GET", "/softwaremodules/1/artifacts/a.swu.MD5SUM"),
)
FEEDBACK = {"status": {"execution": "closed", "result": {"finished": "success"}}}


def statuses(device: DdiDevice) -> set[int]:
    """Return how all requests of a device are answered."""
    return {
        device.ask(method, path, FEEDBACK if method in ("POST", "PUT") else None).status
        for method, path in PATHS
    }


def test_a_wrong_token_opens_nothing_and_is_told_nothing(
    site: Console, device: DdiDevice, order: Order
) -> None:
    order(device)
    good = device.authorization
    other = device_with_token(site)
    wrong = (
        "",
        "TargetToken ",
        "TargetToken " + "0" * 32,
        good[:-1],
        good + "0",
        good.replace("TargetToken", "targettoken"),
        good.replace("TargetToken", "GatewayToken"),
        good.replace("TargetToken", "Bearer"),
        good.replace(" ", "  "),
        f"Bearer {site.token}",
        "TargetToken " + "x" * 5000,
        other.authorization,
    )

    for one in wrong:
        assert replace(device, authorization=one).ask("GET", "").status == 401, one
    assert statuses(replace(device, authorization="")) == {401}
    assert replace(device, authorization="").ask("GET", "").body == b""
    assert device.take()


def test_a_device_opens_nothing_of_another(site: Console, device: DdiDevice, order: Order) -> None:
    order(device)
    other = device_with_token(site)

    assert statuses(replace(other, name=device.name)) == {401}
    assert statuses(replace(device, name=other.name)) == {401}


def test_an_order_of_another_device_is_not_there(
    site: Console, device: DdiDevice, order: Order
) -> None:
    number = order(device)
    href = device.take()["deployment"]["chunks"][0]["artifacts"][0]["_links"]["download"]["href"]
    other = device_with_token(site)

    assert other.ask("GET", f"/deploymentBase/{number}").status == 404
    assert other.feedback(number, "closed", "success") == 404
    assert other.ask("GET", href.partition(f"/{device.name}")[2]).status == 404
    assert other.ask("GET", href).status == 401


@pytest.mark.parametrize("name", ["a%2fb", "a%20b", "%2e%2e", "x" * 65, "%c3%a9", "a%00b"])
def test_a_name_that_is_no_id_is_nobody(ordered: DdiDevice, name: str) -> None:
    assert replace(ordered, name=name).ask("GET", "").status == 401
    assert len(ordered.site.good("GET", "/devices")["devices"]) == 1


@pytest.mark.parametrize(
    "tenant", ["%00", "%ff", "a%2fb", "..%2fdefault", "x" * 40, "%f0%9f%98%80"]
)
def test_a_tenant_that_can_be_none_is_nobodys(ordered: DdiDevice, tenant: str) -> None:
    assert replace(ordered, tenant=tenant).ask("GET", "").status in (401, 404)


def test_a_token_that_is_no_text_is_no_token(ordered: DdiDevice) -> None:
    for token in ("\xff\xfe", "é" * 16, "a\tb", "0" * 129):
        found = replace(ordered, authorization=f"TargetToken {token}").ask("GET", "")
        assert found.status in (400, 401), token


def test_a_certificate_lets_its_device_in_and_no_other(alone: Console) -> None:
    add_file(alone)
    folder = alone.pki.device("unit-7")
    device = DdiDevice(alone, "unit-7", identity=folder)

    waiting = device.ask("GET", "")
    pending = alone.good("GET", "/devices?state=pending")["devices"]
    alone.good("POST", "/devices/unit-7/accept")

    assert (waiting.status, [one["device"] for one in pending]) == (403, ["unit-7"])
    assert set(device.links()) == {"configData"}
    assert statuses(replace(device, name="unit-1")) == {403}
    alone.good("POST", "/deployments", {"device": "unit-7", "version": "1"})
    assert device.take()["id"] == "1"


def test_a_certificate_that_is_shown_decides_whatever_token_is_sent(
    site: Console, device: DdiDevice
) -> None:
    thief = replace(device, identity=site.pki.device("thief"))

    assert statuses(thief) == {403}


def test_a_device_that_nobody_accepted_gets_nothing(site: Console, device: DdiDevice) -> None:
    site.good("POST", f"/devices/{device.name}/revoke")

    assert statuses(device) == {403}
    site.good("POST", f"/devices/{device.name}/accept")
    assert device.ask("GET", "").status == 200
    site.good("POST", f"/devices/{device.name}/decommission")
    assert statuses(device) == {401}
    assert site.ask("POST", f"/api/v1/devices/{device.name}/token").status == 409


def test_the_token_of_before_is_useless_at_once(site: Console, device: DdiDevice) -> None:
    token = site.good("POST", f"/devices/{device.name}/token")["token"]

    assert statuses(device) == {401}
    fresh = replace(device, authorization=f"TargetToken {token}")
    assert fresh.ask("GET", "").status == 200
    site.good("DELETE", f"/devices/{device.name}/token")
    assert statuses(fresh) == {401}
    assert site.ask("DELETE", f"/api/v1/devices/{device.name}/token").status == 404


def test_no_token_is_in_the_database_or_the_log(alone: Console) -> None:
    device = device_with_token(alone, "unit-1")
    gateway = alone.good("POST", "/gateway-token")["token"]
    secrets = (device.authorization.partition(" ")[2], gateway)

    stored = b"".join(one.read_bytes() for one in alone.site.folder.glob("console.db*"))
    said = str(alone.good("GET", "/audit"))

    assert [one for one in secrets if one.encode() in stored or one in said] == []
    assert "device.token" in said


def test_a_gateway_speaks_for_nobody_until_it_is_allowed_and_not_after(alone: Console) -> None:
    device_with_token(alone, "unit-1")
    guess = DdiDevice(alone, "new-1", "GatewayToken " + "0" * 32)
    before = guess.ask("GET", "").status
    token = alone.good("POST", "/gateway-token")["token"]
    gateway = DdiDevice(alone, "new-1", f"GatewayToken {token}")

    waiting = gateway.ask("GET", "").status
    pending = [one["device"] for one in alone.good("GET", "/devices?state=pending")["devices"]]
    alone.good("POST", "/devices/new-1/accept")
    accepted = gateway.ask("GET", "").status
    of_others = {statuses(replace(gateway, name="unit-1")).pop(), guess.ask("GET", "").status}
    alone.good("DELETE", "/gateway-token")

    assert (before, waiting, pending, accepted, of_others) == (401, 403, ["new-1"], 200, {401})
    assert statuses(gateway) == {401}


def test_a_gateway_loses_a_device_that_gets_something_of_its_own(alone: Console) -> None:
    token = alone.good("POST", "/gateway-token")["token"]
    devices = [DdiDevice(alone, f"new-{n}", f"GatewayToken {token}") for n in (1, 2)]
    for one in devices:
        alone.good("POST", "/devices", {"device": one.name})
        assert one.ask("GET", "").status == 200

    alone.good("POST", "/devices/new-1/token")
    own = DdiDevice(alone, "new-2", identity=alone.pki.device("new-2"))

    assert own.ask("GET", "").status == 200
    assert [one.ask("GET", "").status for one in devices] == [401, 401]


def test_a_gateway_that_was_refused_a_device_brings_no_certificate_with_it(alone: Console) -> None:
    token = alone.good("POST", "/gateway-token")["token"]
    DdiDevice(alone, "new-1", f"GatewayToken {token}").ask("GET", "")

    own = DdiDevice(alone, "new-1", identity=alone.pki.device("new-1")).ask("GET", "")
    alone.good("POST", "/devices/new-1/reject")

    assert own.status == 403
    assert alone.ask("GET", "/api/v1/devices/new-1").status == 404


def test_a_revoked_device_loses_the_file_that_it_is_reading(
    site: Console, device: DdiDevice, order: Order
) -> None:
    add_file(site, bytes(32 << 20), version="9")
    order(device, "9")
    told = device.take()["deployment"]["chunks"][0]["artifacts"][0]
    with closing(device.connection()) as connection:
        path = told["_links"]["download"]["href"].partition("/DEFAULT")[2]
        connection.request("GET", f"/DEFAULT{path}", headers=device.headers())
        answer = connection.getresponse()
        answer.read(1 << 20)
        site.good("POST", f"/devices/{device.name}/revoke")

        with pytest.raises((OSError, IncompleteRead)):
            answer.read()


def test_a_tenant_is_named_in_any_case_and_is_nobody_elses(
    alone: Console, stranger: Pki, tmp_path: Path, operator: Operator
) -> None:
    device = device_with_token(alone, "unit-1")
    ring = tmp_path / "their-keys"
    create.init(ring, now=operator.now, products=("gateway",))
    theirs = alone.other_tenant("them", stranger, ring)
    alone.good("POST", "/devices", {"device": "their-1"}, token=theirs)
    token = alone.good("POST", "/devices/their-1/token", token=theirs)["token"]
    gateway = alone.good("POST", "/gateway-token", token=theirs)["token"]
    their = DdiDevice(alone, "their-1", f"TargetToken {token}", tenant="them")

    right = [replace(device, tenant=one).ask("GET", "").status for one in ("default", "Default")]

    assert (right, their.ask("GET", "").status) == ([200, 200], 200)
    for one in (
        replace(device, tenant="them"),
        replace(their, tenant="default"),
        replace(device, tenant="nobody"),
        replace(device, tenant="them", authorization=f"GatewayToken {gateway}"),
        replace(device, authorization=f"GatewayToken {gateway}"),
    ):
        assert statuses(one) == {401}
    assert [one["device"] for one in alone.good("GET", "/devices")["devices"]] == ["unit-1"]
    own = DdiDevice(alone, "unit-8", identity=alone.pki.device("unit-8"), tenant="them")
    assert statuses(own) == {403}
    assert their.ask("GET", "/softwaremodules/1/artifacts/a.swu").status == 404


def test_a_device_that_runs_edge_does_not_become_another_by_a_call(alone: Console) -> None:
    alone.good("POST", "/devices", {"device": "edge-1"})
    alone.link("edge-1").send_state(Status("boot-1"))
    device = DdiDevice(alone, "edge-1", identity=alone.pki.device("edge-1"))

    refused = device.ask("GET", "")
    token = alone.ask("POST", "/api/v1/devices/edge-1/token")
    alone.good("POST", "/devices/edge-1/re-enrol", {})

    assert (refused.status, b"runs Edge" in refused.body, token.status) == (403, True, 409)
    assert alone.ask("POST", "/api/v1/devices/edge-1/token").status == 200


@pytest.mark.parametrize("path", ["/deploymentBase/1/feedback", "/configData"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"{", 400, id="no JSON"),
        pytest.param(b"[" * 60_000, 400, id="deep"),
        pytest.param(b'{"status": 1, "data": 1}', 400, id="wrong types"),
        pytest.param(b"\xff\xfe", 400, id="no text"),
        pytest.param(b" " * (MESSAGE_MOST_BYTES + 1), 413, id="long"),
    ],
)
def test_what_can_not_be_read_is_refused_and_not_stored(
    ordered: DdiDevice, path: str, body: bytes, status: int
) -> None:
    answer = ordered.ask("PUT" if path == "/configData" else "POST", path, body)

    assert answer.status == status
    assert ordered.site.good("GET", "/events")["events"] == []
    assert ordered.site.good("GET", "/devices/unit-1")["reported"] == {}


@pytest.mark.parametrize(
    "path",
    [
        "/deploymentBase/0",
        "/deploymentBase/-1",
        "/deploymentBase/1%20",
        "/deploymentBase/999999999999999",
        "/deploymentBase/" + "9" * 40,
        "/deploymentBase/x",
        "/cancelAction/1",
        "/other",
        "/softwaremodules/2/artifacts",
    ],
)
def test_other_paths_lead_nowhere(ordered: DdiDevice, path: str) -> None:
    assert ordered.ask("GET", path).status == 404


def test_a_device_that_says_too_much_is_told_to_wait(
    device: DdiDevice, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "_SAID_PER_S", 0.001)
    monkeypatch.setattr(link, "_SAID_MOST", 3)
    number = order(device)
    device.take()

    said = [device.feedback(number, "proceeding", "none", str(n)) for n in range(5)]
    polled = device.ask("GET", "").status

    assert (said[:3], said[-1], polled) == ([200] * 3, 429, 200)


def test_text_of_a_device_is_given_as_text_alone(
    site: Console, device: DdiDevice, order: Order
) -> None:
    number = order(device)
    device.take()
    evil = "<img src=x onerror=alert(1)>\x1b[2J"
    device.put_data({evil: evil})
    device.feedback(number, "closed", "failure", evil)

    answer = site.ask("GET", f"/api/v1/devices/{device.name}")

    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "\x1b" not in str(answer.body)
    refused = device.ask("GET", "/deploymentBase/<script>")
    assert b"<script>" not in refused.body
