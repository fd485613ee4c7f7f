"""Factory lines on the page: what they made, who came without a record, and what to do."""

from dataclasses import replace
from functools import partial

import pytest
from playwright.sync_api import expect
from sqlalchemy import Connection

from edge.console import tenants
from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import certificates, doubles
from edge.console.factory import knocking
from edge.console.people.roles import Role
from tests.edge.console.pages.conftest import Open
from tests.fakes.chromium import Window
from tests.fakes.console import TENANT, Console
from tests.fakes.made_line import Device, Line

pytestmark = pytest.mark.tools


@pytest.fixture
def line(site: Console) -> Line:
    """A line whose authority the console knows."""
    one = Line()
    actor = Actor(TENANT, "console", 1)
    certificate = one.root.certificate
    step = partial(tenants.add_authority, actor=actor, certificate=certificate)
    site.running.office.database.write_now(step)
    return one


def tell(site: Console, *devices: Device) -> None:
    body = {"records": [one.made.to_json() for one in devices]}
    site.good("POST", "/factory/records", body)


def knock(site: Console, line: Line, device: Device) -> None:
    """Let a device come that no record tells of."""
    shown = certificates.of_device(certificates.der_of(device.certificate))
    between, now_s = [line.station().signer.certificate], site.running.office.now_s()

    def step(connection: Connection) -> None:
        knocking.meet(connection, shown, now_s, between=between)

    site.running.office.database.write_now(step)


def double(site: Console, device: str) -> None:
    """Let two devices with one key call by turns."""
    caller, now_s = Caller(TENANT, device, Via.HTTP), site.running.office.now_s()

    def step(connection: Connection) -> None:
        for number, boot_id in enumerate("ababab"):
            address = {"a": "10.0.0.7", "b": "172.16.3.9"}[boot_id]
            doubles.hear(connection, caller, boot_id * 12, address, now_s - 600 + 60 * number)

    site.running.office.database.write_now(step)


def test_a_device_shows_where_and_as_what_it_was_made(
    ada: Window, site: Console, line: Line
) -> None:
    tell(site, line.station().make("gw-1"))

    ada.go("/devices/gw-1")

    made = ada.page.get_by_role("region", name="Made")
    for text in ("hall-3, station S1", "jo", "A-77", "gateway 1.0.0", "5.02 V"):
        expect(made).to_contain_text(text)
    history = ada.page.locator(".timeline > li").last
    expect(history).to_contain_text("It was made at hall-3/S1 with gateway 1.0.0")


def test_quarantine_says_why_and_what_to_do_and_ends_by_a_button(
    ada: Window, site: Console, line: Line
) -> None:
    tell(site, line.station().make("gw-1"))
    knock(site, line, line.station().make("gw-2"))
    double(site, "gw-1")

    ada.go("/factory")

    waiting = ada.page.get_by_role("list", name="Devices in quarantine")
    expect(waiting).to_contain_text("No line has told of it yet")
    expect(waiting).to_contain_text("10.0.0.7 by HTTP")
    ada.page.get_by_role("link", name="gw-1").click()
    banner = ada.page.locator(".banner.is-bad")
    expect(banner).to_contain_text("Two devices have its key")
    expect(banner).to_contain_text("172.16.3.9")
    ada.go("/factory")
    ada.page.get_by_role("button", name="Accept gw-2").click()
    expect(ada.page.locator("dialog .command code")).to_have_text("edge devices accept gw-2")
    ada.page.locator("dialog").get_by_role("button", name="Accept gw-2").click()
    expect(waiting).not_to_contain_text("gw-2")
    assert site.good("GET", "/devices/gw-2")["state"] == "accepted"


def test_a_conflict_is_shown_and_dismissed(ada: Window, site: Console, line: Line) -> None:
    first = line.station().make("gw-1")
    tell(site, first, replace(first, made=replace(first.made, operator="<b>al</b>")))

    ada.go("/factory")

    expect(ada.page.get_by_text("S1 has said something else as number 3")).to_be_visible()
    ada.page.get_by_role("button", name="Dismiss the record of gw-1").click()
    ada.page.get_by_role("button", name="Dismiss it").click()
    expect(ada.page.get_by_role("heading", name="Records that conflict")).to_have_count(0)
    assert site.good("GET", "/factory")["conflicts"] == []


def test_who_may_only_look_gets_no_buttons(open_window: Open, site: Console, line: Line) -> None:
    knock(site, line, line.station().make("gw-2"))
    bob = open_window("bob", Role.VIEWER)

    bob.go("/factory")

    expect(bob.page.get_by_role("link", name="gw-2")).to_be_visible()
    expect(bob.page.get_by_role("button", name="Accept gw-2")).to_have_count(0)
