"""The agent's own link against the console."""

import pytest

from edge_agent.link import RefusedByServerError
from edge_signing.messages import EventId, ReportEvent, Status
from tests.fakes.console import Console


def event(n: int = 1, kind: str = "started", action: str = "") -> ReportEvent:
    return ReportEvent(EventId("boot-1", n), 1_793_491_200, kind, action)


def test_a_device_that_nobody_named_waits_until_it_is_accepted(site: Console) -> None:
    link = site.link("unit-7")
    with pytest.raises(RefusedByServerError) as refused:
        link.desired()
    waiting = site.good("GET", "/devices?state=pending")["devices"]

    site.good("POST", "/devices/unit-7/accept")

    assert refused.value.status == 403
    assert [one["device"] for one in waiting] == ["unit-7"]
    assert waiting[0]["certificate"] == site.fingerprint("unit-7")
    assert link.desired() is None


def test_a_state_and_events_are_stored_once(site: Console) -> None:
    site.good("POST", "/devices", {"device": "unit-7"})
    link = site.link("unit-7")

    link.send_state(Status("boot-1", phase="installing", done_bytes=1, planned_bytes=4))
    told = [link.send_events([event(1), event(2)]), link.send_events([event(2), event(3)])]

    found = site.good("GET", "/events?device=unit-7")["events"]
    assert told == [(event(1).id, event(2).id), (event(2).id, event(3).id)]
    assert [(one["boot_id"], one["n"]) for one in found] == [("boot-1", n) for n in (1, 2, 3)]
    assert site.good("GET", "/devices/unit-7")["percent"] == 25
