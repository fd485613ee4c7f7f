"""Overviews that are a little old, so that they cost little however many pages ask for them.

Of a small fleet they are at most `FRESH_S` old. A large one takes long to count: who asks gets the
figures of the last time at once, while they are counted anew, and sees by their time how old they
are, and to ask again. They are kept in the database, for the first page after a start; for whom
there are none, they are counted before somebody asks (`keep`).
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from edge.console import kept_overviews, overview
from edge.console.kept_overviews import Key
from edge.console.overview import Overview
from edge.console.store.database import Database
from edge.console.visitor import Visitor

FRESH_S: Final = 1.0
# One that took long is kept for so many times as long: a large fleet is not counted without end.
TIMES: Final = 4.0
# Nobody waits for longer than that for a fleet of so many devices, if there are older figures.
QUICK_S: Final = 0.1
LARGE: Final = 10_000
# What nobody asks for is counted once in so long.
AGAIN_S: Final = 3_600
_KEPT_MOST: Final = 200
# For no more visitors is counted before they ask.
_AHEAD_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class _Counted:
    """An overview, with when its counting began, by the clock of the loop, and how long it took."""

    overview: Overview
    began_s: float
    took_s: float

    @property
    def is_large(self) -> bool:
        return self.took_s > QUICK_S and sum(self.overview.states.values()) >= LARGE

    def is_fresh(self, now_s: float) -> bool:
        return now_s < self.began_s + max(FRESH_S, TIMES * self.took_s)


class Overviews:
    """The overviews of one console, for the thread of its event loop.

    Args:
        database: To count in.
        now_s: The time, seconds since 1970, for what is counted before somebody asks.
    """

    def __init__(self, database: Database, now_s: Callable[[], int]) -> None:
        self._database = database
        self._now_s = now_s
        self._counted: dict[Key, _Counted] = {}
        self._counting: dict[Key, asyncio.Task[Overview]] = {}
        self._in_use: list[Key] = []

    async def of(self, visitor: Visitor) -> Overview:
        """Return how the devices stand that a visitor can reach."""
        key = visitor.actor.tenant, visitor.groups
        known = await self._known(key)
        if known is not None and known.is_fresh(asyncio.get_running_loop().time()):
            return known.overview
        task = self._counting.get(key) or self._begin(key, visitor.actor.now_s)
        if known is not None and known.is_large:
            return known.overview
        # One who leaves must not take it from the others.
        return await asyncio.shield(task)

    async def keep(self) -> None:
        """Count for all who may ask and for whom there are no figures, or only old ones.

        Raises:
            StoreError: The database can not be read or written now.
        """
        in_use = await self._database.read(kept_overviews.in_use)
        for key in in_use[:_AHEAD_MOST]:
            known = await self._known(key)
            if known is None or (known.is_large and self._is_old(known.overview)):
                task = self._counting.get(key) or self._begin(key, self._now_s(), is_asked=False)
                await asyncio.shield(task)
        if in_use != self._in_use:
            await self._database.write(lambda one: kept_overviews.forget_others(one, in_use))
            self._in_use = in_use

    def _is_old(self, known: Overview) -> bool:
        return not 0 <= self._now_s() - known.counted_at_s < AGAIN_S

    async def _known(self, key: Key) -> _Counted | None:
        """Return what was counted last, by this console or before it began."""
        if key not in self._counted:
            found = await self._database.read(lambda one: kept_overviews.load(one, key))
            if found is not None and key not in self._counted:
                self._put(key, _Counted(found.overview, -math.inf, found.took_s))
        return self._counted.get(key)

    def _put(self, key: Key, counted: _Counted) -> None:
        if len(self._counted) >= _KEPT_MOST:
            self._counted.clear()
        self._counted[key] = counted

    def _begin(self, key: Key, now_s: int, *, is_asked: bool = True) -> "asyncio.Task[Overview]":
        task = asyncio.create_task(self._count(key, now_s, is_asked=is_asked))
        self._counting[key] = task

        def end(ended: "asyncio.Task[Overview]") -> None:
            del self._counting[key]
            if not ended.cancelled():
                # Who waits is told; for the others it is counted once more when they ask.
                ended.exception()

        task.add_done_callback(end)
        return task

    async def _count(self, key: Key, now_s: int, *, is_asked: bool) -> Overview:
        tenant, groups = key
        loop = asyncio.get_running_loop()
        began_s = loop.time()

        def read(one: Connection) -> Overview:
            return overview.of(one, tenant, now_s, groups)

        found = await self._database.read(read)
        took_s = loop.time() - began_s
        # Who asks first of a small fleet gets it as it is then.
        counted = _Counted(found, began_s if is_asked else -math.inf, took_s)
        self._put(key, counted)
        if counted.is_large:
            await self._database.write(lambda one: kept_overviews.save(one, key, found, took_s))
        return found
