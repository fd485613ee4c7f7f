"""A tenant with releases and devices, its campaigns, and devices that do what they are ordered."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select, update

from edge.console import releases
from edge.console.audit import Actor
from edge.console.campaigns import store
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.conductor import Conductor
from edge.console.campaigns.members import Member
from edge.console.campaigns.plan import Limit, Pace, Plan, Times, Wave
from edge.console.campaigns.store import Stored
from edge.console.desk import Caller, Via
from edge.console.devices import registry, reports
from edge.console.front_desk import FrontDesk
from edge.console.repository.vaults import Vaults
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES
from edge.console.store.database import Database
from edge.console.store.tables import DEVICES, ORDERS, SIGHTINGS
from edge.console.tenants import Tenant
from edge_signing.messages import EventId, ReportEvent, Status

T = TypeVar("T")

TENANT = "us"
NEW = ("gateway/2/release.json",)
LIMIT = Limit(count=2, percent=None)
PLAN = Plan(
    NEW,
    waves=(Wave(percent=10, limit=LIMIT), Wave(percent=100, limit=LIMIT)),
    evidence=None,
    pace=Pace(at_once=5),
    times=Times(soak_s=30, silence_s=60, timeout_s=600, answer_s=120),
)
ALL_AT_ONCE = replace(PLAN, waves=(Wave(percent=100, limit=LIMIT),), pace=Pace(at_once=50))


class Ground:
    """All that a campaign needs, with a clock that is moved by hand.

    Attributes:
        now_s: The console's clock.
        told: Devices of which something else was wanted.
    """

    def __init__(self, database: Database, keys: Path, folder: Path) -> None:
        self.now_s = int(datetime.now(UTC).timestamp())
        self.database = database
        self.vaults = Vaults(folder, lambda: datetime.now(UTC))
        known = self.vaults.open(Tenant(TENANT, str(keys))).releases()
        self.write(lambda c: releases.take(c, self.actor(), known))
        self.words = itertools.count(1)
        self.numbers = itertools.count(1)
        self.told: list[str] = []
        # What passes between two glances at the clock that is never set back.
        self.glance_s = 0.0
        self._passed_s = 0.0
        self.restart()

    def restart(self) -> None:
        """Begin as a console does that was ended: with nothing but the database."""
        desk = FrontDesk(self.database, self.vaults, now_s=lambda: self.now_s)
        desk.on_desired.append(lambda _tenant, device: self.told.append(device))
        self.conductor = Conductor(
            self.database,
            self.vaults,
            desk,
            now_s=lambda: self.now_s,
            word=lambda: f"w{next(self.words)}",
            monotonic_s=self._monotonic_s,
        )
        asyncio.run(self.conductor.begin(TENANT))

    def _monotonic_s(self) -> float:
        self._passed_s += self.glance_s
        return self._passed_s

    def actor(self, name: str = "person:jane") -> Actor:
        return Actor(TENANT, name, self.now_s)

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        """Do what the console does in its loop."""
        return asyncio.run(act)

    def write(self, step: Callable[[Any], Any]) -> Any:
        return self.database.write_now(step)

    def read(self, step: Callable[[Any], Any]) -> Any:
        return self.database.read_now(step)

    def fleet(self, count: int, version: str = "1", **columns: object) -> list[str]:
        """Let devices in that run a version, and were seen just now."""
        names = [f"d-{number:03}" for number in range(count)]

        def let_in(connection: Any) -> None:
            for name in names:
                registry.register(connection, self.actor(), name)
            values = {"product": "gateway", "version": version, "board": "board", **columns}
            values.setdefault("counter", 1)
            connection.execute(update(DEVICES).values(values))
            connection.execute(update(SIGHTINGS).values(last_seen_s=self.now_s))

        self.write(let_in)
        return names

    def start(self, plan: Plan, **columns: object) -> str:
        """Make a campaign, start it, and look at it once; return its id."""
        made = asyncio.run(self.conductor.create(self.actor(), "to the new one", plan))
        self.decide(made.id, Event.STARTED)
        self.look()
        return made.id

    def decide(self, id_: str, event: Event, **words: Any) -> Stored:
        return asyncio.run(self.conductor.decide(self.actor(), id_, event, **words))

    def look(self, passing_s: int = 0) -> None:
        """Let time pass, and let the console look."""
        self.now_s += passing_s
        asyncio.run(self.conductor.look(TENANT))

    def wait(self, time_s: int, *, is_seen: bool = True) -> None:
        """Let time pass as it does for a console that looks all the time."""
        while time_s > 0:
            step_s = min(time_s, 20)
            time_s -= step_s
            self.now_s += step_s
            if is_seen:
                self.see()
            self.look()

    def see(self, *devices: str) -> None:
        """Let devices call; all of them if none is named."""
        where = [SIGHTINGS.c.device.in_(devices)] if devices else []
        self.write(
            lambda c: (
                c.execute(update(SIGHTINGS).where(*where).values(last_seen_s=self.now_s)).rowcount
            )
        )

    def campaign(self, id_: str) -> Stored:
        found: Stored = self.read(lambda c: store.get(c, TENANT, id_))
        return found

    def state(self, id_: str) -> str:
        return self.campaign(id_).campaign.state

    def member(self, id_: str, device: str) -> Member:
        found: Member = self.read(lambda c: store.member(c, TENANT, id_, device))
        return found

    def members(self, id_: str) -> dict[str, Member]:
        asked = select(CAMPAIGN_DEVICES).where(CAMPAIGN_DEVICES.c.campaign == id_)
        rows = self.read(lambda c: c.execute(asked).all())
        return {row.device: store.member_of(row) for row in rows}

    def states(self, id_: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for one in self.members(id_).values():
            found[one.state] = found.get(one.state, 0) + 1
        return found

    def ordered(self) -> dict[str, Any]:
        """Return the rows of devices with an order of which nothing was heard yet."""
        asked = (
            select(DEVICES, ORDERS.c.release.label("ordered"), ORDERS.c.version.label("wanted"))
            .join(ORDERS, ORDERS.c.action == DEVICES.c.desired_action)
            .where(ORDERS.c.state == "open", DEVICES.c.action != DEVICES.c.desired_action)
        )
        return {row.device: row for row in self.read(lambda c: c.execute(asked).all())}

    def orders(self, device: str) -> list[Any]:
        asked = select(ORDERS).where(ORDERS.c.device == device).order_by(ORDERS.c.created_at_s)
        found: list[Any] = self.read(lambda c: c.execute(asked).all())
        return found

    def status(self, device: str, phase: str, **words: Any) -> None:
        """Let a device tell its status, about the order that it has."""
        row = self.read(lambda c: registry.get(c, TENANT, device))
        told: dict[str, Any] = {
            "boot_id": row.boot_id or "boot-1",
            "seq": row.desired_seq,
            "action": row.desired_action,
            "phase": phase,
            "board": "board",
            "product": "gateway",
            "version": row.version,
            "counter": row.counter,
            **words,
        }
        caller = Caller(TENANT, device, Via.HTTP)
        self.write(lambda c: reports.take_status(c, caller, Status(**told), self.now_s))

    def report(self, device: str, kind: str, **words: Any) -> None:
        """Let a device report how its order ended, or something else."""
        self.take(device, self.event(device, kind, **words))

    def event(self, device: str, kind: str, **words: Any) -> ReportEvent:
        """Return what a device would report of its order, with the console's clock."""
        row = self.read(lambda c: registry.get(c, TENANT, device))
        said: dict[str, Any] = {"action": row.desired_action, **words}
        return ReportEvent(EventId("boot-1", next(self.numbers)), self.now_s, kind, **said)

    def take(self, device: str, event: ReportEvent) -> None:
        """Let the console hear a report."""
        caller = Caller(TENANT, device, Via.HTTP)
        self.write(lambda c: reports.take_events(c, caller, [event], self.now_s))

    def update(self, device: str) -> None:
        """Let a device do what it is ordered, and commit it."""
        row = self.ordered()[device]
        for phase in ("installing", "rebooting"):
            self.status(device, phase)
        version = row.wanted or row.version
        self.status(device, "trial", version=version, boot_id=f"boot-{next(self.numbers)}")
        self.report(device, "succeeded", version=version)
        self.status(device, "idle", version=version)

    def fail(self, device: str, reason: str = "not healthy: web") -> None:
        """Let a device fall back from what it is ordered."""
        self.status(device, "installing")
        self.report(device, "failed", reason=reason)
        self.status(device, "idle")

    def play(
        self, id_: str, bad: frozenset[str] = frozenset(), *, until: Callable[[], bool]
    ) -> None:
        """Let all devices do what they are ordered until something holds."""
        for _ in range(400):
            for device, row in self.ordered().items():
                is_bad = device in bad and row.wanted != "1"
                (self.fail if is_bad and row.ordered else self.update)(device)
            self.wait(5)
            if until():
                return
        raise AssertionError(f"{self.state(id_)}: {self.states(id_)}")
