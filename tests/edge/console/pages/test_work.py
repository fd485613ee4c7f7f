"""What an operator does in a day, in a browser, at a real console."""

import re
from contextlib import suppress
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from edge.console import overviews
from edge.console.people.roles import Role
from edge_agent.errors import AgentError
from edge_signing.messages import EventId, ReportEvent, Status
from tests.agent.power.system import System
from tests.edge.console.pages.conftest import Open
from tests.fakes.chromium import Window
from tests.fakes.console import Console, sql
from tests.fakes.operator import Operator

pytestmark = pytest.mark.tools


def knock(site: Console, device: str) -> None:
    """Let a device that nobody knows call."""
    with suppress(AgentError):
        site.link(device).desired()


def test_a_device_that_asks_appears_by_itself_and_is_accepted(ada: Window, site: Console) -> None:
    ada.go("/")
    expect(ada.page.get_by_text("No device has come yet")).to_be_visible()

    knock(site, "unit-7")
    ada.page.get_by_role("button", name="Accept unit-7").click()

    expect(ada.page.locator(".toast p")).to_have_text("unit-7 is accepted")
    expect(ada.page.locator(".toast code")).to_have_text("edge devices accept unit-7")
    expect(ada.page.get_by_text("Nothing needs you")).to_be_visible()
    assert site.good("GET", "/devices/unit-7")["state"] == "accepted"
    last = site.good("GET", "/audit?newest=true&act=device.accept")["entries"][0]
    assert last["actor"] == "person:ada"


def test_a_device_that_asks_while_figures_are_kept_appears_before_the_page_looks_again(
    ada: Window, site: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overviews, "FRESH_S", 6.0)
    ada.go("/")

    knock(site, "unit-7")

    # By itself the page looks each 30 s.
    button = ada.page.get_by_role("button", name="Accept unit-7")
    expect(button).to_be_visible(timeout=20_000)


def test_a_mistake_in_a_filter_is_shown_at_its_place(ada: Window, site: Console) -> None:
    for name in ("unit-1", "unit-2"):
        site.good("POST", "/devices", {"device": name})
    ada.go("/devices")
    box = ada.page.get_by_role("combobox", name="Filter of devices")

    ada.page.keyboard.press("/")
    expect(box).to_be_focused()
    box.fill("id=unit-1 and vershun<1")
    expect(ada.page.locator(".filter-mistake mark")).to_have_text("vershun")
    expect(ada.page.get_by_role("alert")).to_contain_text("did you mean 'version'?")
    box.fill("id=unit-1")

    expect(ada.page.locator(".filter-count")).to_have_text("1 device")
    expect(ada.page.locator(".device-row")).to_have_count(1)
    assert "filter=id%3Dunit-1" in ada.page.url


def test_a_filter_is_completed_by_the_keyboard_and_saved(ada: Window, site: Console) -> None:
    site.good("POST", "/devices", {"device": "unit-1"})
    site.good("POST", "/devices/unit-1/tags", {"add": ["berlin"]})
    ada.go("/devices")

    ada.page.keyboard.press("/")
    ada.page.keyboard.type("ta")
    expect(ada.page.locator(".filter-list").get_by_role("option")).to_have_count(1)
    ada.page.keyboard.press("Tab")
    ada.page.keyboard.type("=b")
    ada.page.get_by_role("option", name="berlin").click()
    expect(ada.page.locator(".filter-count")).to_have_text("1 device")
    ada.page.get_by_role("button", name="Save this filter").click()
    ada.page.get_by_label("Name").fill("berlin")
    expect(ada.page.locator("dialog code").last).to_have_text(
        re.compile("edge groups set berlin --filter '?tag=berlin")
    )
    ada.page.get_by_role("button", name="Save", exact=True).click()

    expect(ada.page.get_by_role("button", name="berlin 1")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert site.good("GET", "/groups/berlin")["filter"].strip() == "tag=berlin"


def test_many_devices_are_accepted_with_an_honest_summary(ada: Window, site: Console) -> None:
    for name in ("unit-1", "unit-2"):
        knock(site, name)
    site.good("POST", "/devices", {"device": "unit-3"})
    ada.go("/devices")
    expect(ada.page.locator(".device-row")).to_have_count(3)

    ada.page.keyboard.press("*")
    ada.page.get_by_role("region", name="Selected devices").get_by_text("Accept").click()
    expect(ada.page.locator("dialog code")).to_have_text(
        'for device in unit-1 unit-2 unit-3; do edge devices accept "$device"; done'
    )
    ada.page.get_by_role("button", name="Accept 3").click()

    dialog = ada.page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 devices accepted, 1 not.")
    expect(dialog).to_contain_text("it is accepted: it can not be accepted")
    expect(dialog).to_contain_text("unit-3")


def test_the_keyboard_alone_leads_to_a_device_and_back(ada: Window, site: Console) -> None:
    for number in range(1, 4):
        site.good("POST", "/devices", {"device": f"unit-{number}"})
    ada.go("/")

    for key in ("g", "d"):
        ada.page.keyboard.press(key)
    expect(ada.page.locator(".device-row")).to_have_count(3)
    for key in ("j", "j", "x", "k", "x"):
        ada.page.keyboard.press(key)
    expect(ada.page.get_by_role("region", name="Selected devices")).to_contain_text("2 selected")
    ada.page.keyboard.press("j")
    ada.page.keyboard.press("Enter")
    expect(ada.page.get_by_role("heading", name="unit-2")).to_be_visible()
    ada.page.keyboard.press("u")
    expect(ada.page.locator(".device-row")).to_have_count(3)
    ada.page.keyboard.press("?")
    expect(ada.page.get_by_role("dialog", name="Keys")).to_be_visible()
    ada.page.keyboard.press("Escape")
    expect(ada.page.get_by_role("dialog")).to_have_count(0)
    for key in ("g", "c"):
        ada.page.keyboard.press(key)
    expect(ada.page.get_by_text("There is no campaign yet")).to_be_visible()
    ada.page.keyboard.press("n")
    expect(ada.page.get_by_text("There is no published release yet")).to_be_visible()


def test_a_bundle_is_uploaded_and_a_device_takes_it_while_somebody_watches(
    ada: Window, site: Console, operator: Operator
) -> None:
    operator.release(System.make("2", 2))
    bundle = operator.bundle("2")
    site.good("POST", "/devices", {"device": "unit-7"})
    link = site.link("unit-7")
    idle = Status("b-1", slot="a", board="board", product="gateway", version="1", counter=1)
    idle = replace(idle, services={"web": "web+1.9"})
    link.send_state(idle)

    ada.go("/releases")
    files = {"name": "gateway-2.edge", "mimeType": "application/octet-stream", "buffer": bundle}
    ada.page.get_by_label("Bundles to upload").set_input_files(files)  # type: ignore[arg-type]
    expect(ada.page.get_by_text("gateway 2 is published")).to_be_visible()
    expect(ada.page.locator(".releases tbody tr")).to_have_count(1)

    ada.go("/devices/unit-7")
    running = ada.page.get_by_role("row").filter(has_text="Service web")
    expect(running).to_contain_text("web+1.9")
    ada.page.keyboard.press("d")
    expect(ada.page.get_by_role("dialog").locator("code").last).to_have_text(
        "edge deploy 2 --to unit-7"
    )
    ada.page.get_by_text("Restart in the maintenance window").click()
    expect(ada.page.get_by_role("dialog").locator("code").last).to_contain_text("reboot window")
    ada.page.get_by_role("button", name="Deploy 2").click()
    expect(ada.page.get_by_text("The device has not begun with it")).to_be_visible()

    action = site.good("GET", "/devices/unit-7/orders")["orders"][0]["action"]
    work = {"action": action, "phase": "installing", "planned_bytes": 4096, "bytes_per_s": 100}
    for done in (1024, 3072):
        link.send_state(Status(**{**_facts(idle), **work, "seq": 1, "done_bytes": done}))
        bar = ada.page.get_by_role("progressbar", name="How far it is")
        expect(bar).to_have_attribute("aria-valuenow", str(done * 100 // 4096))
    expect(ada.page.locator(".steps [aria-current=step]")).to_have_text("Writing")
    link.send_state(Status(**{**_facts(idle), "action": action, "phase": "trial", "seq": 1}))
    expect(ada.page.locator(".steps [aria-current=step]")).to_have_text("Trial")
    link.send_events([ReportEvent(EventId("b-1", 1), 1, "succeeded", action, "2")])
    link.send_state(Status(**{**_facts(idle), "action": action, "version": "2", "seq": 1}))

    expect(ada.page.locator(".update-head .badge")).to_have_text("succeeded")
    expect(ada.page.locator(".timeline").get_by_text("kept the new version")).to_be_visible()


def _facts(status: Status) -> dict[str, object]:
    return {name: getattr(status, name) for name in Status.__dataclass_fields__}


def test_what_is_no_bundle_is_refused_with_its_reason(ada: Window) -> None:
    ada.go("/releases")
    expect(ada.page.get_by_text("There is no release yet")).to_be_visible()

    files = {"name": "x.edge", "mimeType": "application/octet-stream", "buffer": b"no bundle"}
    ada.page.get_by_label("Bundles to upload").set_input_files(files)  # type: ignore[arg-type]

    expect(ada.page.locator(".upload.is-bad")).to_contain_text("Refused: ")


def test_a_device_is_revoked_after_a_question_that_names_it(ada: Window, site: Console) -> None:
    site.good("POST", "/devices", {"device": "unit-7"})
    ada.go("/devices/unit-7")

    def choose(item: str) -> None:
        ada.page.get_by_role("button", name="More actions").click()
        ada.page.get_by_role("menuitem", name=item).click()

    choose("Revoke")
    dialog = ada.page.get_by_role("dialog", name="Revoke unit-7?")
    dialog.get_by_role("button", name="Cancel").click()
    assert site.good("GET", "/devices/unit-7")["state"] == "accepted"
    choose("Revoke")
    dialog.get_by_role("button", name="Revoke unit-7").click()
    expect(ada.page.locator("h1 .badge")).to_have_text("revoked")
    choose("Decommission")
    last = ada.page.get_by_role("dialog").get_by_role("button", name="Decommission")
    expect(last).to_be_disabled()
    ada.page.get_by_role("dialog").get_by_role("textbox").fill("unit-7")
    last.click()

    expect(ada.page.locator("h1 .badge")).to_have_text("decommissioned")
    assert site.good("GET", "/devices/unit-7")["state"] == "decommissioned"


def test_tags_attributes_and_notes_are_changed_in_place(ada: Window, site: Console) -> None:
    site.good("POST", "/devices", {"device": "unit-7"})
    ada.go("/devices/unit-7")

    ada.page.get_by_label("Add a tag").fill("berlin canary")
    ada.page.keyboard.press("Enter")
    ada.page.get_by_role("button", name="Remove the tag canary").click()
    ada.page.get_by_label("Name of the attribute").fill("site")
    ada.page.get_by_label("Value of the attribute").fill("Hall 3")
    ada.page.keyboard.press("Enter")
    expect(ada.page.get_by_role("button", name="Remove the attribute site")).to_be_visible()
    ada.page.get_by_role("textbox", name="Notes").fill("ask Jens")
    ada.page.get_by_role("button", name="Keep").click()
    expect(ada.page.get_by_text("The notes are kept")).to_be_visible()

    found = site.good("GET", "/devices/unit-7")
    assert (found["tags"], found["attributes"], found["notes"]) == (
        ["berlin"],
        {"site": "Hall 3"},
        "ask Jens",
    )


def test_a_viewer_is_offered_nothing_that_is_refused_him(open_window: Open, site: Console) -> None:
    site.good("POST", "/devices", {"device": "unit-7"})
    eve = open_window("eve", Role.VIEWER)

    eve.go("/devices/unit-7")

    for name in ("Deploy", "More actions", "Set", "Keep"):
        expect(eve.page.get_by_role("button", name=name, exact=True)).to_have_count(0)


def test_a_token_is_told_once_and_revoked(ada: Window, site: Console) -> None:
    ada.go("/settings")
    expect(ada.page.get_by_role("region", name="Console")).to_contain_text("SQLite answers")
    expect(ada.page.get_by_role("region", name="Console")).to_contain_text("off: devices poll")
    ada.page.get_by_role("button", name="Make a token").click()
    ada.page.get_by_label("What it is for").fill("ci")
    ada.page.get_by_role("button", name="Make it").click()
    text = ada.page.locator(".secret code").inner_text()
    assert site.ask("GET", "/api/v1/devices", token=text).status == 200
    ada.page.get_by_role("button", name="I have it").click()
    ada.page.get_by_role("button", name="Revoke the token ci").click()
    ada.page.get_by_role("button", name="Revoke ci").click()

    expect(ada.page.get_by_text("The token ci is revoked")).to_be_visible()
    assert site.ask("GET", "/api/v1/devices", token=text).status == 401
    assert text not in ada.page.content()


def test_the_chain_of_the_audit_log_is_checked_in_the_browser(ada: Window, site: Console) -> None:
    site.good("POST", "/devices", {"device": "unit-7"})
    site.good("PUT", "/devices/unit-7/notes", {"notes": 'ä "\\\n\u2028 \U0001f600 </script>'})
    ada.go("/audit")
    expect(ada.page.get_by_text("Chain holds")).to_be_visible()

    text = "update audit set subject = 'device:unit-8' where act = 'device.register'"
    sql(site.running.office.database, text)
    ada.go("/audit")

    expect(ada.page.get_by_role("alert")).to_contain_text("is not the one that was written")


def test_somebody_is_invited_and_his_role_changed(ada: Window, site: Console) -> None:
    ada.go("/settings")
    ada.page.get_by_role("button", name="Invite somebody").click()
    ada.page.get_by_label("Name to log in with").fill("eve")
    ada.page.get_by_role("radio", name="viewer").check()
    command = ada.page.get_by_role("dialog").locator(".command code")
    expect(command).to_have_text("edge people invite eve --role viewer")
    ada.page.get_by_role("button", name="Make a link").click()
    link = ada.page.locator(".secret code").inner_text()
    assert link.startswith(f"{site.api_url}/welcome#")
    ada.page.get_by_role("button", name="I have it").click()
    ada.page.get_by_role("button", name="What to do with eve").click()
    ada.page.get_by_role("menuitem", name="Role and reach").click()
    ada.page.get_by_role("radio", name="operator").check()
    ada.page.get_by_role("button", name="Change it").click()

    expect(ada.page.locator(".toast p")).to_have_text("eve is operator now")
    people = {one["person"]: one["role"] for one in site.good("GET", "/people")["people"]}
    assert people == {"ada": "admin", "eve": "operator"}


def test_who_is_limited_to_a_group_sees_its_devices_and_no_trouble(
    open_window: Open, site: Console
) -> None:
    for name in ("ours", "theirs"):
        site.good("POST", "/devices", {"device": name})
    site.good("PUT", "/groups/hall-3", {})
    site.good("POST", "/groups/hall-3/members", {"add": ["ours"]})
    eve = open_window("eve", Role.OPERATOR, groups=frozenset({"hall-3"}))

    for path in ("/", "/devices", "/releases", "/settings", "/devices/ours"):
        eve.go(path)
        assert "theirs" not in eve.page.locator("main").inner_text()
        expect(eve.page.locator(".empty-icon.is-bad, .toast.is-bad")).to_have_count(0)
    eve.go("/devices/theirs")
    expect(eve.page.get_by_text("no device 'theirs'")).to_be_visible()


def test_a_release_is_deployed_to_the_devices_of_a_filter(
    ada: Window, site: Console, operator: Operator
) -> None:
    operator.release(System.make("2", 2))
    site.good("POST", "/releases", operator.bundle("2"))
    for name, board in (("unit-1", "board"), ("unit-2", "board"), ("unit-3", "other")):
        site.good("POST", "/devices", {"device": name})
        about = Status("b-1", board=board, product="gateway", version="1", counter=1)
        site.link(name).send_state(about)
    ada.go("/releases/gateway/2")

    ada.page.get_by_role("button", name="Deploy to devices").click()
    dialog = ada.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Deploy 2 to 2 devices")).to_be_enabled()
    dialog.get_by_role("combobox").fill("id~unit-*")
    expect(dialog).to_contain_text("Left out: 1 (it is for board)")
    dialog.get_by_role("combobox").fill("id in (unit-1, unit-3)")
    dialog.get_by_role("button", name="Deploy 2 to 1 device", exact=True).click()

    expect(ada.page.locator(".toast p")).to_have_text("2 is ordered of unit-1")
    assert site.good("GET", "/devices/unit-1")["desired_release"] == "gateway/2/release.json"
    assert site.good("GET", "/devices/unit-2")["desired_release"] == ""


def test_devices_are_put_into_a_group_and_taken_out(ada: Window, site: Console) -> None:
    for name in ("unit-1", "unit-2"):
        site.good("POST", "/devices", {"device": name})
    site.good("PUT", "/groups/hall-3", {})
    ada.go("/devices")
    expect(ada.page.locator(".device-row")).to_have_count(2)
    bulk = ada.page.get_by_role("region", name="Selected devices")
    dialog = ada.page.get_by_role("dialog")

    ada.page.keyboard.press("*")
    bulk.get_by_role("button", name="Group").click()
    expect(dialog.locator("code")).to_have_text("edge groups add hall-3 unit-1 unit-2")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_contain_text("2 devices added.")
    dialog.get_by_text("Close", exact=True).click()
    expect(bulk).to_have_count(0)
    assert site.good("GET", "/groups/hall-3")["devices"] == 2
    ada.page.get_by_role("checkbox", name="Select unit-1").check()
    bulk.get_by_role("button", name="Group").click()
    dialog.get_by_text("Take them out").click()
    dialog.get_by_role("button", name="Take out").click()

    expect(dialog).to_contain_text("1 device taken out.")
    assert site.good("GET", "/groups/hall-3")["devices"] == 1
