"""Who listens hears what has changed, each thing once, and nothing of other tenants."""

import asyncio

import pytest

from edge.console.notices import KEPT_MOST, Ear, Notice, Notices, Topic


def hear(ear: Ear) -> list[Notice]:
    async def listen() -> list[Notice]:
        return await asyncio.wait_for(ear.hear(), 1)

    return asyncio.run(listen())


def test_the_same_thing_twice_is_one_notice() -> None:
    notices = Notices()

    with notices.listening("mine") as ear:
        for subject in ("a", "b", "a"):
            notices.tell("mine", Topic.DEVICE, subject)

        assert hear(ear) == [Notice(Topic.DEVICE, "a"), Notice(Topic.DEVICE, "b")]


def test_nothing_is_heard_of_another_tenant_or_after_the_end() -> None:
    notices = Notices()

    with notices.listening("mine") as ear:
        notices.tell("theirs", Topic.DEVICE, "a")
    notices.tell("mine", Topic.DEVICE, "a")

    with pytest.raises(TimeoutError):
        asyncio.run(_soon(ear))


def test_too_many_are_told_as_a_whole_and_memory_stays_small() -> None:
    notices = Notices()

    with notices.listening("mine") as ear:
        notices.tell("mine", Topic.RELEASE, "r")
        for number in range(3 * KEPT_MOST):
            notices.tell("mine", Topic.DEVICE, f"unit-{number}")

        assert set(hear(ear)) == {Notice(Topic.RELEASE), Notice(Topic.DEVICE)}


async def _soon(ear: Ear) -> None:
    await asyncio.wait_for(ear.hear(), 0.01)
