"""A device that asks: a program before the other slot is written, its user before the restart."""

from pathlib import Path

import pytest

from edge.emulator import machine
from edge_signing.messages import Policy, Status
from tests.e2e.releases import ASKS, NEXT, Releases
from tests.e2e.updated_device import UpdatedDevice, started
from tests.fakes.update_site import UpdateSite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_an_update_waits_for_a_program_and_for_its_user(
    site: UpdateSite, releases: Releases, tmp_path: Path
) -> None:
    releases.publish(NEXT)
    fresh = tmp_path / "fresh.img"
    machine.make_disk(releases.build(ASKS), fresh)
    site.provision(fresh)
    with site.serving(), started(site, releases, fresh, tmp_path, version=ASKS) as one:
        action = site.offer(NEXT)

        asked = told(one, "permitting", "first")
        waits = told(one, "waiting-for-user", "")
        site.offer(NEXT, action=action, policy=Policy(confirm="never"))

        assert asked.reason == "before-install: first: status 1: asked for the first time"
        assert (waits.slot, waits.version) == ("a", ASKS)
        assert one.outcome(action).kind == "succeeded"
        one.require("b", NEXT)
    kinds = {event.kind for event in site.fleet.events("vm-1")}
    assert kinds == {"succeeded"}, "the first start has lost nothing"


def told(one: UpdatedDevice, phase: str, reason: str) -> Status:
    """Return the status in which a device tells a phase with a reason."""
    while (
        (status := one.site.status()) is None
        or status.phase != phase
        or reason not in status.reason
    ):
        one.machine.listen(0.2)
    return status
