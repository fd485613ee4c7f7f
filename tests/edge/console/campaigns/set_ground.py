"""Devices with services that are updated in place, as they are ordered systems and services."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import update

from edge.console.campaigns import store
from edge.console.campaigns.plan import Limit, Pace, Plan, Times, Wave
from edge.console.campaigns.preview import Preview
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database
from edge.console.store.tables import RELEASES
from edge.console.tenants import Tenant
from edge_signing.release import Partition
from tests.agent.power.system import BLOCKS, System
from tests.edge.console.campaigns.ground import TENANT, Ground
from tests.fakes.operator import Operator

SET: Final = (
    "gateway/2/release.json",
    "gateway/web+2/release.json",
    "gateway/mqtt+2/release.json",
)
PLAN = Plan(
    SET,
    waves=(Wave(percent=100, limit=Limit(count=1, percent=None)),),
    evidence=None,
    pace=Pace(at_once=2),
    times=Times(soak_s=10, silence_s=60, timeout_s=600, answer_s=300),
)
WEB_1: Final = "b1" * 8
SERVICE: Final[Mapping[Partition, int]] = {"service": 1}
RELEASED: Final = {"1": BLOCKS, "2": BLOCKS, "web+1": SERVICE, "web+2": SERVICE, "mqtt+2": SERVICE}


def stock(folder: Path, keys: Path) -> Path:
    """Make the folder of tenants with one that has two systems and releases of two services."""
    made = Operator(folder / "operator", keys)
    vault = Vaults(folder / "tenants", lambda: datetime.now(UTC)).open(Tenant(TENANT, str(keys)))
    for version, blocks in RELEASED.items():
        made.release(System.make(version, 1, blocks=blocks))
        made.bundle(version)
        vault.take(made.folder / "update.edge", now=made.now)
    return folder / "tenants"


def stand(database: Database, keys: Path, made: Path, folder: Path) -> "SetGround":
    """Return a ground of its own with these releases."""
    shutil.copytree(made, folder)
    return SetGround(database, keys, folder)


@dataclass
class Unit:
    """A device: its system, and what is in place of the services that this brings.

    Attributes:
        in_place: By service: the version, and for which own one of a system it stands.
    """

    version: str = "1"
    in_place: dict[str, tuple[str, str]] = field(default_factory=dict)

    def services(self, own: dict[str, dict[str, str]]) -> dict[str, str]:
        """Return what runs: what is in place only where it stands for the system's own."""
        found = dict(own[self.version])
        for name, (version, stands_for) in self.in_place.items():
            if found.get(name) == stands_for:
                found[name] = version
        return found


class SetGround(Ground):
    """A ground whose devices have services.

    Attributes:
        units: The devices.
        own: The services of each system, as devices say their own versions.
        most: The most devices that were under way at once.
    """

    def __init__(self, database: Database, keys: Path, folder: Path) -> None:
        super().__init__(database, keys, folder)
        self.units: dict[str, Unit] = {}
        self.equal: dict[str, str] = {}
        # The first system brings what is released as `web+1`; of all else nothing is here.
        self.own = {
            "1": {"mqtt": "a1" * 8, "web": WEB_1},
            "2": {"mqtt": "a2" * 8, "web": "b2" * 8},
        }
        for version in RELEASED:
            self.equals(version, WEB_1 if version == "web+1" else "")
        self.most = 0

    def equals(self, version: str, own: str) -> None:
        """Let a release be equal to the version of its own that a system has."""
        same = RELEASES.c.version == version
        self.write(
            lambda c: c.execute(update(RELEASES).where(same).values(own_version=own)).rowcount
        )
        self.equal[version] = own

    def services_fleet(self, count: int, **units: Unit) -> list[str]:
        """Let devices in that run the first system, but for those that are named `d_000`."""
        names = self.fleet(count)
        self.units = {name: Unit() for name in names}
        self.units |= {name.replace("_", "-"): unit for name, unit in units.items()}
        for name in names:
            self.tell(name, "idle")
        return names

    def tell(self, device: str, phase: str, **words: Any) -> None:
        """Let a device tell its status, with what runs."""
        unit = self.units[device]
        said = {"version": unit.version, "services": unit.services(self.own), **words}
        self.status(device, phase, **said)

    def update(self, device: str) -> None:
        """Let a device do what it is ordered, and commit it."""
        wanted, unit = self.ordered()[device].wanted, self.units[device]
        self.tell(device, "installing")
        service = wanted.partition("+")[0] if "+" in wanted else ""
        boot: dict[str, Any] = {}
        if service:
            own = self.own[unit.version][service]
            unit.in_place.pop(service, None)
            if self.equal[wanted] != own:
                unit.in_place[service] = (wanted, own)
        elif wanted:
            unit.version = wanted
            boot = {"boot_id": f"boot-{next(self.numbers)}"}
        self.tell(device, "trial", **boot)
        self.report(device, "succeeded", version=wanted or unit.version)
        self.tell(device, "idle")

    def fail(self, device: str, reason: str = "not healthy: web") -> None:
        self.tell(device, "installing")
        self.report(device, "failed", reason=reason)
        self.tell(device, "idle")

    def look(self, passing_s: int = 0) -> None:
        super().look(passing_s)
        for id_, _priority in self.read(lambda c: store.live(c, TENANT)):
            self.most = max(self.most, self.campaign(id_).campaign.under_way)

    def runs(self, device: str) -> tuple[str, dict[str, str]]:
        """Return the system of a device, and its services."""
        unit = self.units[device]
        return unit.version, unit.services(self.own)

    def paths(self, device: str) -> list[str]:
        """Return the versions that a device was ordered, in order; empty to stay as it is."""
        return [one.version for one in self.orders(device)]

    def play_set(self, id_: str, bad: dict[str, str], most: int = 400) -> None:
        """Let all devices do what they are ordered until nothing more happens.

        Args:
            id_: The campaign.
            bad: Which version each of some devices can not run.
            most: Rounds.
        """
        for _ in range(most):
            for device, row in self.ordered().items():
                (self.fail if row.wanted and bad.get(device) == row.wanted else self.update)(device)
            self.wait(5)
            if not self.campaign(id_).campaign.is_live:
                return
        raise AssertionError(f"{self.state(id_)}: {self.states(id_)}")


def looked_ahead(ground: SetGround, plan: Plan) -> Preview:
    """Return what a plan would do."""
    return asyncio.run(ground.conductor.preview(TENANT, plan, seed=7))
