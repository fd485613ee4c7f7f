"""What is kept of a service's release is verified each time: keys, counter, board, every byte."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_agent.check import DeviceSource
from edge_agent.counters import Floor
from edge_agent.in_place import signed
from edge_agent.parts import Known
from edge_agent.standing import Standing
from edge_signing.errors import SigningError, TrustError
from edge_signing.formats.bundle import METADATA, MetadataSection
from edge_signing.release import HashTree, Image, PatchSet, Release
from edge_signing.trust.sighting import UNSEEN
from tests.agent.test_check import IMAGE, NOW_S, PATCH, Bench
from tests.fakes.forge import PRODUCT, Yard

IMAGES = (Image("service", IMAGE, HashTree(b"r" * 32, b"salt")),)
LATER_S = NOW_S + 20 * 365 * 86_400  # all signatures have expired


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("vouched")
    return Bench(Yard(folder / "yard"), folder)


@pytest.fixture(scope="module")
def kept(bench: Bench) -> bytes:
    """What a device keeps of a release that it was ordered to install."""
    path = bench.release("web+1", service="web", images=IMAGES)
    return bench.check(path, bench.document(path)).signed


def vouched(bench: Bench, documents: bytes, **known: Any) -> Release:
    """Verify what is kept, as at a start of the device."""
    root = bench.folder / "root.json"
    root.write_bytes(bench.yard.trusted_root)
    source = DeviceSource(bench.standing, root, Path(bench.folder / "trust"))
    facts = {"floor": Floor(), "now_s": LATER_S, "epoch": 2, "director": UNSEEN, "seen": UNSEEN}
    return source.vouched(documents, Known(**{**facts, **known}))


def test_what_was_ordered_is_vouched_for_however_old_it_is(bench: Bench, kept: bytes) -> None:
    release = vouched(bench, kept)

    assert (release.version, release.service, release.images) == ("web+1", "web", IMAGES)


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        pytest.param(Standing("rpi5", PRODUCT, "1", 2), "not for rpi5", id="other board"),
        pytest.param(Standing("rpi4", "other", "1", 2), "another product", id="other product"),
    ],
)
def test_it_is_for_this_device(bench: Bench, kept: bytes, standing: Standing, reason: str) -> None:
    with pytest.raises(TrustError, match=reason):
        vouched(replace(bench, standing=standing), kept)


def test_below_the_counter_of_the_device_it_is_out(bench: Bench, kept: bytes) -> None:
    with pytest.raises(TrustError, match="is 3, below 4"):
        vouched(bench, kept, floor=Floor(counter=4))


def test_once_a_newer_delegation_was_committed_an_older_one_is_out(
    bench: Bench, kept: bytes
) -> None:
    version = bench.yard.ring.targets().signed.version

    with pytest.raises(TrustError, match=r"targets\.json"):
        vouched(bench, kept, floor=Floor(targets=bench.seen("targets", version + 1)))


def test_keys_of_somebody_else_do_not_count(bench: Bench, tmp_path: Path) -> None:
    thief = Bench(Yard(tmp_path / "thief"), tmp_path)
    path = thief.release("web+9", service="web", images=IMAGES)
    forged = thief.check(path, thief.document(path)).signed

    with pytest.raises(TrustError):
        vouched(bench, forged)


def test_a_document_that_nobody_signed_does_not_count(bench: Bench, kept: bytes) -> None:
    files = MetadataSection.unpack(kept).files()
    metadata = {
        name.removeprefix(METADATA): data
        for name, data in files.items()
        if name.startswith(METADATA)
    }
    other = replace(
        vouched(bench, kept), images=(Image("service", IMAGE, HashTree(b"x" * 32, b"")),)
    )
    unsigned = replace(other, version="web+2")

    for release in (other, unsigned):
        with pytest.raises(TrustError):
            vouched(bench, signed.pack(metadata, release, release.pack()))


def test_patches_start_from_the_version_that_runs_in_place(bench: Bench) -> None:
    path = bench.release("web+3", service="web", images=IMAGES)
    patch = replace(PATCH, partition="service")
    sets = [PatchSet(PRODUCT, "web+3", base, (patch,)) for base in ("web+1", "web+2", "1.0")]
    yard = bench.yard
    files = {one.path: (one.pack(), {"n": 1}) for one in sets}
    yard.repository.stage(yard.ring, PRODUCT, files, now=yard.now)
    yard.sign_pending()
    yard.repository.publish(yard.ring, now=yard.now)

    found = replace(bench, in_place="web+2").check(path, bench.document(path))

    assert found.patches == (sets[1],)


def test_a_whole_system_is_no_service(bench: Bench, kept: bytes) -> None:
    path = bench.release("1.7")
    release = bench.check(path, bench.document(path)).release
    assert release is not None
    client = bench.yard.look()
    client.targets(PRODUCT)

    with pytest.raises(SigningError, match="no release of a service"):
        vouched(bench, signed.pack(client.offline(PRODUCT), release, release.pack()))


def test_no_byte_can_be_changed(bench: Bench, kept: bytes) -> None:
    for at in range(0, len(kept), 41):
        damaged = bytearray(kept)
        damaged[at] ^= 0x21
        with pytest.raises(SigningError):
            vouched(bench, bytes(damaged))
