"""Power cuts at every step of an update in place: some version of the service always runs."""

import pytest

from tests.agent.in_place.service_device import ServiceDevice, Story
from tests.agent.power.device import ViolationError
from tests.agent.power.explore import Explorer
from tests.agent.power.system import System

# Each is left out in turn, and somebody has to miss it.
STEPS = ("flush of web", "flush of state", "folder after state", "flush of b", "folder after b")
STORIES: tuple[Story, ...] = ("good", "sick", "refused")


@pytest.mark.parametrize("story", STORIES)
def test_a_cut_at_every_step(first: System, second: System, story: Story) -> None:
    explorer = Explorer(ServiceDevice(second, first, story))

    assert len(explorer.cut_once()) > 100


@pytest.mark.parametrize("story", STORIES)
def test_a_second_cut_after_some_of_them(first: System, second: System, story: Story) -> None:
    explorer = Explorer(ServiceDevice(second, first, story))

    for number, (cut, left) in enumerate(explorer.cut_once(share=0.03)):
        explorer.cut_again(cut, left, share=0.03, seed=number)

    assert explorer.cases > 100


@pytest.mark.parametrize("story", ["good", "sick"])
def test_a_cut_at_every_step_back_to_the_systems_own(
    first: System, own: System, story: Story
) -> None:
    explorer = Explorer(ServiceDevice(own, first, story))

    for number, (cut, left) in enumerate(explorer.cut_once()):
        if number % 8 == 0:
            explorer.cut_again(cut, left, share=0.1, seed=number)

    assert explorer.cases > 50


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_missed(first: System, second: System, step: str) -> None:
    device = ServiceDevice(second, first, ignored=frozenset({step}))

    with pytest.raises(ViolationError):
        Explorer(device).cut_once()
