"""Debian's own SWUpdate against the console: what it is sent, installs, and reports."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import console, swupdate
from tests.fakes.console import Console
from tests.fakes.ddi_device import DdiDevice, add_file, device_with_token
from tests.fakes.pki import Pki
from tests.fakes.swupdate import Updater

pytestmark = pytest.mark.tools
PAYLOAD = b"what is to be installed" * 5000
DONE = "All Chunks Installed."


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory, pki: Pki, keys: Path) -> Iterator[Console]:
    """A console whose devices ask each second."""
    folder = tmp_path_factory.mktemp("fast")
    with console.running(folder / "console", pki, keys, ddi_poll_s=1) as one:
        yield one


@pytest.fixture
def updater(fast: Console) -> Iterator[Updater]:
    device = device_with_token(fast)
    token = device.authorization.partition(" ")[2]
    with tempfile.TemporaryDirectory(prefix="swu-") as folder:
        one = Updater(Path(folder), fast.url.rstrip("/"), device.name, token)
        one.set_up(fast.site.authority)
        yield one


def states(site: Console, device: str) -> list[str]:
    found = site.good("GET", f"/devices/{device}/orders")["orders"]
    return [one["state"] for one in found]


def reasons(site: Console, device: str) -> str:
    found = site.good("GET", f"/events?device={device}")["events"]
    return "\n".join(one["reason"] for one in found)


def test_an_update_is_installed_and_after_the_restart_the_order_has_succeeded(
    fast: Console, updater: Updater
) -> None:
    add_file(fast, updater.update(PAYLOAD))
    fast.good("POST", "/deployments", {"device": updater.device, "version": "1"})

    with updater.running():
        updater.until(lambda: DONE in reasons(fast, updater.device))
    between = states(fast, updater.device)
    with updater.running(confirm=swupdate.SUCCEEDED):
        updater.until(lambda: states(fast, updater.device) == ["succeeded"])
        updater.until(lambda: fast.good("GET", f"/devices/{updater.device}")["via"] == "ddi")

    shown = fast.good("GET", f"/devices/{updater.device}")
    assert updater.target.read_bytes() == PAYLOAD
    assert between == ["open"]
    assert (shown["version"], shown["board"], shown["phase"]) == ("1", "bench", "idle")
    assert shown["reported"] == {"board": "bench", "serial": "<b>7</b>"}


def test_an_order_is_taken_back_while_it_is_downloaded(fast: Console, updater: Updater) -> None:
    add_file(fast, updater.update(bytes(8 << 20)), version="2")
    fast.good("POST", "/deployments", {"device": updater.device, "version": "2"})
    with updater.running(most_per_s="400k"):
        updater.until(lambda: "Installing Update Chunk" in reasons(fast, updater.device))

        fast.good("POST", f"/devices/{updater.device}/orders/cancel")

        updater.until(lambda: states(fast, updater.device) == ["cancelled"])
    assert not updater.target.exists()


def test_an_update_with_other_bytes_fails_with_a_reason_for_a_device_with_a_certificate(
    fast: Console, pki: Pki
) -> None:
    with tempfile.TemporaryDirectory(prefix="swu-") as folder:
        one = Updater(Path(folder), fast.url.rstrip("/"), "unit-5")
        one.set_up(fast.site.authority, pki.device("unit-5"))
        add_file(fast, one.update(PAYLOAD, told=b"something else"), version="3")
        fast.good("POST", "/devices", {"device": "unit-5"})

        with one.running():
            one.until(lambda: fast.good("GET", "/devices/unit-5")["reported"])
            fast.good("POST", "/deployments", {"device": "unit-5", "version": "3"})
            one.until(lambda: states(fast, "unit-5") == ["failed"])

    order = fast.good("GET", "/devices/unit-5/orders")["orders"][0]
    shown = fast.good("GET", "/devices/unit-5")
    assert order["reason"] == "No suitable .swu image found"
    assert (shown["version"], shown["certificate"]) == ("", fast.fingerprint("unit-5"))


def test_a_campaign_updates_it_and_brings_it_back(fast: Console, updater: Updater) -> None:
    for version in ("7", "8"):
        assert (
            add_file(fast, updater.update(PAYLOAD, version=version), version=version).status < 300
        )
    said = {"product": "gateway", "version": "7"}
    DdiDevice(fast, updater.device, f"TargetToken {updater.token}").put_data(said)
    plan = {"name": "to 8", "version": "8", "target": f"id:{updater.device}"}
    id_ = fast.good("POST", "/campaigns", {**plan, "times": {"soak_s": 1}})["campaign"]

    def state() -> str:
        found: str = fast.good("GET", f"/campaigns/{id_}/devices")["devices"][0]["state"]
        return found

    def run(count: int, wanted: str) -> None:
        with updater.running():
            updater.until(lambda: reasons(fast, updater.device).count(DONE) == count)
        assert state() in ("updating", "reverting")
        with updater.running(confirm=swupdate.SUCCEEDED):
            updater.until(lambda: state() == wanted)

    fast.good("POST", f"/campaigns/{id_}/start", {})
    run(1, "succeeded")
    fast.good("POST", f"/campaigns/{id_}/revert", {})
    run(2, "reverted")

    orders = fast.good("GET", f"/devices/{updater.device}/orders")["orders"]
    assert [(one["version"], one["state"]) for one in orders] == [
        ("7", "succeeded"),
        ("8", "succeeded"),
    ]
    assert fast.good("GET", f"/devices/{updater.device}")["version"] == "7"
