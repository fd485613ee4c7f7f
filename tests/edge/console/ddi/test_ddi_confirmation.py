"""Orders that wait for the user of a device."""

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
