"""A campaign against its journal: what is as it should be, and what somebody changed."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, delete, update

from edge.console import audit
from edge.console.campaigns import journal, store, verifying
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.course import Happened
from edge.console.campaigns.journal import Tripped
from edge.console.campaigns.members import MemberEvent
from edge.console.campaigns.plan import Limit, Pace
from edge.console.campaigns.stopping import Rule
from edge.console.campaigns.verifying import Verified
from edge.console.devices import groups, labels
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES, CAMPAIGNS, JOURNAL
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, PLAN, TENANT, Ground


@pytest.fixture(autouse=True)
def _same_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbits", lambda _bits: 7)


def verified(ground: Ground, id_: str) -> Verified:
    found: Verified = ground.read(lambda one: verifying.verify(one, TENANT, id_))
    return found


def played(ground: Ground) -> str:
    """Return a campaign that was edited, tripped and reverted."""
    ground.fleet(20)
    waves = tuple(replace(one, success_percent=30) for one in PLAN.waves)
    lax = tuple(replace(one, limit=Limit(count=9, percent=None)) for one in waves)
    id_ = ground.start(replace(PLAN, waves=lax, on_trip="pause"))
    ground.decide(id_, Event.EDITED, plan=replace(PLAN, waves=waves, on_trip="revert"))
    bad = frozenset(f"d-{number:03}" for number in range(0, 20, 3))
    ground.play(id_, bad, until=lambda: not ground.campaign(id_).campaign.is_live)
    return id_


def test_the_journal_gives_the_campaign_once_more(ground: Ground) -> None:
    id_ = played(ground)

    found = verified(ground, id_)

    assert found == Verified(ground.campaign(id_).entries, 20, ())
    assert found.entries > 20


def test_a_trip_has_an_entry_of_its_own_with_what_was_seen(ground: Ground) -> None:
    id_ = played(ground)

    found = ground.read(lambda one: [what.what for *_at, what in store.entries(one, TENANT, id_)])
    trips = [one for one in found if isinstance(one, Tripped)]

    before = found[found.index(trips[0]) - 1]
    assert isinstance(before, Happened)
    assert before.event is MemberEvent.FAILED
    (trip,) = trips
    assert (trip.rule, trip.wave, trip.failures, trip.act) == (Rule.LIMIT, 2, 2, "revert")
    assert trip.ended >= 2
    assert trip.reached >= trip.ended
    assert trip.reason == "wave 2: 2 failed, and 2 are too many"
    told = ground.read(lambda one: audit.entries(one, TENANT, most=500))
    (said,) = [one for one in told if one.act == "campaign.trip"]
    assert said.details["failures"] == 2


def test_a_journal_of_before_has_no_such_entry_and_gives_the_same(ground: Ground) -> None:
    id_ = played(ground)
    campaign, members = ground.campaign(id_).campaign, ground.members(id_)
    entries = [
        one
        for *_at, one in ground.read(lambda c: list(store.entries(c, TENANT, id_)))
        if not isinstance(one.what, Tripped)
    ]

    first = verifying.at_first(campaign.plan, members.values(), entries)

    assert journal.replay(*first, entries) == (campaign, members)


def test_a_trip_that_no_rule_gave_is_found(ground: Ground) -> None:
    id_ = played(ground)
    said = Tripped(1, Rule.LIMIT, "wave 1: 9 failed, and 1 are too many", "pause", 1, 9, 9, 9)
    lie = update(JOURNAL).where(JOURNAL.c.kind == "tripped").values(what=journal.pack(said)[1])

    ground.write(lambda c: c.execute(lie).rowcount)

    assert "no rule stopped it here" in verified(ground, id_).differences[0]


def test_it_has_the_devices_that_joined_or_did_not_answer(ground: Ground) -> None:
    ground.fleet(3)
    ground.write(lambda c: groups.put(c, ground.actor(), "eu", filter_="tag:eu"))
    ground.write(lambda c: labels.tag(c, ground.actor(), "d-000", add=["eu"], remove=[]))
    plan = replace(ALL_AT_ONCE, target="group:eu", is_dynamic=True, pace=Pace(at_once=1))
    id_ = ground.start(plan)
    ground.write(lambda c: labels.tag(c, ground.actor(), "d-002", add=["eu"], remove=[]))
    ground.wait(200)

    assert {name: one.rank > 99 for name, one in ground.members(id_).items()}["d-000"]
    assert verified(ground, id_).differences == ()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param(
            update(CAMPAIGN_DEVICES)
            .where(CAMPAIGN_DEVICES.c.state == "failed")
            .values(state="succeeded"),
            ": state: the journal gives failed, stored is succeeded",
            id="device",
        ),
        pytest.param(
            update(CAMPAIGNS).values(state="finished"),
            "state: the journal gives reverted, stored is finished",
            id="campaign",
        ),
        pytest.param(
            delete(JOURNAL).where(JOURNAL.c.number == 2), "not all from 1 to", id="entry gone"
        ),
        pytest.param(
            delete(CAMPAIGN_DEVICES).where(CAMPAIGN_DEVICES.c.state == "failed"),
            "the journal can not be replayed",
            id="device gone",
        ),
    ],
)
def test_what_somebody_changed_is_found(ground: Ground, change: object, found: str) -> None:
    id_ = played(ground)

    def step(connection: Connection) -> None:
        connection.execute(change)  # type: ignore[call-overload]

    ground.write(step)

    assert any(found in one for one in verified(ground, id_).differences)
