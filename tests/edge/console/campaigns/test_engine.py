"""What a campaign does next, case by case."""

from dataclasses import replace

import pytest

from edge.console.campaigns import engine
from edge.console.campaigns.campaign import Event, State
from edge.console.campaigns.members import MemberEvent
from edge.console.campaigns.plan import Evidence, Limit, Pace, Wave
from edge_signing.messages import Policy
from tests.edge.console.campaigns.fleet import LIMIT, WAVES, fleet


def test_only_devices_of_the_open_wave_are_ordered() -> None:
    ours = fleet()

    assert ours.offer() == ["d0", "d1"]
    assert ours.offer() == []


def test_never_more_are_under_way_than_the_plan_says() -> None:
    ours = fleet(waves=(Wave(percent=100, limit=LIMIT),))

    assert len(ours.offer()) == 4
    assert ours.offer() == []
    ours.update("d0")
    assert ours.offer() == ["d4"]


def test_the_next_wave_begins_when_enough_have_succeeded() -> None:
    ours = fleet()
    ours.offer()
    ours.update("d0")
    ours.settle()
    assert ours.campaign.open_wave == 0

    ours.update("d1")
    ours.settle()

    assert ours.campaign.open_wave == 1
    assert ours.offer() == ["d2", "d3", "d4", "d5"]


def test_the_next_wave_waits_as_long_as_it_has_to() -> None:
    ours = fleet(waves=(Wave(percent=10, wait_s=600), *WAVES[1:]))
    for device in ours.offer():
        ours.update(device)

    ours.settle()
    assert ours.campaign.open_wave == 0
    ours.clock_s += 600
    ours.settle()

    assert ours.campaign.open_wave == 1


def test_a_campaign_ends_when_all_devices_have() -> None:
    ours = fleet()
    while chosen := ours.offer():
        for device in chosen:
            ours.update(device)
        ours.settle()

    assert ours.state == "finished"
    assert ours.states() == {"succeeded": 20}


def test_committed_is_not_enough() -> None:
    ours = fleet()
    ours.offer()
    for device in ("d0", "d1"):
        ours.tell(device, MemberEvent.TOOK_UP)
        ours.tell(device, MemberEvent.COMMITTED)

    ours.settle()

    assert ours.campaign.open_wave == 0
    assert ours.states() == {"soaking": 2, "waiting": 18}


@pytest.mark.parametrize(
    ("on_trip", "state"),
    [("pause", State.PAUSED), ("abort", State.ABORTING), ("revert", State.REVERTING)],
)
def test_too_many_failures_stop_it(on_trip: str, state: State) -> None:
    first = replace(WAVES[0], success_percent=0, wait_s=10)
    ours = fleet(on_trip=on_trip, waves=(first, *WAVES[1:]))
    for device in ours.offer():
        ours.fail(device)

    assert ours.state == state
    assert ours.campaign.tripped == "wave 1: 2 failed, and 2 are too many"
    assert ours.offer() == []


def test_a_share_of_failures_counts_once_enough_have_ended() -> None:
    limit = Limit(percent=20, sample=4)
    ours = fleet(waves=(Wave(percent=100, limit=limit),))
    ours.offer()
    ours.fail("d0")
    ours.fail("d1")
    assert ours.state == "running"

    ours.offer()
    ours.update("d2")
    assert ours.state == "running"
    ours.update("d3")

    assert ours.campaign.tripped == "wave 1: 2 of 4 failed, more than 20%"


def test_reports_of_all_waves_together_may_speak_against_a_release() -> None:
    ours = fleet(
        size=200,
        waves=(Wave(percent=100, limit=Limit(percent=None)),),
        evidence=Evidence(10, 100, 50),
        pace=Pace(at_once=200),
    )
    ours.offer()
    for number in range(12):
        ours.update(f"d{number}")
    ours.fail("d100")
    assert ours.state == "running"
    ours.fail("d101")

    assert ours.campaign.tripped == "2 of 14 devices failed: more than 1% for sure"


def test_silence_after_a_restart_is_a_failure() -> None:
    ours = fleet()
    ours.offer()
    ours.tell("d0", MemberEvent.TOOK_UP)
    ours.tell("d0", MemberEvent.RESTARTING)

    ours.tell("d0", MemberEvent.SILENT)

    assert ours.stands("d0") == "silent"
    assert ours.campaign.tallies[0].failures == 1


def test_a_device_that_was_silent_and_comes_back_is_what_it_reports() -> None:
    ours = fleet()
    ours.offer()
    ours.tell("d0", MemberEvent.TOOK_UP)
    ours.tell("d0", MemberEvent.SILENT)

    ours.tell("d0", MemberEvent.COMMITTED)
    ours.tell("d0", MemberEvent.SOAKED)

    assert ours.campaign.tallies[0].failures == 0
    assert ours.stands("d0") == "succeeded"


def test_a_report_about_another_order_changes_nothing() -> None:
    ours = fleet()
    ours.offer()
    before = ours.campaign

    ours.tell("d0", MemberEvent.COMMITTED, action="somebody-elses")

    assert ours.campaign == before


def test_a_device_that_starts_again_and_again_in_its_soak_has_failed() -> None:
    ours = fleet()
    ours.offer()
    ours.tell("d0", MemberEvent.TOOK_UP)
    ours.tell("d0", MemberEvent.COMMITTED)
    for _ in range(4):
        ours.tell("d0", MemberEvent.STARTED)

    assert ours.stands("d0") == "failed"
    assert ours.members["d0"].reason == "started 4 times in its soak"


def test_a_failure_is_counted_when_all_tries_are_used_up() -> None:
    ours = fleet(tries=2)
    ours.offer()
    ours.fail("d0")
    assert ours.stands("d0") == "waiting"

    assert ours.offer() == ["d0"]
    ours.fail("d0")

    assert ours.stands("d0") == "failed"
    assert ours.campaign.tallies[0].failures == 1


def test_going_on_after_a_trip_forgives_what_was_seen() -> None:
    ours = fleet()
    for device in ours.offer():
        ours.fail(device)

    ours.decide(Event.RESUMED, by="jane", reason="bad cables")
    ours.decide(Event.OPENED, by="jane")

    assert ours.state == "running"
    first, second, *_rest = ours.offer()
    ours.fail(first)
    assert ours.state == "running"
    ours.fail(second)
    assert ours.state == "paused"


def test_failed_devices_get_another_try_when_somebody_wants_it() -> None:
    ours = fleet(size=2, waves=(Wave(percent=100, limit=Limit(percent=None)),))
    for device in ours.offer():
        ours.fail(device)
    ours.settle()
    assert ours.state == "finished"

    ours.decide(Event.RETRIED, by="jane")
    ours.tell("d1", MemberEvent.RETRIED)
    ours.settle()

    assert ours.offer() == ["d1"]


def test_a_wave_that_can_not_succeed_any_more_stops_it() -> None:
    ours = fleet()
    failing, *_others = ours.offer()

    ours.fail(failing)

    assert ours.state == "paused"
    assert ours.campaign.tripped == "wave 1: 1 failed, so that at most 1 of 2 can succeed"
    ours.decide(Event.RESUMED, by="jane")
    ours.update("d1")
    ours.settle()
    assert ours.campaign.open_wave == 1


def test_a_revert_ends_when_all_have_gone_back() -> None:
    ours = fleet(on_trip="revert", pace=Pace(at_once=20), waves=(Wave(percent=100, limit=LIMIT),))
    ours.offer()
    ours.update("d0")
    ours.tell("d1", MemberEvent.TOOK_UP)
    ours.fail("d2")
    ours.fail("d3")
    assert ours.state == "reverting"

    for device in [one.device for one in ours.members.values() if one.state == "offered"]:
        ours.tell(device, MemberEvent.CANCELLED)
    ours.tell("d1", MemberEvent.CANCELLED)
    ours.tell("d0", MemberEvent.CALLED_BACK, action="back", release="p/1/release.json")
    ours.settle()
    assert ours.state == "reverting"
    ours.tell("d0", MemberEvent.WENT_BACK)
    ours.settle()

    assert ours.state == "reverted"
    assert ours.stands("d0") == "reverted"


def test_a_device_that_did_it_although_it_was_asked_back_goes_back_too() -> None:
    ours = fleet(on_trip="revert", pace=Pace(at_once=20), waves=(Wave(percent=100, limit=LIMIT),))
    ours.offer()
    ours.fail("d2")
    ours.fail("d3")
    ours.tell("d1", MemberEvent.CANCELLED)

    ours.tell("d1", MemberEvent.COMMITTED)

    assert ours.stands("d1") == "soaking"
    assert engine.may_revert(ours.campaign)


def test_a_campaign_that_was_reverted_reverts_what_commits_the_release_later() -> None:
    ours = fleet(on_trip="revert")
    ours.offer()
    ours.decide(Event.REVERTED, by="jane")
    ours.tell("d0", MemberEvent.CANCELLED)
    ours.tell("d1", MemberEvent.CANCELLED)
    ours.settle()
    assert ours.state == "reverted"

    ours.tell("d0", MemberEvent.COMMITTED)

    assert ours.state == "reverting"
    assert engine.may_revert(ours.campaign)


def test_an_order_that_is_not_taken_up_goes_to_another_device() -> None:
    ours = fleet(waves=(Wave(percent=100, limit=LIMIT),), pace=Pace(at_once=1))
    ours.offer()

    ours.tell("d0", MemberEvent.UNANSWERED)

    assert ours.offer() == ["d1"]
    ours.update("d1")
    for device in range(2, 20):
        assert ours.offer() == [f"d{device}"]
        ours.update(f"d{device}")
    assert ours.offer() == ["d0"]


def test_a_device_that_takes_up_an_order_late_is_counted() -> None:
    ours = fleet(waves=(Wave(percent=100, limit=LIMIT),), pace=Pace(at_once=1))
    ours.offer()
    ours.tell("d0", MemberEvent.UNANSWERED)

    ours.tell("d0", MemberEvent.TOOK_UP)

    assert ours.campaign.under_way == 1
    assert ours.offer() == []


def test_a_device_that_waits_for_its_user_holds_nobody_up() -> None:
    ours = fleet(waves=(Wave(percent=100, limit=LIMIT),), pace=Pace(at_once=1))
    ours.offer()
    ours.tell("d0", MemberEvent.TOOK_UP)

    ours.tell("d0", MemberEvent.HELD)

    assert ours.members["d0"].deadline_s == 0
    assert ours.offer() == ["d1"]


def test_what_is_only_downloaded_succeeds_when_it_is_written() -> None:
    ours = fleet(policy=Policy(download_only=True))
    ours.offer()
    ours.tell("d0", MemberEvent.TOOK_UP)

    ours.tell("d0", MemberEvent.HELD)

    assert ours.stands("d0") == "succeeded"


def test_orders_a_minute_are_bounded() -> None:
    pace = Pace(at_once=100, per_minute=3)
    ours = fleet(waves=(Wave(percent=100),), pace=pace)
    ours.clock_s = 1_000_020
    assert len(ours.offer()) == 3
    ours.clock_s += 30
    assert ours.offer() == []

    ours.clock_s += 30

    assert len(ours.offer()) == 3


def test_bandwidth_holds_orders_back() -> None:
    ours = fleet(waves=(Wave(percent=100),), pace=Pace(at_once=100, bytes_per_s=1000))
    ours.tell("d0", MemberEvent.OFFERED, action="a", planned_bytes=60_000)
    assert engine.next_offers(ours.campaign, ours.clock_s).count == 0

    ours.clock_s += 51
    offers = engine.next_offers(ours.campaign, ours.clock_s)

    assert offers.count == 99
    assert offers.free_bytes == 1000


def test_a_device_that_joins_late_is_bound_by_the_cap() -> None:
    ours = fleet(waves=(Wave(percent=100),), pace=Pace(at_once=20))
    assert len(ours.offer()) == 20

    ours.campaign, ours.members["new"] = engine.joined(ours.campaign, "new", 99, ours.clock_s)

    assert ours.offer() == []
    ours.update("d0")
    assert ours.offer() == ["new"]


def test_a_dynamic_campaign_waits_for_more_devices() -> None:
    ours = fleet(size=1, waves=(Wave(percent=100),), is_dynamic=True)
    ours.offer()
    ours.update("d0")

    ours.settle()

    assert ours.state == "running"
