"""Orders of devices that speak DDI, by a device that is written from the specification."""

from collections.abc import Callable

import pytest

from edge.console.ddi import reporting
from tests.fakes.console import Console, sql
from tests.fakes.ddi_device import PAYLOAD, DdiDevice, device_with_token

Order = Callable[..., str]
States = Callable[[DdiDevice], list[tuple[str, str]]]


def kinds(device: DdiDevice) -> list[str]:
    found = device.site.good("GET", f"/events?device={device.name}")["events"]
    return [one["kind"] for one in found]


def test_an_order_is_fetched_installed_and_succeeds(
    site: Console, device: DdiDevice, order: Order, state: States
) -> None:
    number = order(device, "2")

    told = device.take()
    artifact = told["deployment"]["chunks"][0]["artifacts"][0]
    file = device.ask("GET", artifact["_links"]["download"]["href"])
    statuses = [
        device.feedback(number, "download", "none", "0 of 1"),
        device.feedback(number, "downloaded"),
        device.feedback(number, "proceeding", progress={"cnt": 1, "of": 4}),
    ]
    during = site.good("GET", f"/devices/{device.name}")
    statuses.append(device.feedback(number, "closed", "success", "done"))

    after = site.good("GET", f"/devices/{device.name}")
    assert (told["id"], file.body, statuses) == (number, PAYLOAD + b"2", [200] * 4)
    assert (during["phase"], during["percent"], during["release"]) == (
        "installing",
        25,
        "gateway/2/files",
    )
    assert (after["phase"], after["version"], after["product"]) == ("idle", "2", "gateway")
    assert state(device) == [("succeeded", "done")]
    assert kinds(device) == ["downloading", "downloaded", "installing", "succeeded"]
    assert set(device.links()) == {"installedBase", "configData"}


def test_an_order_that_fails_has_the_reason_of_the_device(
    site: Console, device: DdiDevice, order: Order, state: States
) -> None:
    number = order(device)
    device.take()

    device.feedback(number, "closed", "failure", "no room", "on the other slot")

    assert state(device) == [("failed", "no room\non the other slot")]
    shown = site.good("GET", f"/devices/{device.name}")
    assert (shown["phase"], shown["reason"], shown["version"]) == (
        "idle",
        "no room\non the other slot",
        "",
    )
    assert "deploymentBase" not in device.links()


def test_feedback_that_comes_again_or_late_changes_nothing(
    site: Console, device: DdiDevice, order: Order, state: States
) -> None:
    number = order(device)
    device.take()
    said = [("proceeding", "none", "half"), ("closed", "success", "done")]
    for words in said:
        device.feedback(number, *words)
    before = kinds(device), site.good("GET", f"/devices/{device.name}"), state(device)

    again = [device.feedback(number, *words) for words in said]
    differently = device.feedback(number, "closed", "success", "after a restart")
    late = device.feedback(number, "proceeding", "none", "a quarter")
    contrary = device.feedback(number, "closed", "failure", "no")

    assert (again, differently, late, contrary) == ([200, 200], 200, 410, 410)
    after = kinds(device), site.good("GET", f"/devices/{device.name}"), state(device)
    for one in (before[1], after[1]):
        del one["first_seen_s"], one["last_seen_s"], one["via"]
    assert after == before


def test_an_order_that_the_device_never_heard_of_is_taken_back_at_once(
    site: Console, device: DdiDevice, order: Order, state: States
) -> None:
    order(device)

    asked = site.good("POST", f"/devices/{device.name}/orders/cancel")

    assert asked["state"] == "cancelled"
    assert state(device) == [("cancelled", "taken back before the device had heard of it")]
    assert set(device.links()) == {"configData"}
    assert site.ask("POST", f"/api/v1/devices/{device.name}/orders/cancel").status == 409


def test_only_closed_on_the_cancel_channel_is_acceptance(
    site: Console, device: DdiDevice, order: Order, state: States
) -> None:
    number = order(device)
    device.take()
    asked = site.good("POST", f"/devices/{device.name}/orders/cancel")
    links = device.links()

    told = device.ask("GET", links["cancelAction"]).json
    gone = device.ask("GET", f"/deploymentBase/{number}").status
    for execution in ("canceled", "proceeding", "scheduled"):
        assert device.feedback(number, execution, "success", channel="cancelAction") == 200
    between = state(device)
    accepted = device.feedback(number, "closed", "success", channel="cancelAction")

    assert (asked["state"], bool(asked["cancel_asked_at_s"])) == ("open", True)
    assert told == {"id": number, "cancelAction": {"stopId": number}}
    assert (gone, "deploymentBase" in links) == (404, False)
    assert between == [("open", "")]
    assert (accepted, state(device)) == (200, [("cancelled", "")])


def test_a_device_that_will_not_stop_goes_on(
    site: Console, device: DdiDevice, order: Order, state: States
) -> None:
    number = order(device)
    device.take()
    site.good("POST", f"/devices/{device.name}/orders/cancel")

    refused = device.feedback(number, "rejected", "success", "too late", channel="cancelAction")

    assert (refused, set(device.links()) & {"deploymentBase", "cancelAction"}) == (
        200,
        {"deploymentBase"},
    )
    assert device.feedback(number, "closed", "success") == 200
    assert state(device)[0][0] == "succeeded"


def test_a_device_that_is_asked_again_may_say_the_same_again(
    site: Console, device: DdiDevice, order: Order
) -> None:
    number = order(device)
    device.take()
    for _time in range(2):
        site.good("POST", f"/devices/{device.name}/orders/cancel")
        assert device.feedback(number, "rejected", "none", "no", channel="cancelAction") == 200

        assert "deploymentBase" in device.links()
    assert device.feedback(number, "rejected", "none", "no", channel="cancelAction") == 200
    assert "deploymentBase" in device.links()


def test_what_is_done_while_it_is_asked_back_is_done(
    site: Console, device: DdiDevice, order: Order, state: States
) -> None:
    number = order(device)
    device.take()
    site.good("POST", f"/devices/{device.name}/orders/cancel")

    assert device.feedback(number, "closed", "success") == 200
    assert state(device)[0][0] == "succeeded"
    assert device.feedback(number, "closed", "success", channel="cancelAction") == 410


def test_nothing_is_cancelled_that_nobody_asked_back(device: DdiDevice, order: Order) -> None:
    number = order(device)
    device.take()

    assert device.feedback(number, "closed", "success", channel="cancelAction") == 405
    assert device.ask("GET", f"/cancelAction/{number}").status == 404


def test_a_new_order_comes_after_the_device_has_let_the_old_one_go(
    device: DdiDevice, order: Order, state: States
) -> None:
    first = order(device, "1")
    device.take()

    second = order(device, "2")
    before = device.links()
    device.feedback(first, "closed", "success", channel="cancelAction")
    told = device.take()

    assert "cancelAction" in before
    assert "deploymentBase" not in before
    assert (told["id"], told["deployment"]["chunks"][0]["version"]) == (second, "2")
    assert [one for one, _reason in state(device)] == ["open", "cancelled"]


def test_an_order_that_was_never_heard_of_is_replaced_without_a_word(
    device: DdiDevice, order: Order, state: States
) -> None:
    first = order(device, "1")

    second = order(device, "2")

    assert device.take()["id"] == second
    assert device.feedback(first, "closed", "success") == 410
    assert [one for one, _reason in state(device)] == ["open", "replaced"]


def test_late_feedback_of_the_order_before_does_not_show_as_the_newest_state(
    site: Console, device: DdiDevice, order: Order
) -> None:
    first = order(device, "1")
    device.take()
    second = order(device, "2")
    device.feedback(first, "rejected", "none", channel="cancelAction")
    device.feedback(first, "closed", "failure", "broken")
    device.take()
    device.feedback(second, "proceeding")

    device.feedback(first, "closed", "failure", "broken")

    shown = site.good("GET", f"/devices/{device.name}")
    assert (shown["phase"], shown["reason"]) == ("installing", "")
    assert shown["action"].startswith(f"{second}-")


def test_an_order_to_download_only_is_done_with_the_download(
    site: Console, device: DdiDevice, order: Order, state: States
) -> None:
    number = order(device, download_only=True)

    assert device.take()["deployment"]["update"] == "skip"
    assert device.feedback(number, "downloaded") == 200

    assert state(device)[0][0] == "succeeded"
    assert site.good("GET", f"/devices/{device.name}")["version"] == ""
    assert "installedBase" not in device.links()


def test_what_was_installed_can_be_asked_for(device: DdiDevice, order: Order) -> None:
    number = order(device)
    device.take()
    early = device.ask("GET", f"/installedBase/{number}").status
    device.feedback(number, "proceeding", "none", "one")
    device.feedback(number, "closed", "success", "two")

    found = device.ask("GET", f"/installedBase/{number}?actionHistory=-1").json

    assert early == 404
    assert found["actionHistory"] == {"status": "FINISHED", "messages": ["two", "one"]}
    assert "actionHistory" not in device.ask("GET", f"/installedBase/{number}").json


def test_a_poll_with_nothing_new_is_answered_without_a_body(
    device: DdiDevice, order: Order
) -> None:
    order(device)
    for path in ("", device.links()["deploymentBase"]):
        etag = device.ask("GET", path).headers["ETag"]
        again = device.ask("GET", path, headers={"If-None-Match": etag})

        assert (again.status, again.body) == (304, b"")


def test_more_feedback_than_is_stored_still_shows_and_ends_the_order(
    site: Console,
    device: DdiDevice,
    order: Order,
    state: States,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reporting, "EVENTS_MOST", 2)
    number = order(device)
    device.take()

    said = [device.feedback(number, "proceeding", progress={"cnt": n, "of": 4}) for n in range(4)]
    percent = site.good("GET", f"/devices/{device.name}")["percent"]
    device.feedback(number, "closed", "success")

    assert (said, percent) == ([200] * 4, 75)
    assert (kinds(device), state(device)[0][0]) == (
        ["installing", "installing", "succeeded"],
        "succeeded",
    )


def test_a_device_that_is_enrolled_anew_begins_with_nothing(
    site: Console, device: DdiDevice, order: Order, state: States
) -> None:
    order(device)
    device.take()

    site.good("POST", f"/devices/{device.name}/re-enrol", {})

    assert device.ask("GET", "").status == 401
    token = site.good("POST", f"/devices/{device.name}/token")["token"]
    fresh = DdiDevice(site, device.name, f"TargetToken {token}")
    assert set(fresh.links()) == {"configData"}
    assert fresh.feedback(1, "proceeding") == 410
    assert state(device) == [("cancelled", "the device was put out or enrolled anew")]


def test_orders_are_numbered_for_each_device(site: Console, device: DdiDevice) -> None:
    other = device_with_token(site)
    for name in (device.name, other.name, other.name):
        site.good("POST", "/deployments", {"device": name, "version": "1"})

    assert (device.take()["id"], other.take()["id"]) == ("1", "2")


def test_a_database_that_is_gone_is_told_and_waited_for(
    site: Console, device: DdiDevice, order: Order, state: States
) -> None:
    number = order(device)
    device.take()
    database = site.running.office.database
    sql(database, "ALTER TABLE events RENAME TO away")
    lost = device.feedback(number, "closed", "success")
    sql(database, "ALTER TABLE away RENAME TO events")

    again = device.feedback(number, "closed", "success")

    assert (lost, again, state(device)[0][0]) == (503, 200, "succeeded")
