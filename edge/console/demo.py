"""A console with a simulated fleet, and a campaign that gets rid of a bad release by itself.

All of it is real but the devices: keys, releases, the broker, TLS, orders, reports. Two small
releases are made; the first is what all devices run. The second fails on some of them.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, select

from edge.certificates import issuing
from edge.console import app
from edge.console.app import Running, Settings
from edge.console.audit import Actor
from edge.console.campaigns import store
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.members import MemberState
from edge.console.campaigns.plan import Limit, Pace, Plan, Times, Wave
from edge.console.campaigns.store import Stored
from edge.console.mqtt.service import OwnBroker
from edge.console.simulate.behaviour import Kind
from edge.console.simulate.device import Pace as DevicePace
from edge.console.simulate.fleet import Fleet, FleetSettings
from edge.console.simulate.identities import Factory
from edge.console.site import DEFAULT_TENANT, Site
from edge.console.store.tables import DEVICES
from edge.errors import EdgeError
from edge.keys import create, ring
from edge.keys.secrets import nobody
from edge.progress import SILENT
from edge.release import adding, catalogue, export
from edge.release.payloads import Terms
from edge.release.signing import sign_here
from edge.release.source import of_files
from edge.repository.repository import Repository

OLD: Final = "1.1.0"
NEW: Final = "1.2.0"
PRODUCT: Final = "gateway"
BOARD: Final = "rpi4"
_IMAGE_BYTES: Final = 64 << 10
_FACTORY: Final = timedelta(days=30)
_COME_S: Final = 60.0
_END_S: Final = 300.0
_LOOK_S: Final = 0.2

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What is shown.

    Attributes:
        folder: For all that is made; it must be empty.
        devices: How many.
        fails_percent: On how many of them the new release fails.
        seed: Of all that is left to chance.
        speed: How much faster than real ones the devices are.
        has_mqtt: Half of the devices connect by MQTT, which needs Mosquitto.
    """

    folder: Path
    devices: int = 50
    fails_percent: int = 8
    seed: int = 3
    speed: float = 20.0
    has_mqtt: bool = True


@dataclass
class Demo:
    """The demo while it runs.

    Attributes:
        running: Its console.
        site: The folder of that.
        tell: Told what happens, line by line.
    """

    settings: DemoSettings
    running: Running
    site: Site
    tell: Tell
    began_s: float = field(default_factory=time.monotonic)

    @property
    def url(self) -> str:
        """Of the page."""
        return f"https://localhost:{self.running.api_port}/"

    async def play(self) -> dict[str, object]:
        """Let the devices come, bring them the new release, and say how it ended.

        Raises:
            EdgeError: It took too long.
        """
        await self._come()
        made = await self._campaign()
        self.tell(f"campaign {made.id}: {NEW} to {made.campaign.total} devices, canaries first")
        await self._decide(made.id, Event.STARTED)
        ended = await self._watch(made.id)
        return await self._facts(ended)

    async def _come(self) -> None:
        async def all_are_there() -> bool:
            return (await self._versions())[OLD] == self.settings.devices

        await self._until(all_are_there, _COME_S, "the devices come")
        self.tell(f"{self.settings.devices} devices are there and run {OLD}")

    async def _campaign(self) -> Stored:
        office = self.running.office
        limit = Limit(count=max(1, self.settings.devices // 50), percent=None)
        waves = tuple(
            Wave(percent=share, limit=limit, success_percent=90) for share in (20, 50, 100)
        )
        plan = Plan(
            (f"{PRODUCT}/{NEW}/release.json",),
            waves=waves,
            pace=Pace(at_once=max(5, self.settings.devices // 5)),
            times=Times(soak_s=2, silence_s=20, timeout_s=120, answer_s=30),
            on_trip="revert",
        )
        return await office.campaigns.create(
            self._actor(), f"{NEW} for all", plan, seed=self.settings.seed
        )

    async def _watch(self, id_: str) -> Stored:
        said, deadline_s = "", time.monotonic() + _END_S
        while True:
            found = await self.running.office.database.read(
                lambda one: store.get(one, DEFAULT_TENANT, id_)
            )
            counts = sorted(found.campaign.counts.items())
            text = ", ".join(f"{count} {state}" for state, count in counts)
            line = f"wave {found.campaign.open_wave + 1}, {found.campaign.state}: {text}"
            if line != said:
                self.tell(line)
                said = line
            if not found.campaign.is_live:
                return found
            if time.monotonic() > deadline_s:
                raise EdgeError(f"the campaign does not end: {line}")
            await asyncio.sleep(_LOOK_S)

    async def _facts(self, ended: Stored) -> dict[str, object]:
        campaign = ended.campaign
        devices = await self._versions()
        reached = campaign.total - campaign.counts.get(MemberState.WAITING, 0)
        return {
            "campaign": ended.id,
            "state": campaign.state,
            "tripped": campaign.tripped,
            "wave": campaign.open_wave + 1,
            "devices": campaign.total,
            "reached": reached,
            "running": dict(sorted(devices.items())),
            "entries": ended.entries,
            "seconds": round(time.monotonic() - self.began_s, 1),
        }

    async def _versions(self) -> Counter[str]:
        def counted(connection: Connection) -> Counter[str]:
            asked = select(DEVICES.c.version, func.count()).group_by(DEVICES.c.version)
            return Counter(dict(connection.execute(asked).tuples().all()))

        return await self.running.office.database.read(counted)

    async def _decide(self, id_: str, event: Event) -> None:
        await self.running.office.campaigns.decide(self._actor(), id_, event)

    async def _until(self, is_so: Callable[[], Any], most_s: float, what: str) -> None:
        deadline_s = time.monotonic() + most_s
        while not await is_so():
            if time.monotonic() > deadline_s:
                raise EdgeError(f"{what}: not within {most_s:.0f} s")
            await asyncio.sleep(_LOOK_S)

    def _actor(self) -> Actor:
        return Actor(DEFAULT_TENANT, "demo", self.running.office.now_s())


@asynccontextmanager
async def running(settings: DemoSettings, tell: Tell) -> AsyncIterator[Demo]:
    """Run a console with a fleet until the block ends.

    Raises:
        EdgeError: A part of it can not be made or started.
    """
    folder, now = settings.folder, datetime.now(UTC)
    authority, factory = _factory(now)
    bundles = await asyncio.to_thread(make_releases, folder, now)
    site = Site(folder / "console")
    links = (OwnBroker(site, "127.0.0.1", 0).running,) if settings.has_mqtt else ()
    chosen = Settings(
        site=site, keys_folder=str(folder / "keys"), authorities=(authority,), links=links
    )
    async with app.running(chosen) as console:
        demo = Demo(settings, console, site, tell)
        actor = Actor(DEFAULT_TENANT, "demo", console.office.now_s())
        for one in bundles:
            await console.office.take_bundle(actor, one)
        fleet = _fleet(settings, console, site, factory)
        for name in fleet.settings.names():
            await console.office.register(actor, name, None)
        living = asyncio.create_task(fleet.run())
        try:
            yield demo
        finally:
            living.cancel()
            with suppress(asyncio.CancelledError):
                await living


def _fleet(settings: DemoSettings, console: Running, site: Site, factory: Factory) -> Fleet:
    fails = settings.fails_percent
    chosen = FleetSettings(
        settings.devices,
        site.authority,
        settings.folder / "devices",
        http=f"https://localhost:{console.port}/",
        mqtt=f"mqtts://localhost:{console.mqtt_port}" if settings.has_mqtt else "",
        prefix="device",
        seed=settings.seed,
        shares={Kind.OK: 100 - fails, Kind.FAILS: fails},
        pace=DevicePace(speed=settings.speed, poll_s=0.5, retry_s=0.5),
        ramp_s=2.0,
        bad_version=NEW,
        board=BOARD,
        product=PRODUCT,
        version=OLD,
    )
    return Fleet(chosen, factory, lambda: datetime.now(UTC))


def _factory(now: datetime) -> tuple[Any, Factory]:
    key = issuing.new_key()
    made = issuing.authority("Edge demo factory", key, now, _FACTORY)
    return made, Factory(made, key)


def make_releases(folder: Path, now: datetime) -> list[Path]:
    """Make keys and two small releases of a product, and return their bundles."""
    create.init(folder / "keys", now=now, products=(PRODUCT,))
    keys = ring.read(folder / "keys")
    repository = Repository.create(folder / "repository", keys, now=now)
    bundles = []
    for version in (OLD, NEW):
        images = folder / f"images-{version}"
        images.mkdir()
        for name in ("boot", "rootfs"):
            line = f"{PRODUCT} {version} {name}\n".encode()
            content = (line * (_IMAGE_BYTES // len(line) + 1))[:_IMAGE_BYTES]
            (images / name).write_bytes(content)
        source = of_files(
            {"boot": images / "boot", "rootfs": images / "rootfs"},
            product=PRODUCT,
            version=version,
            boards=(BOARD,),
        )
        adding.add(
            repository,
            keys,
            source,
            Terms(),
            now=now,
            level="fast",
            patches_from=0,
            with_chunks=False,
            progress=SILENT,
        )
        sign_here(repository, keys, nobody)
        repository.publish(keys, now=now)
        bundle = folder / f"{version}.edge"
        export.write(repository, catalogue.find(repository, version), bundle, base_version=None)
        bundles.append(bundle)
    return bundles
