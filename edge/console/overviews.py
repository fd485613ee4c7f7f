"""Overviews that are a little old, so that they cost little however many pages ask for them."""

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
_TIMES: Final = 4.0
_KEPT_MOST: Final = 200

_Key = tuple[str, frozenset[str] | None]


@dataclass(slots=True)
class _Made:
    """An overview that is made or being made.

    Attributes:
        until: When another one is made, by the clock of the loop; None while this one is.
    """

    task: "asyncio.Task[Overview]"
    until: float | None = None


class Overviews:
    """The overviews of one console, for the thread of its event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._made: dict[_Key, _Made] = {}

    async def of(self, visitor: Visitor) -> Overview:
        """Return how the devices stand that a visitor can reach."""
        key = visitor.actor.tenant, visitor.groups
        known = self._made.get(key)
        if known is None or _is_old(known):
            if len(self._made) >= _KEPT_MOST:
                self._made.clear()
            known = _Made(asyncio.create_task(self._read(visitor)))
            self._made[key] = known
            self._end_later(known)
        # One who leaves must not take it from the others.
        return await asyncio.shield(known.task)

    def _end_later(self, made: _Made) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()

        def end(_task: "asyncio.Task[Overview]") -> None:
            took = loop.time() - began
            made.until = began + max(FRESH_S, _TIMES * took)

        made.task.add_done_callback(end)

    async def _read(self, visitor: Visitor) -> Overview:
        def read(one: Connection) -> Overview:
            return overview.of(one, visitor.actor.tenant, visitor.actor.now_s, visitor.groups)

        return await self._database.read(read)


def _is_old(made: _Made) -> bool:
    if made.until is None:
        return False
    is_failed = made.task.cancelled() or made.task.exception() is not None
    return is_failed or asyncio.get_running_loop().time() >= made.until
