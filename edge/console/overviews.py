"""Overviews that are a little old, so that they cost little however many pages ask for them.

Of a small fleet they are at most `FRESH_S` old. A large one takes long to count: who asks gets the
figures of the last time at once, while they are counted anew, and sees by their time to ask again.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from edge.console import overview
from edge.console.overview import Overview
from edge.console.store.database import Database
from edge.console.visitor import Visitor

FRESH_S: Final = 1.0
# One that took long is kept for so many times as long: a large fleet is not counted without end.
TIMES: Final = 4.0
# Nobody waits for longer than that, if there are figures of the last time ...
QUICK_S: Final = 0.1
# ... which are not older than that.
OLD_S: Final = 120.0
_KEPT_MOST: Final = 200

_Key = tuple[str, frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class _Counted:
    """An overview, with when its counting began, by the clock of the loop, and how long it took."""

    overview: Overview
    began_s: float
    took_s: float

    def is_fresh(self, now_s: float) -> bool:
        return now_s < self.began_s + max(FRESH_S, TIMES * self.took_s)

    def is_good_for_now(self, now_s: float) -> bool:
        return self.took_s > QUICK_S and now_s < self.began_s + OLD_S


class Overviews:
    """The overviews of one console, for the thread of its event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted: dict[_Key, _Counted] = {}
        self._counting: dict[_Key, asyncio.Task[Overview]] = {}

    async def of(self, visitor: Visitor) -> Overview:
        """Return how the devices stand that a visitor can reach."""
        key = visitor.actor.tenant, visitor.groups
        now_s = asyncio.get_running_loop().time()
        known = self._counted.get(key)
        if known is not None and known.is_fresh(now_s):
            return known.overview
        task = self._counting.get(key) or self._begin(key, visitor)
        if known is not None and known.is_good_for_now(now_s):
            return known.overview
        # One who leaves must not take it from the others.
        return await asyncio.shield(task)

    def _begin(self, key: _Key, visitor: Visitor) -> "asyncio.Task[Overview]":
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        task = asyncio.create_task(self._read(visitor))
        self._counting[key] = task

        def end(ended: "asyncio.Task[Overview]") -> None:
            del self._counting[key]
            if ended.cancelled() or ended.exception() is not None:
                return
            if len(self._counted) >= _KEPT_MOST:
                self._counted.clear()
            self._counted[key] = _Counted(ended.result(), began_s, loop.time() - began_s)

        task.add_done_callback(end)
        return task

    async def _read(self, visitor: Visitor) -> Overview:
        def read(one: Connection) -> Overview:
            return overview.of(one, visitor.actor.tenant, visitor.actor.now_s, visitor.groups)

        return await self._database.read(read)
