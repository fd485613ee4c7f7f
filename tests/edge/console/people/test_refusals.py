"""Failures in the log: whoever tries can not fill the disk with them."""

import asyncio

from edge.console import audit
from edge.console.people.refusals import Refusals
from edge.console.store.database import Database


class Clock:
    now_s = 1000

    def __call__(self) -> int:
        return self.now_s


def test_of_many_failures_some_are_told_and_the_others_counted(database: Database) -> None:
    clock = Clock()
    refusals = Refusals(database, "us", clock)

    async def fail() -> None:
        for _number in range(1000):
            await refusals.tell(None, address="192.0.2.7")
        clock.now_s += 60
        await refusals.tell(None, address="192.0.2.7")

    asyncio.run(fail())

    found = database.read_now(lambda one: audit.entries(one, "us", most=500))
    assert len(found) == 31
    assert [one.details["not_told_before"] for one in found] == [0] * 30 + [970]
    assert {(one.actor, one.subject) for one in found} == {("console", "person:?")}
