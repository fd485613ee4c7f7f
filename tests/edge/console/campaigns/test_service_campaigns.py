"""A campaign of one service: who takes part, what it costs, and how it is taken back."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.console.campaigns.campaign import Event
from edge.console.campaigns.members import MemberState
from edge.console.campaigns.preview import Preview
from edge.console.repository.vaults import Vaults
from edge.console.tenants import Tenant
from tests.agent.power.system import System
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, TENANT, Ground
from tests.fakes.operator import Operator

DIGEST = "d" * 64
OWN = DIGEST[:16]
PLAN = replace(ALL_AT_ONCE, releases=("gateway/web+2/release.json",), on_trip="revert")
OLD = "gateway/web+1/release.json"
BASE = "gateway/web+0/release.json"
STATES = MemberState


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, _tiny_units: None, keys: Path) -> Path:
    """The folder of tenants with one that has three releases of a service."""
    folder = tmp_path_factory.mktemp("services")
    made = Operator(folder / "operator", keys)
    vault = Vaults(folder / "tenants", lambda: datetime.now(UTC)).open(Tenant(TENANT, str(keys)))
    old = System.make("web+1", 1, blocks={"service": 5})
    base = System.make("web+0", 1, blocks={"service": 3}).equal_to(DIGEST)
    for one in (base, old, System.update("web+2", 1, old, "patch")):
        made.release(one)
        for patched in (None, "web+1") if one.patches else (None,):
            made.bundle(one.release.version, patched)
            vault.take(made.folder / "update.edge", now=made.now)
    return folder / "tenants"


@pytest.fixture
def fleet(ground: Ground) -> Ground:
    """Devices that run the system's own, one version or the other, another service, and nothing."""
    names = ground.fleet(6, "7")
    for device, said in zip(names, SAID, strict=True):
        ground.status(device, "idle", services=said)
    return ground


SAID: tuple[Mapping[str, str], ...] = (
    {"web": OWN}, {"web": "web+1"}, {"web": "web+2"}, {"db": "db+1"}, {}, {"web": "web+0.9"},
)  # fmt: skip


def preview(ground: Ground) -> Preview:
    return asyncio.run(ground.conductor.preview(TENANT, PLAN, seed=1))


def take(ground: Ground, device: str) -> None:
    """Let a device do what it is ordered: the service runs, the system stays."""
    version = ground.ordered()[device].wanted
    ground.status(device, "installing")
    said = OWN if version == "web+0" else version
    ground.status(device, "proving", services={"web": said})
    ground.report(device, "succeeded", version=version)
    ground.status(device, "idle", services={"web": said})


def test_who_runs_it_or_has_no_such_service_stays_out(fleet: Ground) -> None:
    members = fleet.members(fleet.start(PLAN))

    assert set(members) == {"d-000", "d-001", "d-004", "d-005"}
    assert {one.from_services[0].release for one in members.values()} == {BASE, OLD, ""}


def test_the_preview_says_who_goes_back_and_what_it_costs(fleet: Ground) -> None:
    found = preview(fleet)

    left_out = {one.reason: one.examples for one in found.left_out}
    assert left_out == {
        "runs web+2 already": ("d-002",),
        "has no service web that is updated in place": ("d-003",),
    }
    assert (found.devices, found.patched, found.full, found.reverting) == (4, 1, 3, 2)


def test_an_equal_version_of_the_systems_own_is_there_already(fleet: Ground) -> None:
    back = replace(PLAN, releases=(BASE,))

    assert set(fleet.members(fleet.start(back))) == {"d-001", "d-002", "d-004", "d-005"}


def test_it_is_taken_back_to_what_ran_before(fleet: Ground) -> None:
    id_ = fleet.start(PLAN)
    for device in ("d-000", "d-001", "d-004", "d-005"):
        take(fleet, device)
    fleet.decide(id_, Event.REVERTED)
    fleet.look()

    wanted = {device: row.wanted for device, row in fleet.ordered().items()}
    assert wanted == {"d-000": "web+0", "d-001": "web+1"}
    for device in wanted:
        take(fleet, device)
    fleet.look()
    members = fleet.members(id_)
    assert fleet.state(id_) == "reverted"
    assert {name: one.state for name, one in members.items()} == {
        "d-000": STATES.REVERTED,
        "d-001": STATES.REVERTED,
        "d-004": STATES.STRANDED,
        "d-005": STATES.STRANDED,
    }
    assert members["d-004"].reason.startswith("ran what the console did not know before")
    assert members["d-005"].reason.startswith("ran web+0.9 before, of which no release is here")


def test_who_has_got_another_version_since_is_left_as_it_is(fleet: Ground) -> None:
    id_ = fleet.start(replace(PLAN, times=replace(PLAN.times, soak_s=1)))
    for device in fleet.ordered():
        take(fleet, device)
    fleet.wait(40)
    assert fleet.states(id_) == {"succeeded": 4}
    fleet.status("d-001", "idle", services={"web": "web+3"})

    fleet.decide(id_, Event.REVERTED)
    fleet.look()

    assert fleet.member(id_, "d-001").state is STATES.OVERTAKEN
    assert fleet.member(id_, "d-001").reason == "runs web+3"


def test_a_service_that_fell_back_in_its_soak_has_failed(fleet: Ground) -> None:
    id_ = fleet.start(replace(PLAN, on_trip="pause"))
    for device in fleet.ordered():
        take(fleet, device)
    fleet.status("d-001", "idle", services={"web": OWN})
    fleet.wait(60)

    assert fleet.member(id_, "d-001").state is STATES.FAILED
    assert fleet.member(id_, "d-001").reason == f"runs {OWN} after its soak"
    assert fleet.member(id_, "d-000").state is STATES.SUCCEEDED


def test_who_came_to_run_it_before_its_turn_is_there(fleet: Ground) -> None:
    one_at_once = replace(PLAN, pace=replace(PLAN.pace, at_once=1))
    id_ = fleet.start(one_at_once)
    waiting = next(name for name, one in fleet.members(id_).items() if one.state == "waiting")
    fleet.status(waiting, "idle", services={"web": "web+2"})

    while fleet.member(id_, waiting).state is STATES.WAITING:
        for device in fleet.ordered():
            take(fleet, device)
        fleet.look()

    assert fleet.member(id_, waiting).state is STATES.PRESENT


def test_a_device_that_lost_the_service_since_is_refused(fleet: Ground) -> None:
    id_ = fleet.start(replace(PLAN, pace=replace(PLAN.pace, at_once=1)))
    waiting = next(name for name, one in fleet.members(id_).items() if one.state == "waiting")
    fleet.status(waiting, "idle", services={"db": "db+1"})

    while fleet.member(id_, waiting).state is STATES.WAITING:
        for device in fleet.ordered():
            take(fleet, device)
        fleet.look()

    assert fleet.member(id_, waiting).state is STATES.REFUSED
    reason = "has no service web that is updated in place"
    assert fleet.member(id_, waiting).reason == reason
