"""The gate of the broker: whom it denies is what the database says, whatever happens meanwhile.

What changes is looked at in the database, never taken from who tells it; so it may be told twice,
late, or before it is true, and all is looked at again now and then, for certificates end.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from edge.console.broker.broker import Broker
from edge.console.mqtt.desk import Admissions
from edge.errors import EdgeError

RECHECK_S: Final = 60.0
_RETRY_S: Final = 1.0
_AT_ONCE: Final = 500

logger = logging.getLogger(__name__)


class Gate:
    """Keeps the rules of one broker. For one event loop.

    Args:
        broker: The broker.
        admissions: Know whom MQTT lets in.
        tell: Told each device that was looked at: what the broker retains for it may be stale.
        forget: Told each device that is shut out: what was said in its name is not heard again.
        recheck_s: How often all is looked at.
    """

    def __init__(
        self,
        broker: Broker,
        admissions: Admissions,
        *,
        tell: Callable[[str], None],
        forget: Callable[[str], None],
        recheck_s: float = RECHECK_S,
    ) -> None:
        self._broker, self._admissions = broker, admissions
        self._tell, self._forget = tell, forget
        self._recheck_s = recheck_s
        self._waiting: dict[str, None] = {}
        self._met: dict[str, None] = {}
        self._is_all_due = False
        self._news = asyncio.Event()

    def look(self, device: str) -> None:
        """Look at a device: it may stand otherwise than before."""
        self._waiting[device] = None
        self._news.set()

    def look_at_all(self) -> None:
        """Look at all devices."""
        self._is_all_due = True
        self._news.set()

    def meet(self, device: str) -> None:
        """Look at a device that has connected: if it is not served it goes on by HTTP."""
        self._met[device] = None
        self._news.set()

    async def run(self) -> None:
        """Keep the rules until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick())
            while True:
                await self._news.wait()
                self._news.clear()
                try:
                    await self.settle()
                except (EdgeError, OSError) as error:
                    logger.warning("the rules of the broker: %s", error)
                    await asyncio.sleep(_RETRY_S)
                    self._news.set()

    async def settle(self) -> None:
        """Look at all that waits; it goes on waiting if that fails.

        Raises:
            EdgeError: The database can not be read, or the broker does not take its rules.
        """
        if self._is_all_due:
            # Before the look, so that what changes during it is looked at again.
            self._is_all_due = False
            await self._find_stale()
        while some := list(self._waiting)[:_AT_ONCE]:
            await self._put_right(some)
        while some := list(self._met)[:_AT_ONCE]:
            await self._send_away(some)

    async def _find_stale(self) -> None:
        try:
            denied = await self._admissions.denied()
        except (EdgeError, OSError):
            self._is_all_due = True
            raise
        self._waiting.update(dict.fromkeys(denied ^ self._broker.shut_out_now))

    async def _put_right(self, devices: list[str]) -> None:
        for name in devices:
            self._waiting.pop(name, None)
        try:
            await self._apply(devices)
        except (EdgeError, OSError):
            self._waiting.update(dict.fromkeys(devices))
            raise

    async def _apply(self, devices: list[str]) -> None:
        standings = await self._admissions.of(*devices)
        before = self._broker.shut_out_now
        out = [name for name in devices if standings[name].is_denied and name not in before]
        again = [name for name in devices if not standings[name].is_denied and name in before]
        if out:
            await self._broker.shut_out(*out)
            for name in out:
                self._forget(name)
        if again:
            await self._broker.let_in(*again)
        for name in devices:
            self._tell(name)

    async def _send_away(self, devices: list[str]) -> None:
        for name in devices:
            self._met.pop(name, None)
        try:
            standings = await self._admissions.of(*devices)
        except EdgeError:
            self._met.update(dict.fromkeys(devices))
            raise
        await self._broker.throw_out(*(name for name in devices if standings[name].refusal))

    async def _tick(self) -> None:
        while True:
            self.look_at_all()
            await asyncio.sleep(self._recheck_s)
