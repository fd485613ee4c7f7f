"""A service gets a new version without a restart, and goes back when that is not well."""

from dataclasses import replace

import pytest

from edge_agent.in_place import kept
from edge_agent.in_place.running import versions
from edge_agent.in_place.shelf import Shelf
from tests.agent.in_place.conftest import BLOCKS
from tests.agent.in_place.service_device import (
    FACTORY,
    SEEN,
    ServiceDevice,
    Story,
    finals_of,
    floor_of,
)
from tests.agent.in_place.service_room import DIGEST, NAME, ServiceRoom
from tests.agent.power.machine_room import Medium
from tests.agent.power.medium import Contents
from tests.agent.power.system import System, Way
from tests.fakes.agent_parts import FakeSource

WAYS: tuple[Way, ...] = ("patch", "chunks")


def run(
    device: ServiceDevice, start: Contents | None = None
) -> tuple[list[tuple[str, str]], Medium]:
    """Run to the end; return the final reports and the medium."""
    frames = device.run(start or device.new_contents())
    return finals_of(frames), frames[-1].medium


def test_the_new_version_runs_and_is_committed_without_a_restart(second: System) -> None:
    device = ServiceDevice(second)

    finals, medium = run(device)

    kept = Shelf(ServiceRoom(medium), NAME).kept()
    assert finals == [("succeeded", "")]
    assert (kept.place, kept.version, kept.stands_for, kept.counter) == ("a", "web+2", DIGEST, 1)
    assert floor_of(medium).targets == SEEN


def test_the_next_version_goes_beside_the_one_that_runs(first: System, second: System) -> None:
    device = ServiceDevice(second, first)

    finals, medium = run(device)

    shelf = Shelf(ServiceRoom(medium), NAME)
    assert finals == [("succeeded", "")]
    assert (shelf.committed(), shelf.target) == ("b", "a")
    assert (
        medium.now.read("web-a", len(dict(first.volumes)["service"]), 0)
        == (dict(first.volumes)["service"])
    )


@pytest.mark.parametrize("is_first", [True, False], ids=["factory before", "another before"])
@pytest.mark.parametrize(
    ("story", "reason"),
    [
        ("sick", "not healthy after 5 s"),
        ("crashing", "services ended "),
        ("refused", "it was not started: it asks for other rights"),
    ],
)
def test_a_version_that_is_not_well_is_left(
    first: System, second: System, story: Story, reason: str, *, is_first: bool
) -> None:
    device = ServiceDevice(second, None if is_first else first, story)

    finals, medium = run(device)

    assert finals[0][0] == "failed"
    assert finals[0][1].startswith(reason)
    assert Shelf(ServiceRoom(medium), NAME).version() == ("" if is_first else "web+1")


def test_a_full_data_partition_fails_before_anything_is_fetched(second: System) -> None:
    def fill(_device: ServiceDevice, room: ServiceRoom, _source: FakeSource) -> None:
        room.is_full = True

    device = ServiceDevice(second, None, "refused", edit=fill)

    finals, _medium = run(device)

    assert "No space left on device" in finals[0][1]
    assert (device.room.running, device.fetched) == (FACTORY, 0)


def test_a_service_that_the_system_does_not_name_is_refused() -> None:
    device = ServiceDevice(System.make("api+2", 1, blocks=BLOCKS), None, "refused")

    finals, _medium = run(device)

    assert finals == [("failed", "api+2: this system has no service api that is updated in place")]
    assert device.fetched == 0


def test_a_version_below_the_counter_of_the_service_is_refused(
    first: System, second: System
) -> None:
    low = replace(second, release=replace(second.release, counter=0))
    device = ServiceDevice(low, first, "refused")

    finals, _medium = run(device)

    assert finals == [("failed", "web+2: its rollback counter is 0, below 1")]
    assert device.fetched == 0


def test_the_version_that_was_left_is_back_without_a_byte(first: System, second: System) -> None:
    _finals, medium = run(ServiceDevice(second, first))
    back = ServiceDevice(first, second, action="act-2")

    finals, medium = run(back, medium.now.copy())

    assert finals == [("succeeded", "")]
    assert (back.fetched, back.room.running) == (0, "web+1")
    assert Shelf(ServiceRoom(medium), NAME).committed() == "a"


def test_the_systems_own_version_is_back_without_a_byte(first: System, own: System) -> None:
    device = ServiceDevice(own, first)

    finals, medium = run(device)

    shelf = Shelf(ServiceRoom(medium), NAME)
    assert finals == [("succeeded", "")]
    assert (device.fetched, device.room.running) == (0, FACTORY)
    assert (shelf.committed(), shelf.version(), shelf.kept().counter) == (None, "", 1)


def test_after_it_what_was_left_is_back_without_a_byte_too(first: System, own: System) -> None:
    _finals, medium = run(ServiceDevice(own, first))
    _finals, medium = run(ServiceDevice(first, action="act-2"), medium.now.copy())
    _finals, medium = run(ServiceDevice(own, first, action="act-3"), medium.now.copy())
    again = ServiceDevice(first, action="act-4")

    finals, medium = run(again, medium.now.copy())

    assert finals == [("succeeded", "")]
    assert (again.fetched, Shelf(ServiceRoom(medium), NAME).committed()) == (0, "a")


def test_the_systems_own_version_that_is_not_well_is_left(first: System, own: System) -> None:
    device = ServiceDevice(own, first, "sick")

    finals, medium = run(device)

    assert finals[0][0] == "failed"
    assert Shelf(ServiceRoom(medium), NAME).version() == "web+1"


def test_the_systems_own_version_below_the_counter_is_refused(first: System, own: System) -> None:
    low = replace(own, release=replace(own.release, counter=0))
    device = ServiceDevice(low, first, "refused")

    finals, _medium = run(device)

    assert finals == [("failed", "web+0: its rollback counter is 0, below 1")]


def test_the_systems_own_version_that_runs_is_a_success_at_once(own: System) -> None:
    device = ServiceDevice(own)

    finals, _medium = run(device)

    assert finals == [("succeeded", "")]
    assert device.room.started == [FACTORY]


def test_an_order_that_people_did_not_approve_does_not_go_back(first: System, own: System) -> None:
    def refuse(_device: ServiceDevice, _room: ServiceRoom, source: FakeSource) -> None:
        source.checked = replace(source.checked, refusal="nobody approved it")

    device = ServiceDevice(own, first, "refused", edit=refuse)

    finals, _medium = run(device)

    assert finals == [("failed", "nobody approved it")]


def test_the_server_hears_which_version_runs(first: System, own: System) -> None:
    said = []

    def note(device: ServiceDevice, room: ServiceRoom, _source: FakeSource) -> None:
        said.append(versions(room))
        device.room = room

    for device in (ServiceDevice(first, edit=note), ServiceDevice(own, first, edit=note)):
        run(device)
        said.append(versions(device.room))

    own_version = {NAME: DIGEST[:16]}
    assert said[:2] == [own_version, {NAME: "web+1"}]
    assert said[-1] == own_version


def test_what_runs_already_is_a_success_at_once(second: System) -> None:
    device = ServiceDevice(second, second)

    finals, _medium = run(device)

    assert finals == [("succeeded", "")]
    assert (device.fetched, device.room.started) == (0, ["web+2"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_first", [True, False], ids=["factory before", "another before"])
def test_it_comes_as_patches_and_in_chunks_too_whatever_runs(way: Way, *, is_first: bool) -> None:
    old = System.make("web+1", 1, blocks={"service": 5})
    device = ServiceDevice(System.update("web+2", 1, old, way), None if is_first else old)

    finals, _medium = run(device)

    assert finals == [("succeeded", "")]


def test_a_place_that_runs_is_not_written_though_nobody_remembers_it(first: System) -> None:
    device = ServiceDevice(first, first)
    medium = Medium(device.new_contents())
    device.started(medium)
    device.room.files(NAME).remove(kept.FILE)

    assert Shelf(device.room, NAME).target == "b"
