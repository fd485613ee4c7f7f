"""Campaigns over the tables of a console: orders really signed, reports really stored."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select, update

from edge.console import audit, orders, releases
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.members import MemberState
from edge.console.campaigns.plan import Limit, Pace, Wave
from edge.console.devices import groups, labels, registry
from edge.console.store.tables import DEVICES, RELEASES
from edge.errors import RefusedError
from edge_signing.messages import Desired
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, NEW, PLAN, TENANT, Ground


def test_a_campaign_brings_a_release_to_all_devices_in_waves(ground: Ground) -> None:
    devices = ground.fleet(20)
    id_ = ground.start(PLAN)
    assert sorted(ground.states(id_).items()) == [("offered", 2), ("waiting", 18)]

    ground.play(id_, until=lambda: ground.state(id_) == "finished")

    assert ground.states(id_) == {"succeeded": 20}
    assert [len(ground.orders(one)) for one in devices] == [1] * 20
    assert sorted(ground.told) == sorted(devices)


def test_orders_are_those_that_the_director_signs(ground: Ground) -> None:
    ground.fleet(1)
    ground.start(PLAN)

    row = ground.read(lambda c: registry.get(c, TENANT, "d-000"))
    desired = Desired.unpack(bytes(row.desired))

    assert desired.release == NEW[0]
    assert desired.action == row.desired_action


def test_too_many_failures_call_all_devices_back_without_a_word_of_anybody(ground: Ground) -> None:
    ground.fleet(30)
    id_ = ground.start(replace(ALL_AT_ONCE, on_trip="revert", pace=Pace(at_once=10)))
    first = sorted(ground.ordered())
    for device in first[:6]:
        ground.update(device)
    ground.wait(60)
    for device in first[6:8]:
        ground.fail(device)

    assert ground.state(id_) == "reverting"
    ground.look()
    back = {name for name, one in ground.members(id_).items() if one.state is MemberState.REVERTING}
    assert back == set(first[:6])
    ground.play(id_, until=lambda: ground.state(id_) == "reverted")

    assert ground.states(id_)["reverted"] == 6
    versions = set(ground.read(lambda c: c.scalars(select(DEVICES.c.version)).all()))
    assert versions == {"1"}
    turns = [
        one.details
        for one in ground.read(lambda c: audit.entries(c, TENANT, most=1000))
        if one.act == "campaign.turn"
    ]
    assert turns[-2] == {
        "from": "running",
        "to": "reverting",
        "reason": "wave 1: 2 failed, and 2 are too many",
    }


def test_an_aborted_campaign_takes_its_orders_back(ground: Ground) -> None:
    ground.fleet(10)
    id_ = ground.start(ALL_AT_ONCE)
    one, other, *_rest = sorted(ground.ordered())
    ground.status(one, "installing")

    ground.decide(id_, Event.ABORTED)
    ground.look()

    assert ground.state(id_) == "aborted"
    assert ground.states(id_) == {"cancelled": 10}
    row = ground.read(lambda c: registry.get(c, TENANT, other))
    assert Desired.unpack(bytes(row.desired)).release is None


def test_silence_after_a_restart_counts_and_trips(ground: Ground) -> None:
    ground.fleet(10)
    id_ = ground.start(ALL_AT_ONCE)
    for device in sorted(ground.ordered())[:2]:
        ground.status(device, "installing")
        ground.status(device, "rebooting")

    ground.wait(40)
    assert ground.state(id_) == "running"
    ground.wait(40)

    assert ground.state(id_) == "paused"
    assert ground.states(id_)["silent"] == 2


def test_a_device_that_never_answers_gives_its_place_to_another(ground: Ground) -> None:
    ground.fleet(3)
    plan = replace(ALL_AT_ONCE, pace=Pace(at_once=1))
    id_ = ground.start(plan)
    (first,) = ground.ordered()

    ground.wait(140)

    assert ground.member(id_, first).state is MemberState.WAITING
    row = ground.read(lambda c: registry.get(c, TENANT, first))
    assert Desired.unpack(bytes(row.desired)).release is None
    assert sum(one.state is MemberState.OFFERED for one in ground.members(id_).values()) == 1


def test_a_device_that_reports_another_release_has_failed(ground: Ground) -> None:
    ground.fleet(1)
    id_ = ground.start(PLAN)
    ground.status("d-000", "installing")

    ground.report("d-000", "succeeded", version="9")

    assert ground.member(id_, "d-000").state is MemberState.FAILED
    assert ground.member(id_, "d-000").reason == "reports 9, not 2"


def test_a_device_that_runs_another_version_after_its_soak_has_failed(ground: Ground) -> None:
    ground.fleet(1)
    id_ = ground.start(PLAN)
    ground.update("d-000")
    ground.status("d-000", "idle", version="1")

    ground.wait(40)

    assert ground.member(id_, "d-000").state is MemberState.FAILED
    assert ground.member(id_, "d-000").reason == "runs 1 after its soak"


def test_a_device_that_falls_back_later_has_failed(ground: Ground) -> None:
    ground.fleet(2)
    id_ = ground.start(ALL_AT_ONCE)
    ground.update("d-000")
    ground.wait(40)
    assert ground.member(id_, "d-000").state is MemberState.SUCCEEDED

    ground.report("d-000", "fell-back", action="", reason="slot b was left")

    assert ground.member(id_, "d-000").state is MemberState.FAILED


def test_services_that_end_again_and_again_in_the_soak_are_a_failure(ground: Ground) -> None:
    ground.fleet(3)
    id_ = ground.start(ALL_AT_ONCE)
    for device in ("d-000", "d-001"):
        ground.update(device)
    said = {"version": "2", "reason": "services ended 5 times after the update"}
    ground.report("d-000", "unsteady", **said)
    ground.report("d-001", "unsteady", action="1-other", **said)
    ground.report("d-002", "unsteady", **said)

    found = ground.members(id_)

    assert {name: str(one.state) for name, one in found.items()} == {
        **{"d-000": "failed", "d-001": "soaking", "d-002": "offered"}
    }
    assert found["d-000"].reason == said["reason"]


def test_a_device_that_is_not_seen_after_it_committed_does_not_succeed(ground: Ground) -> None:
    ground.fleet(1)
    id_ = ground.start(PLAN)
    ground.update("d-000")

    ground.wait(80, is_seen=False)
    assert ground.member(id_, "d-000").state is MemberState.SOAKING
    ground.wait(20, is_seen=False)

    assert ground.member(id_, "d-000").state is MemberState.SILENT


def test_a_report_of_another_device_about_this_order_is_none(ground: Ground) -> None:
    ground.fleet(2)
    id_ = ground.start(ALL_AT_ONCE)
    action = ground.member(id_, "d-000").action

    ground.report("d-001", "failed", action=action)

    assert ground.member(id_, "d-000").state is MemberState.OFFERED


def test_the_same_report_twice_counts_once(ground: Ground) -> None:
    ground.fleet(4)
    id_ = ground.start(ALL_AT_ONCE)
    ground.fail("d-000")
    ground.report("d-000", "failed")
    ground.report("d-000", "failed")

    assert ground.campaign(id_).campaign.tallies[0].failures == 1
    assert ground.state(id_) == "running"


def test_an_order_of_a_person_takes_a_device_out_of_its_campaign(ground: Ground) -> None:
    ground.fleet(2)
    id_ = ground.start(ALL_AT_ONCE)

    def other(connection: Connection) -> None:
        release = releases.find(connection, TENANT, "3")
        orders.deploy(
            connection,
            ground.actor(),
            ground.vaults,
            "d-000",
            release,
            policy=PLAN.policy,
            word=lambda: "theirs",
        )

    ground.write(other)

    assert ground.member(id_, "d-000").state is MemberState.OVERTAKEN
    assert ground.member(id_, "d-000").reason == "ordered otherwise by person:jane"


def test_of_two_campaigns_a_device_waits_for_the_one_with_the_higher_priority(
    ground: Ground,
) -> None:
    ground.fleet(4)
    urgent = replace(ALL_AT_ONCE, releases=("gateway/3/release.json",), priority=500)
    low = ground.start(replace(ALL_AT_ONCE, pace=Pace(at_once=1)))
    (held,) = ground.ordered()
    high = ground.start(urgent)

    assert ground.states(high) == {"offered": 3, "waiting": 1}
    ground.update(held)
    ground.wait(60)

    # The device that soaks for the one is not touched by the other before it is through.
    assert ground.states(high)["offered"] == 4
    assert ground.states(low) == {"succeeded": 1, "waiting": 3}


def test_a_device_that_comes_later_joins_a_dynamic_campaign_within_the_cap(ground: Ground) -> None:
    ground.fleet(3)
    ground.write(lambda c: groups.put(c, ground.actor(), "eu", filter_="tag:eu"))
    ground.write(lambda c: labels.tag(c, ground.actor(), "d-000", add=["eu"], remove=[]))
    plan = replace(ALL_AT_ONCE, target="group:eu", is_dynamic=True, pace=Pace(at_once=1))
    id_ = ground.start(plan)
    assert set(ground.members(id_)) == {"d-000"}

    ground.write(lambda c: labels.tag(c, ground.actor(), "d-002", add=["eu"], remove=[]))
    ground.wait(20)

    assert ground.member(id_, "d-002").state is MemberState.WAITING
    ground.update("d-000")
    ground.wait(20)
    assert ground.member(id_, "d-002").state is MemberState.OFFERED


def test_a_device_that_is_put_out_leaves(ground: Ground) -> None:
    ground.fleet(3)
    id_ = ground.start(replace(ALL_AT_ONCE, pace=Pace(at_once=1)))
    waiting = next(n for n, one in ground.members(id_).items() if one.state == "waiting")
    ground.write(lambda c: registry.revoke(c, ground.actor(), waiting))

    ground.wait(20)

    assert ground.member(id_, waiting).state is MemberState.GONE


def test_devices_that_are_not_there_wait_until_they_call(ground: Ground) -> None:
    ground.fleet(4)
    ground.now_s += 100_000
    ground.see("d-002")

    id_ = ground.start(ALL_AT_ONCE)

    assert {n for n, one in ground.members(id_).items() if one.state == "offered"} == {"d-002"}
    ground.see("d-001")
    ground.wait(20, is_seen=False)
    assert ground.member(id_, "d-001").state is MemberState.OFFERED


def test_a_long_look_for_nobody_is_done_rarely_but_at_once_after_an_edit(ground: Ground) -> None:
    ground.fleet(4)
    ground.now_s += 100_000
    ground.glance_s = 1.0
    id_ = ground.start(ALL_AT_ONCE)
    ground.see("d-001")
    ground.look()
    assert ground.member(id_, "d-001").state is MemberState.WAITING, "it is looked too often"

    ground.decide(id_, Event.EDITED, plan=replace(ALL_AT_ONCE, pace=Pace(at_once=2)))
    ground.look()

    assert ground.member(id_, "d-001").state is MemberState.OFFERED


def test_who_is_to_try_again_does_so_at_once_after_a_long_look_for_nobody(ground: Ground) -> None:
    ground.fleet(4)
    ground.now_s += 100_000
    ground.see("d-001")
    id_ = ground.start(replace(ALL_AT_ONCE, waves=(Wave(percent=100, limit=Limit(percent=None)),)))
    ground.fail("d-001")
    ground.glance_s = 1.0
    ground.look()

    assert asyncio.run(ground.conductor.retry(ground.actor(), id_)) == 1
    ground.look()

    assert ground.member(id_, "d-001").state is MemberState.OFFERED


def test_a_wave_that_opens_is_ordered_at_once_however_long_the_last_look_took(
    ground: Ground,
) -> None:
    ground.fleet(4)
    id_ = ground.start(replace(ALL_AT_ONCE, waves=(Wave(count=1), Wave(percent=100))))
    [first] = [name for name, one in ground.members(id_).items() if one.state == "offered"]
    ground.update(first)
    ground.glance_s = 1.0

    ground.wait(60)  # its soak, in looks that find nobody

    assert ground.campaign(id_).campaign.open_wave == 1
    assert ground.states(id_) == {"succeeded": 1, "offered": 3}


def test_failed_devices_are_tried_again(ground: Ground) -> None:
    ground.fleet(3)
    id_ = ground.start(replace(ALL_AT_ONCE, waves=(Wave(percent=100, limit=Limit(percent=None)),)))
    ground.fail("d-000")
    ground.update("d-001")
    ground.update("d-002")
    ground.wait(40)
    assert ground.state(id_) == "finished"

    count = asyncio.run(ground.conductor.retry(ground.actor(), id_))
    ground.look()

    assert count == 1
    assert ground.member(id_, "d-000").state is MemberState.OFFERED
    with pytest.raises(RefusedError, match="no device is to be tried again"):
        asyncio.run(ground.conductor.retry(ground.actor(), id_))


def test_a_release_that_wants_another_one_first_is_taken_in_steps(ground: Ground) -> None:
    ground.fleet(2)

    def make_a_hop(connection: Connection) -> None:
        for version, counter, least in (("2", 2, 1), ("3", 3, 2)):
            connection.execute(
                update(RELEASES)
                .where(RELEASES.c.version == version)
                .values(counter=counter, from_counter=least)
            )

    ground.write(make_a_hop)
    id_ = ground.start(replace(ALL_AT_ONCE, releases=("gateway/3/release.json",)))
    for device in ("d-000", "d-001"):
        assert ground.ordered()[device].wanted == "2"
        ground.update(device)
        ground.status(device, "idle", version="2", counter=2)
    ground.look()

    for device in ("d-000", "d-001"):
        assert ground.ordered()[device].wanted == "3"
        ground.update(device)
    ground.wait(40)

    assert ground.state(id_) == "finished"
    assert ground.member(id_, "d-000").from_version == "1"


def test_a_device_that_comes_by_where_others_wait_keeps_its_place(ground: Ground) -> None:
    ground.fleet(2)
    id_ = ground.start(replace(ALL_AT_ONCE, pace=Pace(at_once=1)))
    (first,) = ground.ordered()

    for phase in ("installing", "waiting"):
        ground.status(first, phase)
    ground.look()
    assert ground.states(id_) == {"updating": 1, "waiting": 1}

    ground.status(first, "waiting", reason="the maintenance window is closed")
    ground.look()
    assert ground.states(id_) == {"held": 1, "offered": 1}
    assert ground.member(id_, first).reason == "the maintenance window is closed"
