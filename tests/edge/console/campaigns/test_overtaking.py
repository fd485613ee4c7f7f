"""Devices of which something else is wanted after their campaign, and a campaign that goes back."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from edge.console import orders, releases
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.members import MemberState
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, PLAN, TENANT, Ground


def order(ground: Ground, device: str, version: str) -> None:
    """Let a person order a release of a device."""

    def step(connection: Connection) -> Any:
        release = releases.find(connection, TENANT, version)
        return orders.deploy(
            connection,
            ground.actor(),
            ground.vaults,
            device,
            release,
            policy=PLAN.policy,
            word=lambda: f"w{next(ground.words)}",
        )

    ground.write(step)


def test_an_order_of_a_person_in_the_soak_takes_a_device_out(ground: Ground) -> None:
    ground.fleet(2)
    id_ = ground.start(ALL_AT_ONCE)
    ground.update("d-000")

    order(ground, "d-000", "3")

    assert ground.member(id_, "d-000").state is MemberState.OVERTAKEN
    ground.update("d-000")
    ground.wait(40)
    assert ground.member(id_, "d-000").state is MemberState.OVERTAKEN


def test_a_success_stays_one_whatever_is_ordered_later(ground: Ground) -> None:
    ground.fleet(1)
    id_ = ground.start(ALL_AT_ONCE)
    ground.update("d-000")
    ground.wait(40)

    order(ground, "d-000", "3")

    assert ground.member(id_, "d-000").state is MemberState.SUCCEEDED


def test_who_goes_back_leaves_alone_what_was_ordered_since(ground: Ground) -> None:
    ground.fleet(4)
    id_ = ground.start(ALL_AT_ONCE)
    for device in list(ground.ordered()):
        ground.update(device)
    ground.wait(40)
    later = ground.start(replace(ALL_AT_ONCE, releases=("gateway/3/release.json",)))
    ground.update("d-000")
    ground.status("d-001", "installing")
    order(ground, "d-002", "3")

    ground.decide(id_, Event.REVERTED)
    ground.look()

    assert ground.states(id_) == {"overtaken": 4}
    assert ground.member(id_, "d-000").reason == "gateway/3/release.json was ordered since"
    assert ground.member(later, "d-001").state is MemberState.UPDATING
    assert ground.state(id_) == "reverted"


def test_who_goes_back_leaves_alone_a_device_that_runs_something_else(ground: Ground) -> None:
    ground.fleet(2)
    id_ = ground.start(ALL_AT_ONCE)
    for device in list(ground.ordered()):
        ground.update(device)
    ground.wait(40)
    ground.status("d-000", "idle", version="9")

    ground.decide(id_, Event.REVERTED)
    ground.look()

    assert ground.member(id_, "d-000").state is MemberState.OVERTAKEN
    assert ground.member(id_, "d-000").reason == "runs 9"
    assert ground.member(id_, "d-001").state is MemberState.REVERTING
