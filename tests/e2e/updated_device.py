"""One virtual device under update, and what is to be true of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge import process
from edge.emulator import machine
from edge.emulator.command import Options
from edge.emulator.machine import Machine
from edge_signing.formats.boot_state import BootState, Slot
from edge_signing.messages import ReportEvent
from tests.e2e.releases import BASE, Releases
from tests.fakes import slots
from tests.fakes.update_site import UpdateSite

COMMIT_S = 60


@dataclass
class UpdatedDevice:
    """A machine that runs, its disk, and the server that it reports to."""

    site: UpdateSite
    machine: Machine
    disk: Path

    def outcome(self, action: str, *, timeout_s: float = 180) -> ReportEvent:
        """Return the one final report of an action, once the device is idle again."""
        found = self.site.outcome(action, self.machine.listen, timeout_s=timeout_s)
        self.site.settled(self.machine.listen)
        return found

    def require_refused(self, action: str) -> str:
        """Require that an order was refused and changed nothing; return the reason."""
        event = self.outcome(action)
        assert event.kind == "failed"
        assert self.require("a", BASE).order == ("a",)
        assert "slot b" not in self.machine.text
        assert len(self.site.finals(action)) == 1
        return event.reason

    def require(self, slot: Slot, version: str) -> BootState:
        """Require that a slot runs and is the first choice; return the boot state."""
        status = self.site.settled(self.machine.listen)
        assert (status.slot, status.version) == (slot, version)
        control = slots.boot_control(self.disk, running=slot)
        deadline_s = time.monotonic() + COMMIT_S
        # After a fall-back the old slot is committed when its services are ready, as at any start.
        while control.state().order[0] != slot:
            assert time.monotonic() < deadline_s, f"not committed: {control.state()}"
            self.machine.listen(0.5)
        return control.state()


@contextmanager
def started(
    site: UpdateSite,
    releases: Releases,
    fresh_disk: Path,
    folder: Path,
    *,
    version: str = BASE,
) -> Iterator[UpdatedDevice]:
    """Start a device that was never on, with the base release or the one that is on the disk."""
    disk = folder / "disk.img"
    copy_sparse(fresh_disk, disk)
    site.reset()
    options = Options(memory_mib=512)
    with (
        (folder / "console.log").open("w", buffering=1) as console,
        machine.running(
            releases.build(version), disk=disk, options=options, log=console.write
        ) as one,
    ):
        yield UpdatedDevice(site, one, disk)


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a disk image, holes as holes."""
    process.run(["cp", "--sparse=always", source, target])
