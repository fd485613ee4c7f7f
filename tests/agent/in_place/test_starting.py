"""At the start of a system only what is vouched for is started; else the system's own version."""

import pytest

from edge_agent.in_place import kept
from edge_agent.in_place.shelf import Shelf
from edge_agent.machine import State
from tests.agent.in_place.service_device import FACTORY, Edit, ServiceDevice
from tests.agent.in_place.service_room import NAME, ServiceRoom
from tests.agent.power.machine_room import Medium
from tests.agent.power.system import System
from tests.fakes.agent_parts import FakeSource


def started(device: ServiceDevice, medium: Medium) -> str:
    """Start the device and return what runs then."""
    assert device.started(medium).record.state is State.IDLE
    return device.room.running


def test_what_was_committed_is_started(first: System, second: System) -> None:
    device = ServiceDevice(second, first)

    assert started(device, Medium(device.new_contents())) == "web+1"


def distrust(_device: ServiceDevice, _room: ServiceRoom, source: FakeSource) -> None:
    source.distrusts = True


def other_system(_device: ServiceDevice, room: ServiceRoom, _source: FakeSource) -> None:
    room.listed = {NAME: "e" * 64}


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(distrust, id="its signatures do not count any more"),
        pytest.param(other_system, id="it stood for another version of the system"),
    ],
)
def test_what_is_not_vouched_for_is_not_started(first: System, second: System, edit: Edit) -> None:
    device = ServiceDevice(second, first, edit=edit)

    assert started(device, Medium(device.new_contents())) == FACTORY


def test_what_stood_for_another_system_counts_again_in_that(first: System, second: System) -> None:
    device = ServiceDevice(second, first, edit=other_system)
    medium = Medium(device.new_contents())

    assert started(device, medium) == FACTORY
    device.edit = ServiceDevice.edit
    assert started(device, Medium(medium.now)) == "web+1"


@pytest.mark.parametrize("name", [kept.FILE, "a.signed"])
@pytest.mark.parametrize("data", [b"", b"{}", b"\xff" * 64])
def test_damaged_files_bring_the_version_of_the_system(
    first: System, second: System, name: str, data: bytes
) -> None:
    device = ServiceDevice(second, first)
    medium = Medium(device.new_contents())
    ServiceRoom(medium).files(NAME).write_atomic(name, data)

    assert started(device, Medium(medium.now)) == FACTORY


def test_documents_of_another_service_do_not_count(first: System, second: System) -> None:
    device = ServiceDevice(second, first)
    medium = Medium(device.new_contents())
    api = System.make("api+1", 1, blocks={"service": 3}).release
    ServiceRoom(medium).files(NAME).write_atomic("a.signed", api.pack())

    assert started(device, Medium(medium.now)) == FACTORY


def test_an_image_that_was_changed_later_is_not_started(first: System, second: System) -> None:
    device = ServiceDevice(second, first)
    medium = Medium(device.new_contents())
    ServiceRoom(medium).volume(NAME, "a").pwrite(b"changed", 5000)

    assert started(device, Medium(medium.now)) == FACTORY


def test_the_agent_that_is_started_anew_says_nothing_again(first: System, second: System) -> None:
    device = ServiceDevice(second, first)
    medium = Medium(device.new_contents())
    agent = device.started(medium)
    assert agent.record.state is State.IDLE

    agent.start()

    assert device.room.started == ["web+1"]


def test_a_version_that_is_left_is_told(first: System, second: System) -> None:
    device = ServiceDevice(second, first, edit=distrust)
    medium = Medium(device.new_contents())
    agent = device.started(medium)

    agent.tell()

    told = [one for one in medium.heard() if getattr(one, "kind", "") == "service-left"]
    assert [getattr(one, "version", "") for one in told] == ["web+1"]
    assert "not signed: the system's own version runs" in getattr(told[0], "reason", "")


def test_nothing_that_was_committed_is_overwritten(first: System) -> None:
    for place in ("a", "b"):
        medium = Medium(ServiceDevice(first).new_contents())
        shelf = Shelf(ServiceRoom(medium), NAME)
        shelf.commit(place, first.release)

        assert shelf.target != place
