"""A fleet of simulated devices: makes them, lets them live, and says what they did."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from random import Random

import aiohttp

from edge.console.mqtt.client import Address, broker_of
from edge.console.simulate import links
from edge.console.simulate.behaviour import Kind
from edge.console.simulate.device import Pace, SimulatedDevice
from edge.console.simulate.identities import Factory, identity
from edge.console.simulate.links import DeviceLink, HttpDevice, MqttDevice
from edge.console.simulate.mix import DEFAULT, kinds
from edge.console.simulate.summary import Counts
from edge.errors import InputError
from edge_signing.messages import Status
from edge_signing.running import SERVICE, SERVICES_MOST, VERSION


class Via(StrEnum):
    """Which link the devices have: a part of them each, or all the same."""

    BOTH = "both"
    HTTP = "http"
    MQTT = "mqtt"


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """Which devices there are, and what they do.

    Attributes:
        http: URL of the server, empty for none.
        mqtt: URL of the broker, empty for none.
        via: Which link devices have where there are both; one that has MQTT asks by HTTP first, as
            a console wants that binds a device to its certificate then.
        server_ca: File with the authority of servers.
        folder: For the identities of the devices.
        mqtt_percent: How many have MQTT where each has either.
        bad_version: The behaviours are about this release alone; empty for all.
        seed: Of all that is left to chance; the same seed, the same behaviour.
        ramp_s: Over which the devices come to be there.
        for_s: How long they live; None until all that can has ended `actions`, or for ever.
        actions: How many each is to end; 0 for no end.
        services: What they run at the beginning of those that they update in place, by name.
    """

    count: int
    server_ca: Path
    folder: Path
    http: str = ""
    mqtt: str = ""
    via: Via = Via.BOTH
    mqtt_percent: int = 50
    bad_version: str = ""
    prefix: str = "sim"
    seed: int = 1
    shares: dict[Kind, int] = field(default_factory=lambda: dict(DEFAULT))
    pace: Pace = field(default_factory=Pace)
    ramp_s: float = 5.0
    for_s: float | None = None
    actions: int = 0
    board: str = "rpi4"
    product: str = "simulated"
    version: str = "1.0.0"
    services: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Return the ids of the devices."""
        width = len(str(self.count))
        return [f"{self.prefix}-{number:0{width}}" for number in range(1, self.count + 1)]


class Fleet:
    """The devices, for one event loop.

    Args:
        settings: Which ones.
        factory: What their certificates are signed by.
        now: Returns the time.
    """

    def __init__(
        self, settings: FleetSettings, factory: Factory, now: Callable[[], datetime]
    ) -> None:
        if not settings.http and not settings.mqtt:
            raise InputError("no server is named", hint="use --http, --mqtt, or both")
        self.counts = Counts()
        self.settings, self._factory, self._now = settings, factory, now
        chance = _chance(settings.seed, "kinds")
        self._kinds = kinds(settings.count, settings.shares, chance)
        self._began_s = time.monotonic()

    def facts(self) -> dict[str, object]:
        """Return what was done so far, for JSON."""
        return self.counts.facts(Counter(self._kinds), time.monotonic() - self._began_s)

    async def run(self) -> None:
        """Let all devices live; ends as the settings say, or when it is cancelled."""
        async with links.session() as session:
            devices = [
                self._device(number, name, session)
                for number, name in enumerate(self.settings.names())
            ]
            lives = [
                asyncio.create_task(self._life(number, device))
                for number, device in enumerate(devices)
            ]
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.settings.for_s):
                        await self._until_done(devices, lives)
            finally:
                for life in lives:
                    life.cancel()
                ended = await asyncio.gather(*lives, return_exceptions=True)
        for one in ended:
            if isinstance(one, Exception):
                raise one

    async def _until_done(
        self, devices: list[SimulatedDevice], lives: list[asyncio.Task[None]]
    ) -> None:
        reaching = asyncio.create_task(self._reach(devices))
        left = {reaching, *lives}
        try:
            while not reaching.done():
                ended, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for life in ended:
                    life.result()
        finally:
            reaching.cancel()

    async def _reach(self, devices: list[SimulatedDevice]) -> None:
        """Return when each device has ended its actions, or is silent."""
        if not self.settings.actions:
            await asyncio.Event().wait()
        for device in devices:
            await self._goal(device)

    async def _goal(self, device: SimulatedDevice) -> None:
        while not device.is_silent and device.finished < self.settings.actions:
            device.changed.clear()
            await device.changed.wait()

    async def _life(self, number: int, device: SimulatedDevice) -> None:
        await asyncio.sleep(self.settings.ramp_s * number / self.settings.count)
        await device.live()

    def _device(self, number: int, name: str, session: aiohttp.ClientSession) -> SimulatedDevice:
        settings = self.settings
        return SimulatedDevice(
            self._link(number, name, session),
            Status(
                "none",
                slot="a",
                board=settings.board,
                product=settings.product,
                version=settings.version,
                services=settings.services,
            ),
            self._kinds[number],
            _chance(settings.seed, name),
            pace=settings.pace,
            counts=self.counts,
            now_s=lambda: int(self._now().timestamp()),
            bad_version=settings.bad_version,
        )

    def _link(self, number: int, name: str, session: aiohttp.ClientSession) -> DeviceLink:
        settings = self.settings
        own = identity(self._factory, name, settings.folder, self._now())
        context = own.context(settings.server_ca)
        asks: HttpDevice | None = None
        if settings.http:
            asks = HttpDevice(session, links.server_of(settings.http), name, context)
        if asks is not None and not self._has_mqtt(number):
            return asks
        return MqttDevice(Address(*broker_of(settings.mqtt), context), name, asks)

    def _has_mqtt(self, number: int) -> bool:
        match self.settings.via if self.settings.mqtt else Via.HTTP:
            case Via.HTTP:
                return False
            case Via.MQTT:
                return True
            case Via.BOTH:
                # As evenly as can be: the whole part of its share grows with this device.
                share = self.settings.mqtt_percent
                return (number + 1) * share // 100 > number * share // 100


def _chance(seed: int, name: str) -> Random:
    return Random(f"{seed}:{name}")  # noqa: S311  # the same again, not a secret


def read_services(texts: Iterable[str]) -> dict[str, str]:
    """Return versions by the names of services, from texts such as `web+1.0.0`.

    Raises:
        InputError: One is no version of a service, or there are two of one.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, sign, version = text.partition("+")
        if not sign or not SERVICE.fullmatch(name) or not VERSION.fullmatch(text) or not version:
            raise InputError(f"{text!r} is no version of a service", hint="write web+1.0.0")
        if name in found:
            raise InputError(f"{name!r} is said twice")
        found[name] = text
    if len(found) > SERVICES_MOST:
        raise InputError(f"{len(found)} services are more than {SERVICES_MOST}")
    return found
