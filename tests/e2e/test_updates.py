"""Updates of a virtual device over real HTTPS and a real broker, and orders that it refuses."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.keys import create
from tests.e2e.releases import NEXT, OLD, Releases
from tests.e2e.updated_device import UpdatedDevice, started
from tests.fakes.update_site import UpdateSite

pytestmark = pytest.mark.slow

BLOCK_BYTES = 128 << 10


def test_a_full_update_over_http(
    site: UpdateSite, releases: Releases, fresh_disk: Path, tmp_path: Path
) -> None:
    releases.publish("1.1.0-full", "--patches-from", "last:0", like=NEXT)
    with site.serving(mqtt=False) as server, started(site, releases, fresh_disk, tmp_path) as one:
        action = site.offer("1.1.0-full")

        assert one.outcome(action).kind == "succeeded"

        assert one.require("b", NEXT).left == {"a": 9, "b": 9}
        assert len(site.finals(action)) == 1
        assert any("/repository/blobs/" in line for line in server.http.asked)


def test_a_patch_that_is_offered_over_mqtt(
    site: UpdateSite, releases: Releases, fresh_disk: Path, tmp_path: Path
) -> None:
    releases.publish(NEXT)
    with site.serving() as server, started(site, releases, fresh_disk, tmp_path) as one:
        # Until the broker answers, the device asks by HTTP.
        while b'"on":1' not in site.fleet.online("vm-1"):
            one.machine.listen(0.5)
        one.site.settled(one.machine.listen)
        before = len(server.http.asked)
        action = site.offer(NEXT)
        while (status := site.status()) is None or status.action != action:
            one.machine.listen(0.2)
        asked = [line for line in server.http.asked[before:] if "/desired" in line]

        assert one.outcome(action).kind == "succeeded"

        one.require("b", NEXT)
        assert asked == [], "the order came by the broker"


def test_blocks_over_mqtt_where_no_http_passes(
    site: UpdateSite, releases: Releases, fresh_disk: Path, tmp_path: Path
) -> None:
    releases.publish(NEXT)
    with site.serving(http=False) as server, started(site, releases, fresh_disk, tmp_path) as one:
        action = site.offer(NEXT)

        assert one.outcome(action).kind == "succeeded"

        one.require("b", NEXT)
        assert server.mqtt is not None
        wants = server.mqtt.wants
        assert any(want.name.startswith("blobs/") for want in wants)
        assert all(want.length_bytes <= BLOCK_BYTES for want in wants)


@pytest.fixture(scope="module")
def cautious(
    site: UpdateSite,
    releases: Releases,
    fresh_disk: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[UpdatedDevice]:
    """A device that gets only orders that it has to refuse, so that it stays as it is."""
    folder = tmp_path_factory.mktemp("cautious")
    with site.serving(), started(site, releases, fresh_disk, folder) as one:
        yield one


def test_an_order_that_another_director_signed_is_refused(
    cautious: UpdatedDevice, releases: Releases, tmp_path: Path
) -> None:
    releases.publish(NEXT)
    thief = create.init(tmp_path / "thief", now=datetime.now(UTC)).ring

    reason = cautious.require_refused(cautious.site.offer(NEXT, ring=thief))

    assert "director" in reason


def test_a_release_for_another_board_is_refused(
    cautious: UpdatedDevice, releases: Releases
) -> None:
    releases.publish("1.3.0", "--board", "rpi4", like=NEXT)

    reason = cautious.require_refused(cautious.site.offer("1.3.0"))

    assert "for rpi4, not for qemu-arm64" in reason


def test_a_release_below_the_counter_is_refused(cautious: UpdatedDevice) -> None:
    reason = cautious.require_refused(cautious.site.offer(OLD))

    assert "counter" in reason
