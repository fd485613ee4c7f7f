"""Orders that wait for the user of a device."""

import time
from collections.abc import Callable

from tests.fakes.console import Console
from tests.fakes.ddi_device import DdiDevice

Order = Callable[..., str]


def test_an_order_that_says_so_waits_for_the_user(
    site: Console, device: DdiDevice, order: Order
) -> None:
    number = order(device, confirm="always")
    link = device.links()["confirmationBase"]
    hidden = device.ask("GET", f"/deploymentBase/{number}").status
    early = device.feedback(number, "proceeding")

    told = device.ask("GET", link).json
    answer = f"/confirmationBase/{number}/feedback"
    denied = device.ask("POST", answer, {"confirmation": "denied", "details": ["busy"]}).status
    still = set(device.links()), site.good("GET", f"/devices/{device.name}")
    agreed = device.ask("POST", answer, {"confirmation": "confirmed"}).status
    again = device.ask("POST", answer, {"confirmation": "confirmed"}).status

    assert (hidden, early, denied, agreed, again) == (404, 404, 200, 200, 404)
    assert told["confirmation"]["chunks"][0]["version"] == "1"
    assert "confirmationBase" in still[0]
    assert (still[1]["phase"], still[1]["reason"]) == ("waiting-for-user", "not confirmed: busy")
    assert device.take()["id"] == number


def test_who_agrees_to_all_is_not_asked(site: Console, device: DdiDevice, order: Order) -> None:
    first = order(device, confirm="always")
    base = "/confirmationBase"
    body = {"initiator": "who", "remark": "why"}

    on = device.ask("POST", f"{base}/activateAutoConfirm", body).status
    twice = device.ask("POST", f"{base}/activateAutoConfirm", body).status
    taken = device.take()["id"]
    told = device.ask("GET", base).json["autoConfirm"]
    order(device, "2", confirm="always")
    device.feedback(first, "closed", "none", channel="cancelAction")
    second = set(device.links())
    off = device.ask("POST", f"{base}/deactivateAutoConfirm").status
    order(device, "1", confirm="always")

    assert (on, twice, taken, off) == (200, 409, first, 200)
    assert (told["active"], told["initiator"], told["remark"]) == (True, "who", "why")
    assert "deploymentBase" in second
    assert "confirmationBase" in device.links()
    acts = [
        one["act"] for one in site.good("GET", f"/audit?subject=device:{device.name}")["entries"]
    ]
    assert acts.count("device.auto-confirm") == 2


def test_an_order_that_nobody_agreed_to_goes_on_when_its_time_is_over(
    site: Console, device: DdiDevice, order: Order
) -> None:
    later, over = int(time.time()) + 3600, int(time.time()) - 1
    waiting = order(device, confirm="always", confirm_until_s=later)
    assert [set(device.links()) & {"confirmationBase", "deploymentBase"} for _ in range(2)] == [
        {"confirmationBase"}
    ] * 2
    answer = f"/confirmationBase/{waiting}/feedback"
    device.ask("POST", answer, {"confirmation": "confirmed"})
    assert device.take()["deployment"]["update"] == "forced"  # he agreed

    number = order(device, "2", confirm="always", confirm_until_s=over)
    device.feedback(waiting, "closed", "none", channel="cancelAction")

    assert "deploymentBase" in device.links()
    taken = device.take()
    assert (taken["id"], taken["deployment"]["update"]) == (number, "forced")


def test_an_order_that_asks_nobody_is_soft_until_its_time(device: DdiDevice, order: Order) -> None:
    order(device, confirm_until_s=int(time.time()) + 3600)

    assert device.take()["deployment"]["update"] == "attempt"


def test_who_is_never_asked_can_not_put_off(site: Console, device: DdiDevice) -> None:
    body = {"device": device.name, "version": "1", "confirm": "never", "confirm_until_s": 9}

    refused = site.ask("POST", "/api/v1/deployments", body)

    assert (refused.status, "never asked" in refused.body["error"]) == (400, True)
