"""`edge campaign` against a console."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from edge.cli import campaign_request, campaign_text
from edge.errors import InputError
from edge_signing.messages import Status
from tests.fakes.console import Console

Run = Callable[..., tuple[int, str, str]]


def test_a_campaign_is_planned_made_and_decided_over_by_commands(fleet: Console, edge: Run) -> None:
    for number in range(3):
        told = {"boot_id": "b", "board": "board", "product": "gateway", "counter": 1}
        fleet.link(f"unit-{number}").send_state(Status(version="1", **told))  # type: ignore[arg-type]
    plan = ("--release", "2", "--canary", "unit-1", "--waves", "50%,100%", "--on-trip", "revert")

    status, said, err = edge("campaign", "create", *plan, "--preview")
    assert status == 0, err
    assert "3 devices" in said
    assert "3 of 3 can go back by themselves" in said
    assert "unit-1" in said

    status, said, err = edge("campaign", "create", *plan, "--start", "--json")
    assert status == 0, err
    id_ = json.loads(said)["campaign"]
    assert json.loads(said)["state"] == "running"
    assert edge("campaign", "pause", id_, "--reason", "lunch")[0] == 0
    assert "lunch" in edge("campaign", "list")[1]
    shown = edge("campaign", "show", id_)[1]
    assert "edge campaign resume | next-wave" in shown
    assert "unit-1" in edge("campaign", "devices", id_, "--wave", 1)[1]
    assert "paused" in edge("campaign", "journal", id_)[1]
    status, said, err = edge("campaign", "watch", id_)
    assert (status, f"{id_} is paused" in err) == (1, True)
    status, _said, err = edge("campaign", "abort", id_)
    assert status != 0
    assert "--yes" in err
    assert edge("campaign", "abort", id_, "--yes")[0] == 0
    status, _said, err = edge("campaign", "resume", id_)
    assert status != 0
    assert "it can not be resumed" in err
    status, said, err = edge("campaign", "verify", id_)
    assert status == 0, err
    assert "entries, 3 devices" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"stop_at": "x"}, "--stop-at x: neither"),
        ({"evidence": "1%"}, "--evidence 1%: not three"),
        ({"bandwidth": "fast"}, "--bandwidth fast"),
        ({"start_at": "soon"}, "--start-at soon: not a time"),
        ({"waves_text": "1%,zwei"}, "part 2, 'zwei'"),
    ],
)
def test_a_wrong_option_is_told_with_its_name(words: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        campaign_request.body(**{**_SAID, **words})


def test_options_are_the_body_of_a_request() -> None:
    found = campaign_request.body(
        **{**_SAID, "stop_at": "3", "bandwidth": "1.5MB", "evidence": "none", "canaries": ("a",)}
    )

    assert found["waves"][0] == {
        "devices": ["a"], "limit": {"count": 1}, "success_percent": 80, "wait_s": 0
    }  # fmt: skip
    assert found["waves"][1]["limit"] == {"percent": None, "count": 3}
    assert found["pace"]["bytes_per_s"] == 1_500_000
    assert found["evidence"] is None
    assert (found["version"], found["also"]) == ("2", ["web+2"])
    assert found["window"] == "02:00-04:00"


@pytest.mark.parametrize(
    ("counts", "total", "text"),
    [
        ({}, 0, "····"),
        ({"waiting": 4}, 4, "····"),
        ({"succeeded": 2, "failed": 1, "waiting": 1}, 4, "██x·"),
        ({"succeeded": 999, "failed": 1}, 1000, "████"),
        ({"failed": 1, "waiting": 999}, 1000, "x···"),
    ],
)
def test_a_bar_shows_how_devices_stand(counts: dict[str, int], total: int, text: str) -> None:
    assert campaign_text.bar(counts, total, 4) == text


def test_a_trip_is_told_with_what_was_seen() -> None:
    one = {"rule": "limit", "act": "pause", "wave": 2, "failures": 3, "ended": 9, "reached": 14}

    assert campaign_text.trip(one) == (
        "3 failed of 9 of wave 2 that had ended, 14 had been ordered; pause"
    )
    assert campaign_text.trip(None) == ""


_SAID: dict[str, Any] = {
    "versions": ("2", "web+2"),
    "product": "",
    "target": "",
    "waves_text": "100%",
    "canaries": (),
    "success": 80,
    "stop_at": "10%",
    "sample": 10,
    "wait": 0,
    "evidence": "1%,5%,5%",
    "on_trip": "pause",
    "soak": 1,
    "silence": 5,
    "timeout": 10,
    "answer": 5,
    "seen": 0,
    "at_once": 1,
    "per_minute": None,
    "bandwidth": None,
    "start_at": None,
    "end_at": None,
    "approvals": 0,
    "priority": 100,
    "tries": 1,
    "dynamic": False,
    "download_only": False,
    "reboot": "now",
    "window": "02:00-04:00",
    "confirm": "as-set",
    "confirm_until": None,
}
