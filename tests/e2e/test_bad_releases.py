"""Releases that are signed, and bad: the device ends on the old slot and says why."""

import re
from pathlib import Path

import pytest

from edge_signing.messages import Policy
from tests.e2e.releases import BASE, NEXT, Releases
from tests.e2e.updated_device import UpdatedDevice, started
from tests.fakes import slots
from tests.fakes.update_site import UpdateSite

pytestmark = pytest.mark.slow

STARTED_B = r"edge: slot b, order b a, tries left a=\d b=(\d)"


def require_fallen_back(one: UpdatedDevice, action: str, reason: str) -> None:
    event = one.outcome(action, timeout_s=400)
    assert event.kind == "failed"
    assert re.search(reason, event.reason), event.reason
    assert one.require("a", BASE).left["a"] > 0
    assert len(one.site.finals(action)) == 1


@pytest.mark.parametrize(
    ("version", "reason", "starts"),
    [
        pytest.param("1.2.0-crashes", "not healthy", 1, id="a service crashes"),
        pytest.param("1.2.0-panics", "tries are used up", 3, id="the kernel panics"),
        pytest.param("1.2.0-hangs", "tries are used up", 3, id="init hangs"),
    ],
)
def test_a_bad_release_is_left_and_reported(
    site: UpdateSite,
    releases: Releases,
    fresh_disk: Path,
    tmp_path: Path,
    version: str,
    reason: str,
    starts: int,
) -> None:
    releases.publish(version)
    with site.serving(), started(site, releases, fresh_disk, tmp_path) as one:
        action = site.offer(version)

        require_fallen_back(one, action, reason)

        assert len(re.findall(STARTED_B, one.machine.text)) == starts


def test_a_root_that_was_damaged_after_it_was_written_is_left(
    site: UpdateSite, releases: Releases, fresh_disk: Path, tmp_path: Path
) -> None:
    releases.publish(NEXT)
    with site.serving(), started(site, releases, fresh_disk, tmp_path) as one:
        action = site.offer(NEXT, policy=Policy(download_only=True))
        while (status := site.status()) is None or status.phase != "waiting":
            one.machine.listen(0.5)
        damage_root(one.disk, releases.build(NEXT) / "slot" / "rootfs.img")

        site.offer(NEXT, action=action)

        require_fallen_back(one, action, "tries are used up")
        assert len(re.findall(r"is corrupted", one.machine.text)) >= 3


def damage_root(disk: Path, image: Path) -> None:
    """Flip one bit in each of many blocks of the root of slot B."""
    root = slots.plan_of(disk).partition("rootfs-b")
    with disk.open("r+b") as stream:
        for offset_bytes in range(4096 * 100, image.stat().st_size, 4096 * 16):
            stream.seek(root.offset_bytes + offset_bytes)
            byte = stream.read(1)[0]
            stream.seek(root.offset_bytes + offset_bytes)
            stream.write(bytes([byte ^ 1]))
