"""Webhooks and keys of enrolment on the page of settings: made, told once, tested, revoked."""

import re

import pytest
from playwright.sync_api import expect

from edge.console.people.roles import Role
from tests.edge.console.pages.conftest import Open
from tests.fakes.chromium import Window
from tests.fakes.console import Console

pytestmark = pytest.mark.tools


def test_a_key_of_enrolment_is_told_once_and_revoked(ada: Window, site: Console) -> None:
    site.good("PUT", "/groups/hall", {})
    ada.go("/settings")

    ada.page.get_by_role("button", name="Make a key").click()
    ada.page.get_by_label("What it is for").fill("hall 3")
    ada.page.get_by_label("For which ids").fill("gw-*")
    ada.page.get_by_label("For how many devices").fill("40")
    ada.page.get_by_label("They become members of").select_option("hall")
    expect(ada.page.locator("dialog .command code")).to_have_text(
        "edge enrolment create 'hall 3' --for 'gw-*' --group hall --uses 40"
    )
    ada.page.get_by_role("button", name="Make it").click()
    expect(ada.page.locator(".secret code")).to_have_text(re.compile("edge-enrol_[0-9a-f_]{81}"))
    text = ada.page.locator(".secret code").inner_text()
    ada.page.get_by_role("button", name="I have it").click()

    made = site.good("GET", "/enrolment-keys")["keys"][0]
    facts = {name: made[name] for name in ("name", "pattern", "group", "uses_left", "is_trusted")}
    assert facts == {
        "name": "hall 3",
        "pattern": "gw-*",
        "group": "hall",
        "uses_left": 40,
        "is_trusted": False,
    }
    ada.page.get_by_role("button", name="Revoke the key hall 3").click()
    expect(ada.page.locator("dialog .command code")).to_have_text(
        f"edge enrolment revoke {made['key']} --yes"
    )
    ada.page.get_by_role("button", name="Revoke hall 3").click()
    expect(ada.page.get_by_text("The key hall 3 is revoked")).to_be_visible()
    assert site.good("GET", "/enrolment-keys")["keys"][0]["revoked_at_s"]
    assert text not in ada.page.content()


def test_a_webhook_is_made_tested_turned_off_and_removed(ada: Window, site: Console) -> None:
    ada.go("/settings")

    ada.page.get_by_role("button", name="Make a webhook").click()
    ada.page.get_by_label("Name", exact=True).fill("pager")
    ada.page.get_by_label("Address").fill("https://localhost:9/edge")
    ada.page.get_by_label("What it tells").fill("event.failed")
    expect(ada.page.locator("dialog .command code")).to_have_text(
        "edge hooks add pager https://localhost:9/edge --kind event.failed"
    )
    ada.page.get_by_role("button", name="Make it").click()
    expect(ada.page.locator(".secret code")).to_have_text(re.compile("[0-9a-f]{64}"))
    ada.page.get_by_role("button", name="I have it").click()
    hook = site.good("GET", "/hooks")["hooks"][0]["hook"]

    def act(name: str) -> None:
        ada.page.get_by_role("button", name="Actions of the webhook pager").click()
        ada.page.get_by_role("menuitem", name=name).click()

    act("Send a test")
    expect(ada.page.locator(".toast code").last).to_have_text(f"edge hooks test {hook}")
    act("Turn it off")
    expect(ada.page.get_by_text("The webhook pager is off")).to_be_visible()
    assert not site.good("GET", "/hooks")["hooks"][0]["is_on"]
    act("What it has sent")
    expect(ada.page.locator("dialog")).to_contain_text("Nothing was sent yet")
    ada.page.get_by_role("button", name="Close", exact=True).last.click()
    act("Remove…")
    ada.page.get_by_role("button", name="Remove pager").click()
    expect(ada.page.get_by_text("The webhook pager is removed")).to_be_visible()
    assert site.good("GET", "/hooks")["hooks"] == []


def test_who_may_not_make_them_does_not_see_them(open_window: Open, site: Console) -> None:
    bob = open_window("bob", Role.VIEWER)

    bob.go("/settings")

    expect(bob.page.get_by_role("heading", name="You")).to_be_visible()
    expect(bob.page.get_by_role("heading", name="Webhooks")).to_have_count(0)
    expect(bob.page.get_by_role("heading", name="Keys of enrolment")).to_have_count(0)
