"""Keys that change: over the air, without gaps, and back from a fast-forward."""

from datetime import timedelta
from typing import Any

import pytest
from tuf.api.metadata import Metadata, MetaFile

from edge.keys import change
from edge_signing.errors import SigningError, TrustError
from edge_signing.trust import documents, offline, roots
from tests.fakes.forge import DATA, NOW, PATH, PRODUCT, Yard

FAR = 1 << 40


def rotate(yard: Yard, *roles: str) -> None:
    for role in roles:
        outcome = change.rotate(yard.ring, role, now=yard.now)
        assert not outcome.missing


def publish(yard: Yard) -> None:
    yard.repository.publish(yard.ring, now=yard.now)


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp", "director", PRODUCT])
def test_devices_follow_a_rotation_of_each_role(yard: Yard, role: str) -> None:
    yard.look()
    rotate(yard, role)
    if role == PRODUCT:
        yard.repository.stage(yard.ring, PRODUCT, now=yard.now)
        yard.sign_pending()
    publish(yard)

    assert yard.look().read(PATH) == DATA
    bundle = yard.repository.offline_metadata(PRODUCT)
    trust = offline.verify(bundle, trusted_root=yard.trusted_root, product=PRODUCT, now=yard.now)
    assert set(trust.targets) == {PATH}


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp", PRODUCT])
def test_keys_that_were_put_away_sign_nothing_any_more(yard: Yard, role: str) -> None:
    old = yard.ring.roles[role].keys
    rotate(yard, role)
    if role == PRODUCT:
        yard.repository.stage(yard.ring, PRODUCT, now=yard.now)
        yard.sign_pending()
    publish(yard)
    yard.look()

    yard.change(role, keys=old)

    with pytest.raises(TrustError, match="signed by 0/1"):
        yard.look().read(PATH)


def test_a_device_that_slept_follows_all_rotations(yard: Yard) -> None:
    yard.look()
    for _time in range(5):
        rotate(yard, "root", "timestamp", "snapshot", "targets")
    publish(yard)

    assert yard.look().read(PATH) == DATA
    assert documents.read_any(yard.look().root, "root").signed.version == 21


def test_a_root_behind_a_gap_is_not_found(yard: Yard) -> None:
    rotate(yard, "root", "root", "timestamp")
    publish(yard)
    (yard.metadata / "2.root.json").unlink()

    with pytest.raises(TrustError):  # the timestamp's key is that of root 4
        yard.look()


def _next_root(yard: Yard, version: int = 2) -> Metadata[Any]:
    root = yard.load("root")
    root.signed.version = version
    return root


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        pytest.param(2, ["root"], id="by the old key only"),
        pytest.param(2, ["root-2"], id="by the new key only"),
        pytest.param(2, ["targets", "timestamp"], id="by keys of other roles"),
        pytest.param(2, [], id="by nobody"),
        pytest.param(3, ["root", "root-2"], id="of a later version"),
        pytest.param(1, ["root", "root-2"], id="of an older version"),
    ],
)
def test_a_bad_root_is_refused_and_never_stored(yard: Yard, version: int, keys: list[str]) -> None:
    yard.look()
    before = yard.known()
    rotate(yard, "root")
    bad = documents.read_any(yard.ring.chain()["2.root.json"], "root")
    bad.signed.version = version
    data = yard.save("root", bad, keys)
    (yard.metadata / "2.root.json").write_bytes(data)

    with pytest.raises(TrustError):
        yard.look()

    assert yard.known() == before
    with pytest.raises(SigningError):
        roots.follow(yard.trusted_root, {"2.root.json": data})


def test_the_threshold_of_the_old_root_counts(tmp_path_factory: pytest.TempPathFactory) -> None:
    yard = Yard(tmp_path_factory.mktemp("production"), production=True)
    root = _next_root(yard)

    two = yard.save("root", root, ["root-1", "root-2"])
    with pytest.raises(TrustError, match="2 of 3 signatures of the role root"):
        roots.follow(yard.trusted_root, {"2.root.json": two})

    three = yard.save("root", root, ["root-1", "root-2", "root-5"])
    assert roots.follow(yard.trusted_root, {"2.root.json": three}) == three


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_a_rotation_brings_back_from_a_fast_forward(yard: Yard, role: str) -> None:
    """A thief of the online keys publishes versions that can never be reached again."""
    honest = {path: path.read_bytes() for path in yard.metadata.iterdir()}

    def forward(signed: object) -> None:
        signed.version = FAR  # type: ignore[attr-defined]

    yard.change(role, forward)
    yard.look()
    for path, data in honest.items():
        path.write_bytes(data)
    for _time in range(3):
        yard.repository.refresh(yard.ring, now=yard.now)
    with pytest.raises(TrustError, match="must be >="):
        yard.look()

    rotate(yard, "timestamp", "snapshot")
    publish(yard)

    assert yard.look().read(PATH) == DATA


def test_versions_are_forgotten_with_the_keys_of_targets_alone(yard: Yard) -> None:
    """The thief has the online keys too, but only those of targets were replaced."""
    honest = {path: path.read_bytes() for path in yard.metadata.iterdir()}
    yard.change("targets", lambda signed: setattr(signed, "version", FAR))
    yard.look()
    for path, data in honest.items():
        path.write_bytes(data)
    for _time in range(3):
        yard.repository.refresh(yard.ring, now=yard.now)
    rotate(yard, "root")
    publish(yard)
    with pytest.raises(TrustError, match="version"):
        yard.look()
    assert "snapshot.json" in yard.known()

    rotate(yard, "targets")
    publish(yard)

    assert yard.look().read(PATH) == DATA


def test_a_look_that_fails_forgets_nothing_that_still_holds(yard: Yard) -> None:
    yard.look()
    before = yard.known()
    old = (yard.metadata / "timestamp.json").read_bytes()
    yard.repository.refresh(yard.ring, now=yard.now)
    yard.look()
    (yard.metadata / "timestamp.json").write_bytes(old)

    with pytest.raises(TrustError, match="must be >="):
        yard.look()

    assert set(yard.known()) == set(before)


def test_a_client_has_all_roots_that_led_to_the_newest(yard: Yard) -> None:
    rotate(yard, "root", "timestamp")
    publish(yard)

    for _look in range(2):  # from the repository, and from what is stored
        client = yard.look()
        assert roots.follow(yard.trusted_root, client.chain) == client.root
        assert documents.read_any(client.root, "root").signed.version == 3


@pytest.mark.parametrize("role", ["targets", PRODUCT])
def test_a_rotation_brings_back_versions_inside_the_snapshot(yard: Yard, role: str) -> None:
    honest = {path: path.read_bytes() for path in yard.metadata.iterdir()}
    yard.change(role, lambda signed: setattr(signed, "version", FAR))
    yard.look().read(PATH)
    for path, data in honest.items():
        path.write_bytes(data)
    for _time in range(3):
        yard.repository.refresh(yard.ring, now=yard.now)
    with pytest.raises(TrustError):
        yard.look().read(PATH)

    rotate(yard, role, "timestamp", "snapshot")
    if role == PRODUCT:
        yard.repository.stage(yard.ring, PRODUCT, now=yard.now)
        yard.sign_pending()
    publish(yard)

    assert yard.look().read(PATH) == DATA


def test_the_floor_of_bundles_is_void_when_the_keys_of_targets_are_others(yard: Yard) -> None:
    """Else a thief of the targets keys could lock all bundles out for ever."""
    old_root = yard.trusted_root
    forged = yard.load("targets")
    forged.signed.version = FAR
    bundle = yard.repository.offline_metadata(PRODUCT) | {
        "targets.json": yard.save("targets", forged)
    }
    (yard.metadata / f"{FAR}.targets.json").unlink()
    words: dict[str, Any] = {"trusted_root": old_root, "product": PRODUCT, "now": NOW}
    floor = offline.verify(bundle, **words).seen
    rotate(yard, "root")
    publish(yard)
    honest = yard.repository.offline_metadata(PRODUCT)
    with pytest.raises(TrustError, match="is below"):
        offline.verify(honest, **words, floor=floor)

    rotate(yard, "targets")
    publish(yard)

    again = yard.repository.offline_metadata(PRODUCT)
    trust = offline.verify(again, **words, floor=floor)
    assert trust.targets_version == 2


def test_a_renewed_root_is_followed(yard: Yard) -> None:
    yard.later(days=360)
    change.propose(yard.ring, now=yard.now, renew=("root", "targets"))
    yard.repository.stage(yard.ring, PRODUCT, now=yard.now)
    yard.sign_pending()
    publish(yard)
    yard.later(days=10)
    yard.repository.refresh(yard.ring, now=yard.now)

    assert yard.look().read(PATH) == DATA
    assert yard.ring.root().signed.expires > NOW + timedelta(days=700)


def test_the_hash_of_a_file_is_one_of_sha256(yard: Yard) -> None:
    data = b"x"
    weak = MetaFile.from_data(1, data, ["sha512"])
    yard.change("timestamp", lambda signed: setattr(signed, "snapshot_meta", weak))

    with pytest.raises(SigningError):
        yard.look()
