"""A console that is killed at one of its writes, and somebody who starts it again.

It is killed, and the power stays: nothing here waits for a disk.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from edge.console.campaigns import store
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.plan import Plan
from edge.console.campaigns.store import Stored
from edge.console.store import database
from edge.console.store.database import Database
from tests.edge.console.campaigns.ground import TENANT, Ground


class KilledError(Exception):
    """The console ended here."""


class Mortal:
    """A database whose console is killed at one of its writes: before it, or after the commit."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.writes = 0
        self.dies_at = -1
        self.is_after = False

    async def read(self, step: Callable[[Any], Any]) -> Any:
        return await self.database.read(step)

    async def write(self, step: Callable[[Any], Any]) -> Any:
        self.writes += 1
        is_now = self.writes == self.dies_at
        if is_now and not self.is_after:
            raise KilledError
        found = await self.database.write(step)
        if is_now:
            raise KilledError
        return found


@contextmanager
def hastily() -> Iterator[None]:
    """Let databases wait for no disk, and turns be drawn the same each time."""
    set_up = database._set_up

    def set_up_hastily(connection: Any, record: object) -> None:
        set_up(connection, record)
        connection.execute("PRAGMA synchronous=OFF")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_set_up", set_up_hastily)
        patch.setattr("secrets.randbits", lambda _bits: 7)
        yield


class Survivor:
    """Who starts the console again whenever it was killed."""

    def __init__(self, ground: Ground, mortal: Mortal, plan: Plan) -> None:
        self.ground = ground
        self.mortal = mortal
        self.plan = plan
        self._begin()

    def alive(self, act: Callable[[], Any]) -> Any:
        while True:
            try:
                return act()
            except KilledError:
                self.ground.restart()
                self._begin()

    def run(self, bad: Mapping[str, str]) -> dict[str, str]:
        """Bring a campaign to its end; return how its devices stand.

        Args:
            bad: Which version each of some devices can not run.
        """
        ground = self.ground
        # Who got no answer looks whether it is there before he says it again.
        made = self.alive(lambda: self._made() or self._create())
        self.alive(
            lambda: ground.state(made.id) != "draft" or ground.decide(made.id, Event.STARTED)
        )
        while ground.campaign(made.id).campaign.is_live:
            self.alive(ground.look)
            self._play(bad)
            ground.now_s += 15
            ground.see()
        assert len(ground.read(lambda c: store.all_of(c, TENANT))) == 1
        return {name: str(one.state) for name, one in sorted(ground.members(made.id).items())}

    def _made(self) -> Stored | None:
        return next(iter(self.ground.read(lambda c: store.all_of(c, TENANT))), None)

    def _create(self) -> Stored:
        return asyncio.run(self.ground.conductor.create(self.ground.actor(), "it", self.plan))

    def _play(self, bad: Mapping[str, str]) -> None:
        for device, row in self.ground.ordered().items():
            is_bad = bool(row.wanted) and bad.get(device) == row.wanted
            (self.ground.fail if is_bad else self.ground.update)(device)

    def _begin(self) -> None:
        self.ground.conductor._database = self.mortal  # type: ignore[assignment]
