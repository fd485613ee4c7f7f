"""The side of the server for devices in virtual machines: releases, orders, and what they report.

QEMU's user network shows the host's loopback to the device as 10.0.2.2.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge.cli.main import main
from edge.image import provision
from edge.keys.ring import Ring
from edge.release import catalogue
from edge.repository.order import sign_order
from edge.repository.repository import Repository
from edge_signing.messages import Desired, Policy, ReportEvent, Status
from edge_signing.trust.offline import Target
from tests.fakes import update_server
from tests.fakes.fleet import Fleet
from tests.fakes.pki import Pki
from tests.fakes.update_server import UpdateServer

HOST: Final = "10.0.2.2"
DEVICE: Final = "vm-1"
FINAL: Final = ("succeeded", "failed", "cancelled")
_LOOK_S: Final = 0.25


@dataclass
class UpdateSite:
    """A repository with its keys, and one device that asks for orders.

    Attributes:
        folder: For all that is made here.
        ring: The keys.
        port: Of HTTPS; the device's settings name it.
        mqtt_port: Of the broker.
    """

    folder: Path
    ring: Ring
    port: int
    mqtt_port: int
    fleet: Fleet = field(init=False)
    pki: Pki = field(init=False)

    def __post_init__(self) -> None:
        self.pki = Pki.make(self.folder / "pki", hosts=("127.0.0.1", HOST))
        self.fleet = Fleet(self.state)

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def settings(self, **more: object) -> str:
        """Return what the device has as `/etc/edge/agent.json`."""
        return json.dumps(
            {
                "http": f"https://{HOST}:{self.port}/",
                "mqtt": f"mqtts://{HOST}:{self.mqtt_port}",
                "poll_s": 3,
                "health": {"stable_s": 3, "timeout_s": 30},
                **more,
            }
        )

    def reset(self) -> None:
        """Forget the device: what it reported, and what was ordered."""
        for name in ("desired", "events", "state", "online"):
            for file in (self.state / name).iterdir():
                file.unlink()

    @contextmanager
    def serving(self, *, http: bool = True, mqtt: bool = True) -> Iterator[UpdateServer]:
        """Run the server."""
        with update_server.running(
            repository=self.repository,
            state=self.state,
            pki=self.pki,
            port=self.port if http else 0,
            mqtt_port=self.mqtt_port if mqtt else None,
        ) as server:
            yield server

    def provision(self, disk: Path) -> None:
        """Make a new disk that of the device."""
        provision.put(disk, provision.identity_files(self.pki.device(DEVICE)))

    def release(self, build: Path, *words: str) -> None:
        """Publish a build as a release."""
        options = ["--repo", str(self.repository), "--keys", str(self.ring.folder)]
        options += ["--level", "fast", "--no-chunks", *words]
        assert main(["-q", "release", "add", str(build), *options]) == 0

    def offer(
        self,
        version: str,
        *,
        ring: Ring | None = None,
        policy: Policy | None = None,
        action: str | None = None,
    ) -> str:
        """Order a release; return the id of the action.

        Args:
            version: Of the release.
            ring: Whose director signs, if it is not ours.
            policy: How it may go on.
            action: One that is under way, to say more of it.
        """
        entry = catalogue.find(Repository(self.repository), version)
        seq = self._next_seq()
        documents = {entry.release.path: entry.release.pack()}
        documents |= {one.path: one.pack() for one in entry.patches}
        director = sign_order(
            ring or self.ring,
            {path: _target(path, data) for path, data in documents.items()},
            device=DEVICE,
            epoch=1,
            version=seq,
            now=datetime.now(UTC),
        )
        action = action or f"action-{seq}"
        desired = Desired(seq, action, entry.release.path, director, policy or Policy())
        self.fleet.offer(DEVICE, desired)
        return action

    def finals(self, action: str) -> list[ReportEvent]:
        """Return the final reports of an action: there is to be one."""
        events = self.fleet.events(DEVICE)
        return [one for one in events if one.action == action and one.kind in FINAL]

    def outcome(
        self, action: str, listen: Callable[[float], None], *, timeout_s: float = 180
    ) -> ReportEvent:
        """Return the final report of an action.

        Args:
            action: Which one.
            listen: Takes what the console says for some seconds: who does not read it stops it.
            timeout_s: How long to wait.
        """
        deadline_s = time.monotonic() + timeout_s
        while not (found := self.finals(action)):
            assert time.monotonic() < deadline_s, f"no report of {action}: {self.status()}"
            listen(_LOOK_S)
        return found[0]

    def settled(self, listen: Callable[[float], None], *, timeout_s: float = 60) -> Status:
        """Return the status that the device tells once it is idle."""
        deadline_s = time.monotonic() + timeout_s
        while (status := self.status()) is None or status.phase != "idle":
            assert time.monotonic() < deadline_s, f"not idle: {status}"
            listen(_LOOK_S)
        return status

    def status(self) -> Status | None:
        return self.fleet.state(DEVICE)

    def _next_seq(self) -> int:
        data = self.fleet.desired(DEVICE)
        file = self.folder / "seq"
        last = int(file.read_text()) if file.exists() else 0
        seq = max(last, Desired.unpack(data).seq if data else 0) + 1
        file.write_text(str(seq))
        return seq


def _target(path: str, data: bytes) -> Target:
    return Target(path, len(data), hashlib.sha256(data).hexdigest(), {})
