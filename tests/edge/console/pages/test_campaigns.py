"""Campaigns in a browser: planned, watched, decided over; devices with the agent's own link."""

import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from edge.console.people.roles import Role
from edge_agent.links.http import HttpLink
from edge_signing.messages import EventId, ReportEvent, Status
from tests.agent.power.system import System
from tests.edge.console.pages.conftest import Open
from tests.edge.console.pages.test_hostile import HOSTILE
from tests.fakes import console
from tests.fakes.chromium import PHONE, Window
from tests.fakes.console import Console
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

pytestmark = pytest.mark.tools

PLAN: dict[str, Any] = {
    "name": "to 2",
    "version": "2",
    "waves": [{"count": 1, "limit": {"count": 1}}, {"percent": 100, "limit": {"count": 1}}],
    "times": {"soak_s": 0},
    "evidence": None,
}


@dataclass
class Fleet:
    """Three devices at a console with the releases 1 and 2, and one of a service."""

    site: Console
    prefix: str
    links: dict[str, HttpLink] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def call(self, device: str, version: str = "1", **words: Any) -> None:
        """Let a device tell how it is."""
        about = {"boot_id": "boot-1", "board": "board", "product": "gateway", "counter": 1}
        self.links[device].send_state(Status(version=version, **{**about, **words}))

    def obey(
        self, device: str, kind: str, version: str, reason: str = "", *, system: str = ""
    ) -> None:
        """Let a device do what it is ordered, a service on a system, and report how it ended."""
        link, desired = self.links[device], None
        ends_at = time.monotonic() + 10
        while desired is None or desired.release is None or desired.action in self.done:
            assert time.monotonic() < ends_at, f"nothing is ordered of {device}"
            time.sleep(0.1)
            desired = link.desired()
        self.done.add(desired.action)
        self.call(device, seq=desired.seq, action=desired.action, phase="installing")
        event = EventId("boot-1", desired.seq)
        link.send_events([ReportEvent(event, 1, kind, desired.action, version, reason)])
        self.call(device, system or version, seq=desired.seq, action=desired.action)

    def take_set(self, device: str) -> None:
        """Let a device take a system, and then a service."""
        for version in ("2", "web+2"):
            self.obey(device, "succeeded", version, system="2")

    def in_turn(self, id_: str) -> list[str]:
        """Return the devices of a campaign in the order of their turns."""
        found = self.site.good("GET", f"/campaigns/{id_}/devices?sort=trouble")["devices"]
        return [one["device"] for one in sorted(found, key=lambda one: int(one["wave"]))]

    def begin(self, **words: Any) -> str:
        """Make a campaign, and start it."""
        id_: str = self.site.good(
            "POST", "/campaigns", {**PLAN, "target": f"id~{self.prefix}-*", **words}
        )["campaign"]
        self.site.good("POST", f"/campaigns/{id_}/start", {})
        return id_


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, _tiny_units: None, pki: Pki, keys: Path
) -> Iterator[Console]:
    """One console for all tests here; each has devices and people of its own."""
    folder = tmp_path_factory.mktemp("campaigns")
    operator = Operator(folder / "operator", keys)
    with console.running(folder / "console", pki, keys) as one:
        for version in ("1", "2"):
            operator.release(System.make(version, 1))
            one.good("POST", "/releases", operator.bundle(version))
        operator.release(System.make("web+2", 1, blocks={"service": 1}))
        one.good("POST", "/releases", operator.bundle("web+2"))
        yield one


_numbers = itertools.count(1)


@pytest.fixture
def ada(open_window: Open) -> Window:
    return open_window(f"ada-{next(_numbers)}")


@pytest.fixture
def fleet(site: Console) -> Fleet:
    made = Fleet(site, f"unit{next(_numbers)}")
    for name in (f"{made.prefix}-{number}" for number in range(3)):
        site.good("POST", "/devices", {"device": name})
        made.links[name] = site.link(name)
        made.call(name)
    return made


def stands(page: Page, text: str) -> None:
    expect(page.locator(".standing-state")).to_have_text(text)


def decide(page: Page, verb: str, *, told: str) -> None:
    """Press what decides, and agree to what will happen."""
    page.locator(".page-actions").get_by_role("button", name=verb, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(told)
    dialog.get_by_role("button", name=verb, exact=True).click()
    expect(dialog).to_have_count(0)


def choose(page: Page, fleet: Fleet) -> None:
    """Take the first steps of the wizard: a system with a service, for these devices."""
    following = page.get_by_role("button", name="Next", exact=True)
    page.get_by_role("radio", name=re.compile("^2 gateway")).check()
    page.get_by_role("checkbox", name="web+2 gateway").check()
    following.click()
    page.get_by_role("combobox", name="Filter of devices").fill(f"id~{fleet.prefix}-*")
    expect(page.locator(".filter-count")).to_have_text("3 devices")
    following.click()


def test_a_campaign_is_planned_in_the_wizard_and_watched_to_its_end(
    ada: Window, fleet: Fleet
) -> None:
    page = ada.page
    ada.go("/campaigns")
    page.get_by_role("main").get_by_role("link", name="New campaign").click()
    following = page.get_by_role("button", name="Next", exact=True)
    expect(page.get_by_role("button", name="Preview")).to_be_disabled()

    choose(page, fleet)
    expect(page.get_by_role("group", name="Wave 4")).to_be_visible()
    following.click()
    soak = page.get_by_label("A device has succeeded when it ran the release for")
    soak.fill("soon")
    expect(page.get_by_role("alert")).to_contain_text("'soon' is no time")
    expect(following).to_be_disabled()
    soak.fill("0 s")
    following.click()
    following.click()

    shown = page.get_by_role("region", name="Preview")
    expect(shown.locator(".waves-preview tbody tr")).to_have_count(4)
    expect(shown.locator(".exposures tbody tr")).to_have_count(3)
    expect(shown).to_contain_text("without a download")
    expect(shown).to_contain_text("3 devices take several releases, one after the other")
    told = page.locator(".wizard-side .command code").inner_text()
    target = f"'id~{fleet.prefix}-*'"
    said = f"edge campaign create --release 2 --release web+2 --target {target} --soak 0 --seed"
    assert told.startswith(said)
    first = shown.locator(".first-ones .tag").first.inner_text()
    page.get_by_label("Name").fill("To two")
    page.get_by_role("button", name="Create and start").click()

    stands(page, "Running")
    id_ = page.url.rpartition("/")[2]
    assert fleet.in_turn(id_)[0] == first
    fleet.obey(first, "succeeded", "2")
    expect(page.locator(".members tbody tr", has_text=first)).to_contain_text("web+2 after 2")
    fleet.obey(first, "succeeded", "web+2", system="2")
    expect(page.locator(".wave").first.get_by_text("1 of 1 succeeded")).to_be_visible()
    for device in fleet.in_turn(id_)[1:]:
        fleet.take_set(device)
    stands(page, "Finished")
    expect(page.locator(".figure").nth(1)).to_contain_text("3")
    expect(page.locator(".members tbody tr[data-state=succeeded]")).to_have_count(3)
    expect(page.locator(".journal")).to_contain_text("It came to its end")
    ada.go(f"/devices/{first}")
    page.get_by_role("link", name="To two").click()
    stands(page, "Finished")
    assert ada.violations() == []


def test_a_failure_pauses_it_and_a_person_lets_it_go_on(ada: Window, fleet: Fleet) -> None:
    page, id_ = ada.page, fleet.begin()
    first, *others = fleet.in_turn(id_)
    ada.go(f"/campaigns/{id_}")
    stands(page, "Running")

    fleet.obey(first, "failed", "1", "app: not ready")
    stands(page, "Paused by its rule")
    expect(page.locator(".standing-reason")).to_have_text("wave 1: 1 failed, and 1 are too many")
    row = page.locator(".members tbody tr").first
    expect(row).to_contain_text("app: not ready")
    expect(page.get_by_role("meter", name="Failures of wave 1")).to_have_attribute(
        "aria-valuenow", "100"
    )
    decide(page, "Resume", told="The failures that were seen count no more")

    stands(page, "Running")
    expect(page.locator(".standing")).to_contain_text("wave 2 of 2")
    for device in others:
        fleet.obey(device, "succeeded", "2")
    stands(page, "Finished")
    acts = fleet.site.good("GET", f"/audit?subject=campaign:{id_}")["entries"]
    [resumed] = [one["actor"] for one in acts if one["act"] == "campaign.resume"]
    assert resumed.startswith("person:ada-")


def test_a_failure_lets_devices_go_back_by_themselves(ada: Window, fleet: Fleet) -> None:
    page, id_ = ada.page, fleet.begin(on_trip="revert", pace={"at_once": 1})
    first, second, _third = fleet.in_turn(id_)
    ada.go("/campaigns")
    expect(page.locator(".campaign-row").first).to_contain_text("Running")
    page.keyboard.press("j")
    page.keyboard.press("Enter")

    fleet.obey(first, "succeeded", "2")
    fleet.obey(second, "failed", "1", "disk full")
    stands(page, "Going back")
    fleet.obey(first, "succeeded", "1")
    stands(page, "Went back")

    expect(page.locator(".figure").last).to_contain_text("of 1")
    page.get_by_role("button", name="went back 1").click()
    expect(page.locator(".members tbody tr")).to_have_count(1)
    expect(page.locator(".member-why")).to_have_text("2 → 1")
    expect(page.get_by_role("region", name="Why devices failed")).to_contain_text("disk full")
    ada.go("/")
    expect(page.get_by_role("region", name="Campaigns")).to_contain_text("Went back")
    expect(page.get_by_role("region", name="Last acts")).to_contain_text("orders back the devices")


def test_a_plan_is_changed_and_decisions_say_what_will_happen_to_how_many_devices(
    ada: Window, fleet: Fleet
) -> None:
    page, id_ = ada.page, fleet.begin()
    first = fleet.in_turn(id_)[0]
    fleet.obey(first, "succeeded", "2")
    ada.go(f"/campaigns/{id_}")
    expect(page.locator(".figure").nth(1)).to_contain_text("1")

    page.get_by_role("button", name="Go back", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 device that took 2 start their other slot again")
    dialog.get_by_label("Reason").fill("it's bad")
    expect(dialog.locator(".command code")).to_have_text(
        f"edge campaign revert {id_} --reason 'it'\\''s bad' --yes"
    )
    dialog.get_by_role("button", name="Cancel").click()
    assert fleet.site.good("GET", f"/campaigns/{id_}")["state"] == "running"
    page.get_by_role("button", name="More decisions").click()
    page.get_by_role("menuitem", name="Change the plan").click()
    expect(page.get_by_label("Up to, wave 1")).to_be_disabled()
    page.get_by_label("Stops at, wave 2").fill("2")
    page.get_by_role("button", name="Pace and time").click()
    page.get_by_label("Devices under way at once").fill("7")
    page.get_by_role("button", name="Change the plan").click()
    expect(page.get_by_role("region", name="Plan", exact=True)).to_contain_text("At once7")
    plan = fleet.site.good("GET", f"/campaigns/{id_}")["plan"]
    limits = [one["limit"] for one in plan["waves"]]
    assert [(one["count"], one["percent"]) for one in limits] == [(1, 10), (2, None)]
    assert (plan["pace"]["at_once"], plan["times"]["soak_s"], plan["evidence"]) == (7, 0, None)
    decide(page, "Stop", told="1 device that run 2 keep it")

    expect(page.locator(".standing-state")).to_have_text("Stopped")


def test_an_approver_approves_and_a_viewer_decides_nothing(open_window: Open, fleet: Fleet) -> None:
    id_ = fleet.begin(approvals=1)
    vera = open_window("vera", Role.VIEWER)
    vera.go(f"/campaigns/{id_}")
    stands(vera.page, "Waits for approval")
    expect(vera.page.locator(".page-actions button")).to_have_count(0)
    vera.go("/campaigns/new")
    expect(vera.page.get_by_text("You can not make one")).to_be_visible()
    status = vera.value(
        f"""fetch('/api/v1/campaigns/{id_}/abort', {{method: 'POST', body: '{{}}', headers:
        {{'Content-Type': 'application/json',
          'X-Edge-Page': JSON.parse(document.body.dataset.visitor).own_page}}}})
        .then((answer) => answer.status)"""
    )
    assert status == 403

    adam = open_window("adam", Role.APPROVER)
    adam.go(f"/campaigns/{id_}")
    expect(adam.page.locator(".page-actions > button")).to_have_text(["Approve"])
    adam.page.get_by_role("button", name="Approve").click()
    adam.page.get_by_role("dialog").get_by_label("Reason").fill("tried in the lab")
    adam.page.get_by_role("dialog").get_by_role("button", name="Approve").click()

    stands(adam.page, "Running")
    expect(adam.page.get_by_role("region", name="Approvals")).to_contain_text("tried in the lab")
    vera.go(f"/campaigns/{id_}")
    expect(vera.page.get_by_role("region", name="Approvals")).to_contain_text("adam")


def test_campaigns_are_compared_and_hostile_texts_stay_text(
    ada: Window, fleet: Fleet, open_window: Open
) -> None:
    name = HOSTILE[:200]
    one = fleet.begin(name=name, target=f"id={fleet.prefix}-0")
    fleet.obey(f"{fleet.prefix}-0", "failed", "1", HOSTILE[:200])
    other = fleet.begin(name="plain")
    fleet.site.good("POST", f"/campaigns/{other}/pause", {"reason": HOSTILE[:200]})

    for path in ("/", "/campaigns", f"/campaigns/{one}", f"/campaigns/{other}", "/audit"):
        ada.go(path)
        ada.page.wait_for_timeout(50)
        assert ada.value("document.querySelectorAll('main img, main script').length") == 0, path
        assert ada.value("window.ran") == [], path
    ada.go(f"/campaigns/{one}")
    expect(ada.page.locator("h1")).to_have_text(name)
    expect(ada.page.locator(".members")).to_contain_text(HOSTILE[:200])
    held: list[Route] = []
    ada.go("/campaigns")
    ada.page.route("**/api/v1/campaigns?*", lambda route: held.append(route))
    ada.page.get_by_role("navigation").get_by_role("link", name="Campaigns").click()
    ada.page.get_by_role("link", name="Devices").click()
    expect(ada.page.locator(".device-row").first).to_be_visible()
    # What a screen asked for that was left comes late, and draws nothing.
    for route in held:
        route.continue_()
    ada.page.unroute("**/api/v1/campaigns?*")
    expect(ada.page.locator("h1")).to_have_text("Devices")
    ada.go("/campaigns")
    for box in ada.page.get_by_role("checkbox").all()[:2]:
        box.check()
    ada.page.keyboard.press("c")
    expect(ada.page.locator(".comparison thead th")).to_have_count(3)
    expect(ada.page.locator(".comparison thead")).to_contain_text(name)
    assert ada.value("window.ran") == []

    small = open_window("eve", size=PHONE)
    for path in ("/campaigns", f"/campaigns/{one}", f"/campaigns/compare?ids={one},{other}"):
        small.go(path)
        assert small.value("document.documentElement.scrollWidth") <= PHONE[0], path


def test_who_is_limited_to_a_group_sees_its_devices_and_makes_a_campaign_of_them(
    open_window: Open, fleet: Fleet
) -> None:
    mine, *others = sorted(fleet.links)
    fleet.site.good("PUT", f"/groups/{fleet.prefix}", {})
    fleet.site.good("POST", f"/groups/{fleet.prefix}/members", {"add": [mine]})
    id_ = fleet.begin(name=f"all but {others[0]}")
    lena = open_window("lena", Role.OPERATOR, groups=frozenset({fleet.prefix}))
    page = lena.page

    lena.go(f"/campaigns/{id_}")
    stands(page, "Running")
    expect(page.locator(".standing")).to_contain_text("of your devices alone")
    expect(page.locator(".page-actions > button")).to_have_count(0)
    assert not [one for one in others if one in page.locator("main").inner_text()]
    lena.go("/campaigns/new?version=2&product=gateway#preview")

    expect(page.get_by_role("main")).to_contain_text(f"Devices of {fleet.prefix} alone")
    page.get_by_role("button", name="Only create").click()
    stands(page, "Draft")
    expect(page.get_by_role("region", name="Plan")).to_contain_text(f"members of {fleet.prefix}")
