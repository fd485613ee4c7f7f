"""A campaign that is removed at any moment of a look at all of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from edge.console.campaigns import store
from edge.console.campaigns.plan import Pace
from edge.console.store.database import Database
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, TENANT, Ground


class Interrupted:
    """A database in which something happens before one of the questions or writes."""

    def __init__(self, database: Database, at: int, act: Callable[[], object]) -> None:
        self.database, self.left, self.act = database, at, act

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.act()

    async def read(self, step: Callable[[Any], Any]) -> Any:
        self._count()
        return await self.database.read(step)

    async def write(self, step: Callable[[Any], Any]) -> Any:
        self._count()
        return await self.database.write(step)


def test_the_others_are_looked_at_all_the_same(ground: Ground) -> None:
    ground.fleet(3)
    plan = replace(ALL_AT_ONCE, pace=Pace(at_once=1))
    moments = 0
    for at in range(1, 40):
        first, other = ground.start(replace(plan, priority=500)), ground.start(plan)
        before = ground.campaign(other).looked_at_s
        ground.now_s += 20

        def remove(id_: str = first) -> None:
            ground.write(lambda c: store.forget(c, TENANT, id_))

        interrupted = Interrupted(ground.database, at, remove)
        ground.conductor._database = interrupted  # type: ignore[assignment]
        ground.look()
        ground.conductor._database = ground.database

        assert ground.campaign(other).looked_at_s > before, at
        if interrupted.left > 0:
            break
        moments += 1
        for id_ in (first, other):
            ground.write(lambda c, id_=id_: store.forget(c, TENANT, id_))  # type: ignore[misc]

    assert moments > 10
