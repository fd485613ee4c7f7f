"""Requests with an idempotency key: done once, and answered the same when they come again."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from edge.console.audit import Actor
from edge.console.store.database import Database
from edge.console.store.tables import ANSWERS
from edge.errors import InputError, RefusedError

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[!-~]{1,128}")
_KEPT_S: Final = 86400


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    body: bytes


@dataclass(slots=True)
class Repeats:
    """Answers by tenant, token and key; kept for a day.

    A request whose act was committed and whose answer was not, because the console ended between,
    is done again when it comes again.
    """

    database: Database
    _under_way: dict[tuple[str, str, str], asyncio.Lock] = field(default_factory=dict)

    async def once(
        self,
        actor: Actor,
        key: str,
        request: str,
        act: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """Return the answer to a request, from memory if it came before.

        Args:
            actor: Who asks.
            key: Of the request.
            request: What tells it from others.
            act: Does it.

        Raises:
            InputError: It can not be a key.
            RefusedError: Another request had this key.
        """
        if not _KEY.fullmatch(key):
            raise InputError(f"{HEADER} {key!r}: not 1 to 128 visible characters")
        async with self._alone((actor.tenant, actor.name, key)):
            known = await self.database.read(lambda one: _known(one, actor, key))
            if known is not None:
                if known[0] != request:
                    raise RefusedError(f"{HEADER} {key!r}: another request had it")
                return known[1]
            answer = await act()
            await self.database.write(lambda one: _keep(one, actor, key, request, answer))
            return answer

    @asynccontextmanager
    async def _alone(self, name: tuple[str, str, str]) -> AsyncIterator[None]:
        lock = self._under_way.setdefault(name, asyncio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                self._under_way.pop(name, None)


def _known(connection: Connection, actor: Actor, key: str) -> tuple[str, Answer] | None:
    same = (
        ANSWERS.c.tenant == actor.tenant,
        ANSWERS.c.token == actor.name,
        ANSWERS.c.key == key,
        ANSWERS.c.at_s > actor.now_s - _KEPT_S,
    )
    row = connection.execute(select(ANSWERS).where(*same)).first()
    return None if row is None else (row.request, Answer(row.status, bytes(row.body)))


def _keep(connection: Connection, actor: Actor, key: str, request: str, answer: Answer) -> None:
    old = ANSWERS.c.at_s <= actor.now_s - _KEPT_S
    connection.execute(delete(ANSWERS).where(ANSWERS.c.tenant == actor.tenant, old))
    connection.execute(
        insert(ANSWERS).values(
            tenant=actor.tenant,
            token=actor.name,
            key=key,
            request=request,
            status=answer.status,
            body=answer.body,
            at_s=actor.now_s,
        )
    )
