"""The console's broker and MQTT link in a thread, for tests with the links of real agents."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from edge.console.broker.broker import Broker
from edge.console.broker.configuration import BrokerSettings
from edge.console.mqtt.link import LinkLimits, MqttLink
from edge_agent.backoff import Backoff
from tests.fakes.memory_desk import TENANT, MemoryDesk

T = TypeVar("T")
WAIT_S = 20


class ConsoleSide:
    """What runs, for other threads than its own."""

    def __init__(self, settings: BrokerSettings, desk: MemoryDesk, limits: LinkLimits) -> None:
        self.settings, self.desk, self.limits = settings, desk, limits
        self.url = f"mqtts://127.0.0.1:{settings.port}"
        self.broker: Broker
        self.link: MqttLink
        self._loop: asyncio.AbstractEventLoop
        self._ready = threading.Event()
        self._linking: asyncio.Task[None]

    def call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do something in the thread of the console, and return what comes out."""
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(WAIT_S)

    def order(self, device: str, wanted: bytes | None) -> None:
        """Want something of a device, or nothing."""

        async def change() -> None:
            if wanted is None:
                self.desk.orders.pop(device, None)
            else:
                self.desk.orders[device] = wanted
            self.link.tell(TENANT, device)

        self.call(change)

    def unlink(self) -> None:
        """End the link: the console is away, its broker is not."""

        async def end() -> None:
            self._linking.cancel()
            with suppress(asyncio.CancelledError):
                await self._linking

        self.call(end)

    def relink(self) -> None:
        """Begin a new link, as a console does that was started again."""
        self.call(self.relinked)

    def stop_broker(self) -> None:
        self.call(self.broker.stop)

    def start_broker(self) -> None:
        self.call(self.broker.start)

    def there(self) -> None:
        """Wait until the link is."""

        async def wait() -> None:
            await asyncio.wait_for(self.link.there.wait(), WAIT_S)

        self.call(wait)

    async def relinked(self) -> None:
        self.link = MqttLink(
            self.desk,
            lambda: self.broker.address,
            limits=self.limits,
            backoff=Backoff(lambda: 0.05),
        )
        self.broker.on_running = [self.link.try_now]
        self._linking = asyncio.create_task(self.link.run())
        await asyncio.wait_for(self.link.there.wait(), WAIT_S)

    async def _main(self, stop: asyncio.Event) -> None:
        self.broker = Broker(self.settings, backoff=Backoff(lambda: 0.0))
        await self.broker.start()
        try:
            await self.relinked()
            self._ready.set()
            await stop.wait()
            self._linking.cancel()
            with suppress(asyncio.CancelledError):
                await self._linking
        finally:
            await self.broker.stop()


@contextmanager
def running(
    settings: BrokerSettings, desk: MemoryDesk, limits: LinkLimits | None = None
) -> Iterator[ConsoleSide]:
    side = ConsoleSide(settings, desk, limits or LinkLimits())
    stop = asyncio.Event()

    async def main() -> None:
        side._loop = asyncio.get_running_loop()
        await side._main(stop)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert side._ready.wait(WAIT_S)
        yield side
    finally:
        side._loop.call_soon_threadsafe(stop.set)
        thread.join()
