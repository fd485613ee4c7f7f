"""What a device says of itself, and which releases are for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.power.system import System
from tests.fakes.console import Console
from tests.fakes.ddi_device import DdiDevice, add_file
from tests.fakes.operator import Operator

Order = Callable[..., str]
States = Callable[[DdiDevice], list[tuple[str, str]]]


@pytest.fixture(scope="module")
def edge_release(stand: Console, tmp_path_factory: pytest.TempPathFactory, keys: Path) -> str:
    """The version of a release for devices that run Edge."""
    operator = Operator(tmp_path_factory.mktemp("operator") / "shop", keys)
    operator.release(System.make("7", 7))
    stand.good("POST", "/releases", operator.bundle("7"))
    return "7"


def test_each_kind_of_device_is_refused_the_releases_of_the_other(
    site: Console, device: DdiDevice, edge_release: str
) -> None:
    site.good("POST", "/devices", {"device": "edge-1"})
    site.link("edge-1").desired()

    ours = site.ask("POST", "/api/v1/deployments", {"device": device.name, "version": edge_release})
    theirs = site.ask("POST", "/api/v1/deployments", {"device": "edge-1", "version": "1"})

    assert (ours.status, "speaks DDI" in ours.body["error"]) == (409, True)
    assert (theirs.status, "never called over DDI" in theirs.body["error"]) == (409, True)
    cancel = site.ask("POST", "/api/v1/devices/edge-1/orders/cancel")
    assert (cancel.status, "edge-1 has no open order" in cancel.body["error"]) == (409, True)


def test_a_window_is_for_devices_that_run_edge(site: Console, device: DdiDevice) -> None:
    add_file(site, version="6")
    body = {"device": device.name, "version": "6", "reboot": "window"}

    told = site.ask("POST", "/api/v1/deployments", {**body, "window": "02:00-04:00"})

    assert (told.status, "is told no maintenance window" in told.body["error"]) == (409, True)
    assert site.ask("POST", "/api/v1/deployments", body).status < 300


def test_a_release_for_other_boards_or_products_is_refused(
    site: Console, device: DdiDevice, order: Order
) -> None:
    add_file(site, version="3", boards="other", name="b.swu")
    add_file(site, version="4", product="toaster")
    number = order(device)
    device.take()
    device.feedback(number, "closed", "success")
    device.put_data({"board": "bench"})

    board = site.ask("POST", "/api/v1/deployments", {"device": device.name, "version": "3"})
    product = site.ask("POST", "/api/v1/deployments", {"device": device.name, "version": "4"})

    assert (board.status, "not for bench" in board.body["error"]) == (409, True)
    assert (product.status, "runs gateway" in product.body["error"]) == (409, True)


def test_a_device_gets_the_file_of_its_board(
    site: Console, device: DdiDevice, order: Order
) -> None:
    add_file(site, b"for one", version="5", boards="bench", name="a.swu")
    add_file(site, b"for the other", version="5", boards="other", name="b.swu")
    unknown = site.ask("POST", "/api/v1/deployments", {"device": device.name, "version": "5"})
    device.put_data({"board": "other"})

    order(device, "5")

    assert (unknown.status, "'board'" in unknown.body["hint"]) == (409, True)
    artifact = device.take()["deployment"]["chunks"][0]["artifacts"][0]
    assert (artifact["filename"], artifact["size"]) == ("b.swu", 13)


def test_an_edge_order_of_a_device_that_turns_out_to_speak_ddi_fails(
    site: Console, edge_release: str, state: States
) -> None:
    site.good("POST", "/devices", {"device": "unit-9"})
    site.good("POST", "/deployments", {"device": "unit-9", "version": edge_release})
    device = DdiDevice(site, "unit-9", identity=site.pki.device("unit-9"))

    links = device.links()

    assert set(links) == {"configData"}
    assert state(device) == [
        ("failed", "the device speaks DDI: it can not install an Edge release")
    ]


def test_attributes_of_a_device_and_of_people_live_side_by_side(
    site: Console, device: DdiDevice
) -> None:
    asked = "configData" in device.links()
    site.good("PATCH", f"/devices/{device.name}/attributes", {"attributes": {"site": "berlin"}})

    put = device.put_data({"site": "moon", "hw": "<script>", "version": "0.9"}, mode="replace")

    shown = site.good("GET", f"/devices/{device.name}")
    assert (asked, put.status, put.body, "configData" in device.links()) == (True, 200, b"", False)
    assert shown["attributes"] == {"site": "berlin"}
    assert shown["reported"] == {"site": "moon", "hw": "<script>", "version": "0.9"}
    assert shown["version"] == "0.9"
    found = {
        text: [one["device"] for one in site.good("GET", f"/devices?filter={text}")["devices"]]
        for text in ("attr.site=berlin", "attr.site=moon", "attr.version=0.9")
    }
    assert found == {
        "attr.site=berlin": [device.name],
        "attr.site=moon": [],
        "attr.version=0.9": [device.name],
    }


def test_a_device_says_no_more_attributes_than_are_stored(site: Console, device: DdiDevice) -> None:
    first = device.put_data({f"a{number}": "x" for number in range(100)}).status
    more = device.put_data({"b": "x"}).status
    other = device.put_data({"b": "x"}, mode="replace").status

    assert (first, more, other) == (200, 429, 200)
    assert site.good("GET", f"/devices/{device.name}")["reported"] == {"b": "x"}
