"""Power cuts at any moment of updates, on a disk that loses what was not flushed.

How many: `tests.e2e.tally`. EDGE_POWER_SEED repeats a run, as far as time lets it.
"""

import contextlib
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.emulator import machine
from edge.emulator.command import Options
from edge.emulator.machine import Machine
from edge.errors import ToolError
from edge_agent.boot.control import other_slot
from edge_signing.messages import Status
from tests.e2e.releases import BASE, NEXT, Releases
from tests.e2e.tally import Tally, cuts_wanted, tells_of_this_start
from tests.e2e.updated_device import copy_sparse
from tests.fakes import slots
from tests.fakes.lossy_disk import LossyDisk
from tests.fakes.update_site import UpdateSite

pytestmark = pytest.mark.slow

CUTS = cuts_wanted(os.environ)
SEED = int(os.environ.get("EDGE_POWER_SEED", "4"))
STARTS_MOST = 40  # of one action: more means that it does not get on
# How long a start takes until the agent tells something; measured in each that comes so far, as
# machines are shared.
USUAL_START_S = 6.0
# So many times of that is the latest of the random moments, and so long a phase is waited for.
LATEST_STARTS = 2.3
PATIENT_STARTS = 4.0
# So many updates find a byte of the other slot changed, and have to write it; the others find what
# they want there, as each goes back to the release of before.
SPOILED_SHARE = 0.75
SPOILED_MIB = 16
PHASES = ("installing", "verifying", "arming", "rebooting", "trial", "committing", "reporting")
WRITING = ("installing", "verifying")
# The only honest reason to fail: the new slot was started so often, and never left alone.
USED_UP = re.compile(r"tries are used up|left by the boot script|left before it was committed")


@dataclass
class CutDevice:
    """A device whose power goes again and again."""

    site: UpdateSite
    build: Path
    disk: Path
    lossy: LossyDisk
    chance: random.Random
    log: Callable[[str], object]
    tally: Tally = field(default_factory=Tally)
    start_s: float = USUAL_START_S

    def start_and_cut(self, action: str, running: str) -> None:
        """Let it run until a random moment, or one in a random phase, and take the power away.

        Args:
            action: What is under way.
            running: The version that runs until the other slot is written.
        """
        before = self.site.status()
        with self._running() as one, contextlib.suppress(ToolError):
            if self.chance.random() < 0.5:
                most_s = self.chance.uniform(0.5, LATEST_STARTS * self.start_s)
                self._watch(one, before, most_s)
            else:
                phase, most_s = self.chance.choice(PHASES), PATIENT_STARTS * self.start_s
                self._watch(one, before, most_s, phase)
                one.listen(self.chance.uniform(0, 1.5))
        self.lossy.wait_off()
        last = self.site.status()
        phase = self.tally.count(before, last)
        print(f"cut {self.lossy.cuts}: {action}, {phase}", flush=True)
        if last is not None and last.action == action and last.phase in WRITING:
            assert last.version == running, last

    def spoil_other_slot(self) -> None:
        """Change a byte of the root in the slot that does not run, if there is anything."""
        if (status := self.site.status()) is None:
            return
        slot = other_slot("a" if status.slot == "a" else "b")
        root = slots.plan_of(self.disk).partition(f"rootfs-{slot}").offset_bytes
        with self.disk.open("r+b") as stream:
            place = root + self.chance.randrange(SPOILED_MIB << 20)
            stream.seek(place)
            byte = stream.read(1)[0]
            stream.seek(place)
            stream.write(bytes([byte ^ 1]))

    def _watch(self, one: Machine, before: Status | None, most_s: float, phase: str = "") -> None:
        """Let it run for a time, or until it tells of a phase; see how long its start took."""
        begin_s, is_told = time.monotonic(), False
        while time.monotonic() < begin_s + most_s:
            one.listen(0.05)
            last = self.site.status()
            if not is_told and tells_of_this_start(before, last):
                is_told, self.start_s = True, time.monotonic() - begin_s
            if is_told and last is not None and last.phase == phase:
                return

    def run_to_the_end(self, action: str) -> str:
        """Let it run until it reported; return how the action ended."""
        with self._running() as one:
            kind = self.site.outcome(action, one.listen).kind
            self.site.settled(one.listen)
        self.lossy.wait_off()
        return kind

    def _running(self) -> "contextlib.AbstractContextManager[Machine]":
        options = Options(disk_drive=self.lossy.drive)
        return machine.running(self.build, disk=self.disk, options=options, log=self.log)


def test_no_power_cut_costs_a_device_or_a_report(
    site: UpdateSite, releases: Releases, fresh_disk: Path, tmp_path: Path
) -> None:
    releases.publish(NEXT)  # forth by patches, back by the full payload or for nothing
    disk, chance = tmp_path / "disk.img", random.Random(SEED)
    copy_sparse(fresh_disk, disk)
    site.reset()
    lossy = LossyDisk(disk, tmp_path / "disk.sock", chance)
    running, wanted, actions = BASE, NEXT, []
    with site.serving(), (tmp_path / "console.log").open("w", buffering=1) as console:
        device = CutDevice(site, releases.build(BASE), disk, lossy, chance, console.write)
        while lossy.cuts < CUTS:
            if chance.random() < SPOILED_SHARE:
                device.spoil_other_slot()
            actions.append(action := site.offer(wanted))
            starts = 0
            while not site.finals(action) and lossy.cuts < CUTS:
                device.start_and_cut(action, running)
                starts += 1
                assert starts < STARTS_MOST, f"{action} does not get on: {site.status()}"
            if lossy.cuts >= CUTS:
                device.run_to_the_end(action)
            if succeeded(site, action):
                running, wanted = wanted, running
        if not succeeded(site, actions[-1]):
            actions.append(action := site.offer(wanted))
            assert device.run_to_the_end(action) == "succeeded"
            running = wanted
        status = site.status()

    print(f"{lossy.cuts} cuts, {len(actions)} updates, {lossy.lost} writes lost, {lossy.torn} torn")
    print(f"cuts by phase: {device.tally.text()}")
    assert status is not None
    assert status.version == running
    assert slots.boot_control(disk).state().order[0] == status.slot
    assert [len(site.finals(one)) for one in actions] == [1] * len(actions)


def succeeded(site: UpdateSite, action: str) -> bool:
    """Return whether an action succeeded; it may fail only for too many cuts of its trial."""
    final = site.finals(action)[0]
    assert final.kind == "succeeded" or USED_UP.search(final.reason), final
    return final.kind == "succeeded"
