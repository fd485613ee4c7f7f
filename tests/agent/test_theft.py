"""Keys are stolen, used as badly as they can be, and rotated: devices follow their owner again.

A thief lets versions go so far ahead that nothing could ever follow them. What the owner does then
is in docs/security.md; here each line of it is done, by orders and by bundles, on devices that kept
their data and on such that lost it.
"""

import shutil
from pathlib import Path

import pytest

from edge.keys import change
from edge_signing.errors import TrustError
from edge_signing.fields import MOST
from edge_signing.trust.sighting import UNSEEN
from tests.fakes.field_device import FieldDevice, Party
from tests.fakes.forge import PRODUCT, Yard

FAR = (1 << 63) - 1
WAYS = ("order", "bundle")
ONLINE = ("snapshot", "timestamp")


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _handle: None)


@pytest.fixture
def owner(tmp_path: Path) -> Party:
    return Party(Yard(tmp_path / "owner"))


@pytest.fixture
def device(owner: Party, tmp_path: Path) -> FieldDevice:
    return FieldDevice(tmp_path / "device", owner.yard.trusted_root)


def ahead(thief: Party, role: str) -> None:
    """Let the thief publish the highest version of a role that there is."""
    thief.yard.change(role, lambda signed: setattr(signed, "version", FAR))


@pytest.mark.parametrize("is_lost", [False, True], ids=["kept data", "lost data"])
@pytest.mark.parametrize("back", WAYS, ids="back by {}".format)
@pytest.mark.parametrize("theft", WAYS, ids="stolen by {}".format)
def test_stolen_targets_keys_lock_nobody_out_once_they_are_rotated(
    owner: Party, device: FieldDevice, tmp_path: Path, theft: str, back: str, is_lost: bool
) -> None:
    path = owner.release("1.0", 1)
    thief = owner.stolen(tmp_path / "thief")
    ahead(thief, "targets")
    device.commit(device.take(thief, path, theft))
    assert device.counters.floor().targets.version == FAR
    path = owner.release("1.1", 2)
    with pytest.raises(TrustError):
        device.take(owner, path, back)
    owner.rotate("root")
    with pytest.raises(TrustError):
        device.take(owner, path, back)

    # An order of the thief takes the keys of the console too: these are stolen as well, then.
    owner.rotate("targets", *(ONLINE if theft == "order" else ()))
    if is_lost:
        device.lose_data()
    checked = device.take(owner, path, back)
    device.commit(checked)

    floor = device.counters.floor()
    assert floor.targets == checked.seen
    assert (floor.counter, floor.targets.version < 9) == (2, True)
    for way in WAYS:
        with pytest.raises(TrustError):
            device.take(thief, "gateway/1.0/release.json", way)


@pytest.mark.parametrize("way", WAYS)
def test_after_the_rotation_no_older_release_comes_in(
    owner: Party, device: FieldDevice, tmp_path: Path, way: str
) -> None:
    """The thief has the old keys, the device lost its data: only the trust state is left."""
    path = owner.release("1.0", 1)
    thief = owner.stolen(tmp_path / "thief")
    device.commit(device.take(owner, path, way))
    owner.rotate("targets", *ONLINE)
    device.commit(device.take(owner, path, way))
    device.lose_data()
    ahead(thief, "targets")

    with pytest.raises(TrustError, match=r"targets.json: its keys are those of root 1, below 4"):
        device.take(thief, path, way)


@pytest.mark.parametrize("is_lost", [False, True], ids=["kept data", "lost data"])
def test_one_stolen_key_voids_no_floor(tmp_path: Path, is_lost: bool) -> None:
    """Two of the three keys stay, and two have to sign: what they signed before is still good."""
    owner = Party(Yard(tmp_path / "owner", production=True))
    device = FieldDevice(tmp_path / "device", owner.yard.trusted_root)
    path = owner.release("1.0", 1)
    targets = owner.yard.load("targets")
    two = ["targets-2", "targets-3"]
    owner.yard.change("targets", keys=two)
    newer = owner.metadata()
    owner.yard.save("targets", targets, two)
    older = owner.metadata() | {"targets.json": owner.yard.save("targets", targets, two)}
    device.commit(device.take_bundle(owner.bundle(path, newer)))
    ring = owner.yard.ring
    assert not change.rotate(ring, "targets", now=owner.yard.now, compromised="targets-1").missing
    if is_lost:
        device.lose_data()

    replayed = owner.bundle(path, owner.yard.ring.chain() | without_roots(older))
    with pytest.raises(TrustError, match=r"targets.json: version 1 is below 2"):
        device.take_bundle(replayed)

    again = owner.bundle(path, owner.yard.ring.chain() | without_roots(newer))
    assert device.take_bundle(again).seen.root_version == 2


def without_roots(metadata: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in metadata.items() if not name.endswith("root.json")}


@pytest.mark.parametrize("roles", [("director",), ("targets", *ONLINE)], ids=["director", "all"])
def test_a_stolen_director_locks_nobody_out_once_it_is_rotated(
    owner: Party, device: FieldDevice, tmp_path: Path, roles: tuple[str, ...]
) -> None:
    path = owner.release("1.0", 1)
    thief = owner.stolen(tmp_path / "thief")
    device.take_order(thief, path, FAR)
    with pytest.raises(TrustError, match=r"director.json: version 1 is below"):
        device.take_order(owner, path)
    if roles != ("director",):
        owner.rotate(*roles)
        with pytest.raises(TrustError, match=r"director.json: version 2 is below"):
            device.take_order(owner, path)

    owner.rotate("director")

    assert device.take_order(owner, path).director.version == owner.orders
    assert device.director.version == owner.orders
    with pytest.raises(TrustError):
        device.take_order(thief, path, FAR)


def test_the_orders_of_a_director_who_was_replaced_do_not_come_back(
    owner: Party, device: FieldDevice, tmp_path: Path
) -> None:
    """Not even with the targets.json of his time, by a server that lost its newest files."""
    path = owner.release("1.0", 1)
    thief = owner.stolen(tmp_path / "thief")
    owner.rotate("director")
    device.take_order(owner, path)
    seen = device.seen
    device.lose_data()
    device.seen = seen

    with pytest.raises(TrustError, match=r"targets.json: version 1 is below 2"):
        device.take_order(thief, path)


@pytest.mark.parametrize("is_lost", [False, True], ids=["kept data", "lost data"])
@pytest.mark.parametrize("role", ONLINE)
def test_stolen_online_keys_lock_nobody_out_once_they_are_rotated(
    owner: Party, device: FieldDevice, tmp_path: Path, role: str, is_lost: bool
) -> None:
    path = owner.release("1.0", 1)
    thief = owner.stolen(tmp_path / "thief")
    ahead(thief, role)
    device.commit(device.take_order(thief, path, 1))
    path = owner.release("1.1", 2)
    owner.orders = 1
    with pytest.raises(TrustError):
        device.take_order(owner, path)
    assert device.take_bundle(owner.bundle(path)).release  # a bundle needs none of these keys

    owner.rotate(*ONLINE)
    if is_lost:
        device.lose_data()

    device.commit(device.take_order(owner, path))


def test_versions_in_a_snapshot_are_forgotten_with_the_keys_of_targets(
    owner: Party, device: FieldDevice, tmp_path: Path
) -> None:
    """The owner did not know that the console's keys were stolen too."""
    path = owner.release("1.0", 1)
    thief = owner.stolen(tmp_path / "thief")
    ahead(thief, "targets")
    device.take_order(thief, path)
    owner.orders = 1
    for _time in range(3):  # else the versions of the snapshot itself were older
        owner.publish()
    with pytest.raises(TrustError):
        device.take_order(owner, path)

    owner.rotate("targets")

    device.commit(device.take_order(owner, path))


def test_stolen_product_keys_use_up_no_counter(
    owner: Party, device: FieldDevice, tmp_path: Path
) -> None:
    """The highest counter may be released again, and what was released before stays out."""
    old = owner.release("1.0", 1)
    thief = owner.stolen(tmp_path / "thief")
    device.commit(device.take(thief, thief.release("6.6", MOST), "bundle"))
    owner.rotate(PRODUCT)

    for way in WAYS:
        with pytest.raises(TrustError, match=f"rollback counter is 1, below {MOST}"):
            device.take(owner, old, way)
        device.commit(device.take(owner, owner.release(f"2.0-{way}", MOST), way))

    with pytest.raises(TrustError):
        device.take(thief, "gateway/6.6/release.json", "bundle")


def test_a_root_that_came_with_a_bundle_is_known_from_then_on(
    owner: Party, device: FieldDevice
) -> None:
    path = owner.release("1.0", 1)
    owner.rotate("root", "targets")
    device.take_bundle(owner.bundle(path))

    alone = owner.bundle(path, without_roots(owner.metadata()))
    assert device.take_bundle(alone).seen.root_version == 3

    device.lose_data()
    with pytest.raises(TrustError):
        device.take_bundle(alone)


def test_a_root_that_came_from_a_repository_is_known_for_bundles(
    owner: Party, device: FieldDevice
) -> None:
    path = owner.release("1.0", 1)
    owner.rotate("root", "targets")
    device.take_order(owner, path)

    alone = owner.bundle(path, without_roots(owner.metadata()))

    assert device.take_bundle(alone).seen.root_version == 3


def test_metadata_that_a_stranger_puts_onto_the_data_partition_is_not_trusted(
    owner: Party, device: FieldDevice, tmp_path: Path
) -> None:
    path = owner.release("1.0", 1)
    stranger = Party(Yard(tmp_path / "stranger"))
    stranger.release("1.0", 1)
    stranger.rotate("root", "root")
    other = FieldDevice(tmp_path / "other", stranger.yard.trusted_root)
    other.take_order(stranger, path)
    shutil.copytree(other.trust, device.trust, symlinks=True)

    for way in WAYS:
        with pytest.raises(TrustError):
            device.take(stranger, path, way)
        assert device.take(owner, path, way).seen.root_version == 1


def test_a_bundle_whose_root_can_not_be_kept_is_taken_all_the_same(
    owner: Party, device: FieldDevice
) -> None:
    path = owner.release("1.0", 1)
    owner.rotate("root", "targets")
    device.trust.write_bytes(b"no folder, and no room for one")

    for way in WAYS:
        assert device.take(owner, path, way).seen.root_version == 3

    assert device.trust.is_file()
    assert device.director != UNSEEN
