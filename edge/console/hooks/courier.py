"""Delivers webhooks: in order for each, some of them at once, again and again until they arrive."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import aiohttp

from edge.console.audit import CONSOLE, Actor
from edge.console.hooks import hooks, parcel
from edge.console.hooks.addresses import Allowed, Resolve, Resolver, check_url
from edge.console.hooks.hooks import Delivery, Hook
from edge.console.hooks.parcel import DELIVERY, SIGNATURE, Parcel
from edge.console.store.database import Database
from edge.errors import EdgeError

_TICK_S: Final = 1.0
_TOTAL_S: Final = 15
_AT_ONCE: Final = 10
_ANSWER_MOST_BYTES: Final = 4096
_FIRST_WAIT_S: Final = 10
_WAIT_MOST_S: Final = 3600
# About three days of waiting; then somebody has to turn it on again.
_FAILURES_MOST: Final = 80

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """How webhooks get out.

    Attributes:
        allowed: Where they may go.
        resolve: Returns the addresses of a host; asks the system when None.
    """

    allowed: Allowed = field(default_factory=Allowed)
    resolve: Resolve | None = None


class Courier:
    """Delivers the webhooks of one console. For one event loop.

    Args:
        database: Where they are stored.
        route: How they get out.
        now_s: The time, seconds since 1970.
        tick_s: How often it looks for what has happened.
    """

    def __init__(
        self,
        database: Database,
        route: Route,
        *,
        now_s: Callable[[], int],
        tick_s: float = _TICK_S,
    ) -> None:
        self.route = route
        self._database = database
        self._now_s = now_s
        self._tick_s = tick_s
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver until the block ends."""
        connector = aiohttp.TCPConnector(
            resolver=Resolver(self.route.allowed, self.route.resolve), use_dns_cache=False
        )
        timeout = aiohttp.ClientTimeout(total=_TOTAL_S)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            self._session = session
            task = asyncio.create_task(self._run())
            try:
                yield
            finally:
                tasks = [task, *self._under_way.values()]
                for one in tasks:
                    one.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._session = None

    async def send_trial(self, hook: Hook) -> Delivery:
        """Send something that has no meaning, and return how that went."""
        return await self._send(hook, parcel.trial(hook, self._now_s()))

    async def _run(self) -> None:
        while True:
            try:
                due = await self._database.read(lambda one: hooks.due(one, self._now_s()))
            except EdgeError as error:
                logger.warning("webhooks: %s", error)
                due = []
            for hook in due:
                key = hook.tenant, hook.hook
                if key not in self._under_way:
                    task = asyncio.create_task(self._deliver(hook))
                    self._under_way[key] = task
                    task.add_done_callback(partial(self._forget, key))
            await asyncio.sleep(self._tick_s)

    def _forget(self, key: tuple[str, str], _task: asyncio.Task[None]) -> None:
        self._under_way.pop(key, None)

    async def _deliver(self, hook: Hook) -> None:
        """Tell what has happened; return when there is no more, or it did not arrive."""
        try:
            async with self._places:
                while True:
                    found = await self._database.read(partial(parcel.next_of, hook=hook))
                    if found is None or not await self._told(hook, found):
                        return
                    again = partial(hooks.get, tenant=hook.tenant, hook=hook.hook)
                    hook = await self._database.read(again)
                    if not hook.is_on:
                        return
        except EdgeError as error:
            # It goes on where it was, at the next look.
            logger.warning("webhook %s: %s", hook.name, error)

    async def _told(self, hook: Hook, found: Parcel) -> bool:
        come = {"event": found.event, "entry": found.entry, "failures": 0, "retry_at_s": 0}
        if not found.items:
            return await self._database.write(lambda one: hooks.advance(one, hook, come))
        done = await self._send(hook, found)
        if not done.error:
            await self._database.write(lambda one: hooks.note(one, hook, done, come))
            return True
        failures = hook.failures + 1
        wait_s = min(_WAIT_MOST_S, _FIRST_WAIT_S * 2 ** min(failures - 1, 20))
        again = {"failures": failures, "retry_at_s": self._now_s() + wait_s}
        await self._database.write(lambda one: hooks.note(one, hook, done, again))
        if failures >= _FAILURES_MOST:
            logger.warning("webhook %s: turned off, it never arrives", hook.name)
            actor = Actor(hook.tenant, CONSOLE, self._now_s())
            await self._database.write(lambda one: hooks.turn(one, actor, hook.hook, is_on=False))
        return False

    async def _send(self, hook: Hook, found: Parcel) -> Delivery:
        now_s, started = self._now_s(), time.monotonic()
        body = found.body(hook.tenant)
        headers = {
            SIGNATURE: parcel.signature(hook.secret, body, now_s),
            DELIVERY: found.name,
            "Content-Type": "application/json",
            "User-Agent": "edge-console",
        }
        status, error = 0, ""
        try:
            check_url(hook.url, self.route.allowed)
            status = await self._post(hook.url, body, headers)
            if not 200 <= status < 300:
                error = f"answered with {status}"
        except TimeoutError:
            error = f"no answer within {_TOTAL_S} s"
        except (aiohttp.ClientError, OSError, EdgeError) as caught:
            error = str(caught) or type(caught).__name__
        duration_ms = int((time.monotonic() - started) * 1000)
        return Delivery(now_s, status, error[:300], len(found.items), duration_ms)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        if self._session is None:
            raise EdgeError("webhooks are not delivered now")
        async with self._session.post(
            url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            await answer.content.read(_ANSWER_MOST_BYTES)
            return answer.status
