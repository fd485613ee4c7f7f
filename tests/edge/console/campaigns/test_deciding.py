"""What people and the clock decide over a campaign, and plans that can not be."""

from dataclasses import replace

import pytest

from edge.console.campaigns.campaign import TABLE, Event, State
from edge.console.campaigns.plan import Evidence, Limit, Pace, Times, Wave
from edge.errors import InputError, RefusedError
from edge_signing.messages import Policy
from tests.edge.console.campaigns.fleet import PLAN, WAVES, Fleet, fleet


def test_nothing_is_ordered_before_the_start_and_after_the_end() -> None:
    ours = fleet(start_at_s=1_000_100, end_at_s=1_000_200)
    assert ours.state == "scheduled"
    assert ours.offer() == []
    ours.clock_s = 1_000_100
    ours.settle()
    assert ours.offer() == ["d0", "d1"]

    ours.clock_s = 1_000_200
    ours.settle()

    assert ours.state == "closing"
    ours.update("d0")
    ours.update("d1")
    assert ours.offer() == []
    ours.settle()
    assert ours.state == "finished"


def test_it_begins_when_enough_people_have_approved() -> None:
    ours = Fleet(replace(PLAN, approvals=2), 20)
    ours.start()
    assert ours.state == "waiting-for-approval"
    ours.decide(Event.APPROVED, by="jane")
    with pytest.raises(RefusedError, match="jane has approved it already"):
        ours.decide(Event.APPROVED, by="jane")
    ours.settle()
    assert ours.offer() == []

    ours.decide(Event.APPROVED, by="joe")
    ours.settle()

    assert ours.state == "running"


def test_time_stands_still_while_the_console_is_away() -> None:
    ours = fleet()
    ours.offer()
    before_s = ours.campaign.clock_s(ours.clock_s)

    ours.clock_s += 86_400
    ours.decide(Event.AWAY, gap_s=86_400)

    assert ours.campaign.clock_s(ours.clock_s) == before_s


def test_limits_and_pace_may_change_while_it_runs_and_count_at_once() -> None:
    first = replace(WAVES[0], success_percent=0, wait_s=10)
    ours = fleet(waves=(first, *WAVES[1:]))
    ours.offer()
    ours.fail("d0")

    stricter = tuple(replace(one, limit=Limit(count=1)) for one in (first, *WAVES[1:]))
    ours.decide(Event.EDITED, by="jane", plan=replace(ours.plan, waves=stricter))

    assert ours.campaign.tripped == "wave 1: 1 failed, and 1 are too many"


@pytest.mark.parametrize(
    "change",
    [
        {"target": "tag:other"},
        {"releases": ("p/3/release.json",)},
        {"waves": (Wave(percent=100),)},
        {"is_dynamic": True},
        {"start_at_s": 5},
    ],
)
def test_what_a_campaign_is_about_does_not_change_once_it_runs(change: dict[str, object]) -> None:
    ours = fleet()

    with pytest.raises(RefusedError, match="keeps its"):
        ours.decide(Event.EDITED, by="jane", plan=replace(ours.plan, **change))  # type: ignore[arg-type]


def test_a_draft_has_its_devices_already_and_may_only_begin_at_another_time() -> None:
    ours = Fleet(PLAN, 20)

    ours.decide(Event.EDITED, by="jane", plan=replace(PLAN, start_at_s=5))

    assert ours.campaign.plan.start_at_s == 5
    waves = (Wave(percent=1), *PLAN.waves[1:])
    with pytest.raises(RefusedError, match="keeps its releases, devices and waves"):
        ours.decide(Event.EDITED, by="jane", plan=replace(PLAN, waves=waves))


@pytest.mark.parametrize("is_draft", [True, False])
def test_a_plan_that_people_approve_does_not_change(is_draft: bool) -> None:
    ours = Fleet(replace(PLAN, approvals=1), 20)
    if not is_draft:
        ours.start()
        ours.decide(Event.APPROVED, by="jane")

    with pytest.raises(RefusedError, match="people approve a plan as it was made"):
        ours.decide(Event.EDITED, by="joe", plan=replace(ours.plan, approvals=0))


@pytest.mark.parametrize("event", [one for one in Event if one not in (Event.AWAY, Event.EDITED)])
@pytest.mark.parametrize("state", list(State))
def test_each_state_takes_what_its_table_has_and_nothing_else(state: State, event: Event) -> None:
    ours = Fleet(PLAN, 20)
    ours.campaign = replace(ours.campaign, state=state)
    is_known = (state, event) in TABLE
    if event is Event.OPENED:
        is_known = state in (State.RUNNING, State.PAUSED)

    if is_known:
        ours.decide(event, by="jane")
        return
    with pytest.raises(RefusedError, match=f"the campaign is {state}"):
        ours.decide(event, by="jane")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"releases": ()}, "releases: there is none"),
        ({"releases": ("p/1/x",) * 33}, "releases: 33 of them; 32 can be"),
        ({"waves": ()}, "waves: 0 of them"),
        ({"waves": (Wave(percent=10),)}, "the last one is not 100%"),
        ({"waves": (Wave(percent=50), Wave(percent=50), Wave(percent=100))}, "goes up to more"),
        ({"waves": (Wave(percent=100, count=3),)}, r"waves\[0\].size: one of"),
        ({"waves": (Wave(percent=101),)}, r"waves\[0\].percent: 101 is not 1 to 100"),
        ({"waves": (Wave(percent=100, limit=Limit(count=0)),)}, r"limit.count: 0"),
        ({"pace": Pace(at_once=0)}, "pace.at_once: 0 is not 1 to"),
        ({"times": Times(silence_s=1)}, "times.silence_s: 1 is not 5"),
        ({"evidence": Evidence(50, 50, 50)}, "evidence.bad_permille: 50 is not 51"),
        ({"start_at_s": 10, "end_at_s": 10}, "end_at_s: before the start"),
        ({"on_trip": "revert", "policy": Policy(download_only=True)}, "only downloaded"),
    ],
)
def test_a_plan_that_can_not_be_meant_is_refused_with_the_place(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        replace(PLAN, **change).check()  # type: ignore[arg-type]
