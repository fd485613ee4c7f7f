"""The repository: staged, signed in several places, published."""

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from edge.errors import InputError, RefusedError, ThingNotFoundError, UntrustedError
from edge.keys import change, request
from edge.keys import ring as rings
from edge.keys.secrets import nobody
from edge.repository.repository import Repository
from edge.repository.standalone import sign_standalone
from edge_signing.errors import SigningError, TrustError
from edge_signing.trust import documents, offline
from tests.fakes.forge import DATA, NOW, PATH, PRODUCT, Yard

NEXT = "gateway/1.1/release.json"


def test_a_new_repository_can_be_followed(yard: Yard) -> None:
    client = yard.look()

    with pytest.raises(TrustError):
        client.target(PATH)
    names = {path.name for path in yard.metadata.iterdir()}
    assert names == {"1.root.json", "1.targets.json", "1.snapshot.json", "timestamp.json"}


def test_a_release_lies_where_any_client_of_tuf_looks(yard: Yard) -> None:
    yard.release()

    digest = hashlib.sha256(DATA).hexdigest()
    file = yard.folder / f"repo/targets/gateway/1.0/{digest}.release.json"
    assert file.read_bytes() == DATA
    assert not yard.repository.pending.exists()


def test_the_snapshot_has_lengths_and_hashes_of_all_metadata(yard: Yard) -> None:
    yard.release()

    meta = yard.load("snapshot").signed.meta
    assert set(meta) == {"targets.json", f"{PRODUCT}.json"}
    for name, one in meta.items():
        data = (yard.metadata / f"{one.version}.{name}").read_bytes()
        assert (one.length, one.hashes) == (
            len(data),
            {"sha256": hashlib.sha256(data).hexdigest()},
        )


def test_stages_before_a_publication_add_up(yard: Yard) -> None:
    yard.release()
    stage = yard.repository.stage
    stage(yard.ring, PRODUCT, {NEXT: (b"1", {})}, now=NOW)
    stage(yard.ring, PRODUCT, {"gateway/1.1/from-1.0.json": (b"2", {})}, now=NOW)
    stage(yard.ring, PRODUCT, remove=[PATH], now=NOW)
    yard.sign_pending()
    assert set(yard.repository.targets(PRODUCT)) == {PATH}

    yard.repository.publish(yard.ring, now=NOW)

    found = yard.repository.targets(PRODUCT)
    assert set(found) == {NEXT, "gateway/1.1/from-1.0.json"}
    assert yard.repository.read(found[NEXT]) == b"1"
    assert yard.load(PRODUCT).signed.version == 2
    assert set(yard.look().targets(PRODUCT)) == set(found)


def test_what_was_staged_and_discarded_is_gone(yard: Yard) -> None:
    yard.repository.stage(yard.ring, PRODUCT, {NEXT: (b"1", {})}, now=NOW)

    yard.repository.discard()

    assert yard.repository.waiting() is None
    assert yard.release() == PATH
    assert set(yard.repository.targets(PRODUCT)) == {PATH}


def test_signatures_from_two_copies_are_merged(production: Yard, tmp_path: Path) -> None:
    repository = production.repository
    repository.stage(production.ring, PRODUCT, {PATH: (DATA, {})}, now=NOW)
    copies = []
    for name in ("gateway-1", "gateway-3"):
        copy = tmp_path / f"stick-{name}"
        shutil.copytree(repository.pending, copy)
        signer = production.ring.signer(name, nobody)
        signed, made = request.sign(request.read(copy), [signer])
        assert len(made) == 1
        request.write(signed, copy / request.FILE)
        copies.append(copy)
    with pytest.raises(TrustError, match="1 of 2 signatures of the role gateway"):
        repository.publish(production.ring, copies[:1], now=NOW)

    repository.publish(production.ring, copies[1:], now=NOW)

    assert production.look().read(PATH) == DATA
    assert len(production.load(PRODUCT).signatures) == 2


def test_a_copy_of_an_older_request_is_refused(production: Yard, tmp_path: Path) -> None:
    repository = production.repository
    repository.stage(production.ring, PRODUCT, {PATH: (DATA, {})}, now=NOW)
    shutil.copytree(repository.pending, tmp_path / "stick")
    repository.stage(production.ring, PRODUCT, {NEXT: (DATA, {})}, now=NOW)

    with pytest.raises(UntrustedError, match="not a copy of this one"):
        repository.publish(production.ring, [tmp_path / "stick"], now=NOW)


def test_what_is_not_signed_is_not_published(yard: Yard) -> None:
    yard.repository.stage(yard.ring, PRODUCT, {PATH: (DATA, {})}, now=NOW)
    before = sorted(yard.metadata.iterdir())

    with pytest.raises(TrustError, match="0 of 1 signatures"):
        yard.repository.publish(yard.ring, now=NOW)

    assert sorted(yard.metadata.iterdir()) == before
    assert yard.repository.waiting() is not None


@pytest.mark.parametrize(
    "path",
    ["gateway/1.0", "camera/1.0/release.json", "gateway/../release.json", "/etc/x/y", "a//b"],
)
def test_a_path_of_another_kind_or_product_is_refused(yard: Yard, path: str) -> None:
    with pytest.raises(InputError):
        yard.repository.stage(yard.ring, PRODUCT, {path: (DATA, {})}, now=NOW)
    assert yard.repository.waiting() is None


def test_a_release_never_changes(yard: Yard) -> None:
    yard.release()

    with pytest.raises(InputError, match="released already, with other bytes"):
        yard.repository.stage(yard.ring, PRODUCT, {PATH: (b"other", {})}, now=NOW)
    with pytest.raises(ThingNotFoundError, match="not released"):
        yard.repository.stage(yard.ring, PRODUCT, remove=[NEXT], now=NOW)


def test_a_tampered_file_is_not_published(yard: Yard) -> None:
    yard.repository.stage(yard.ring, PRODUCT, {PATH: (DATA, {})}, now=NOW)
    yard.sign_pending()
    file = next((yard.repository.pending / "targets").rglob("*.release.json"))
    file.write_bytes(b"other")
    with pytest.raises(UntrustedError, match="other bytes than were signed for"):
        yard.repository.publish(yard.ring, now=NOW)

    file.unlink()
    with pytest.raises(ThingNotFoundError):
        yard.repository.publish(yard.ring, now=NOW)


def test_what_an_intruder_wrote_is_never_signed(yard: Yard) -> None:
    """The server of the repository was broken into; the next stage would carry his release on."""
    yard.release()
    yard.change(
        PRODUCT,
        lambda signed: signed.targets.update({NEXT: signed.targets[PATH]}),
        keys=["timestamp"],
    )

    with pytest.raises(TrustError, match=r"gateway.json: 0 of 1 signatures"):
        yard.repository.stage(yard.ring, PRODUCT, {}, now=NOW)
    with pytest.raises(TrustError):
        yard.repository.publish(yard.ring, now=NOW)


def test_without_online_keys_nothing_is_published(yard: Yard) -> None:
    (yard.folder / "keys" / "snapshot.pem").unlink()

    with pytest.raises(RefusedError, match="the keys of snapshot are not here"):
        yard.repository.refresh(yard.ring, now=NOW)


def test_refresh_renews_and_leaves_what_waits(yard: Yard) -> None:
    yard.release()
    yard.repository.stage(yard.ring, PRODUCT, {NEXT: (b"1", {})}, now=NOW)
    yard.later(days=8)
    with pytest.raises(TrustError, match="expired"):
        yard.look()

    yard.repository.refresh(yard.ring, now=yard.now)

    assert set(yard.look().targets(PRODUCT)) == {PATH}
    assert yard.repository.waiting() is not None


@pytest.mark.parametrize("role", ["root", "targets", PRODUCT])
def test_expired_metadata_is_not_published(yard: Yard, role: str) -> None:
    yard.release()
    yard.later(days=366)
    if role != "root":
        change.propose(yard.ring, now=yard.now, renew=["root"])
    if role == PRODUCT:
        change.propose(yard.ring, now=yard.now, renew=["targets"])

    with pytest.raises(TrustError, match=f"^{role}(.json)?: expired on"):
        yard.repository.refresh(yard.ring, now=yard.now)


def test_after_a_rotation_releases_are_signed_anew_first(yard: Yard) -> None:
    yard.release()
    change.rotate(yard.ring, PRODUCT, now=NOW)
    with pytest.raises(RefusedError, match="gateway: its keys were rotated"):
        yard.repository.refresh(yard.ring, now=NOW)

    made = yard.repository.stage(yard.ring, PRODUCT, now=NOW)
    yard.sign_pending()
    yard.repository.publish(yard.ring, now=NOW)

    assert set(made.sign) == {f"{PRODUCT}.json"}
    assert yard.look().read(PATH) == DATA


def test_what_waited_through_a_rotation_needs_the_new_keys(yard: Yard) -> None:
    yard.release()
    yard.repository.stage(yard.ring, PRODUCT, {NEXT: (b"1", {})}, now=NOW)
    yard.sign_pending()
    change.rotate(yard.ring, PRODUCT, now=NOW)
    with pytest.raises(TrustError):
        yard.repository.publish(yard.ring, now=NOW)

    yard.repository.stage(yard.ring, PRODUCT, now=NOW)
    yard.sign_pending()
    yard.repository.publish(yard.ring, now=NOW)

    assert set(yard.look().targets(PRODUCT)) == {PATH, NEXT}


def test_a_repository_is_made_once_and_found_again(yard: Yard, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="a repository is here already"):
        Repository.create(yard.repository.folder, yard.ring, now=NOW)
    with pytest.raises(ThingNotFoundError, match="no repository is here"):
        Repository.open(tmp_path / "nothing")
    assert Repository.open(yard.repository.folder).published().snapshot


def test_a_bundle_carries_what_is_needed_and_no_more(yard: Yard) -> None:
    with pytest.raises(ThingNotFoundError, match="no release of gateway"):
        yard.repository.offline_metadata(PRODUCT)
    yard.release()
    change.rotate(yard.ring, "root", now=NOW)
    yard.repository.refresh(yard.ring, now=NOW)

    bundle = yard.repository.offline_metadata(PRODUCT)

    assert set(bundle) == {"1.root.json", "2.root.json", "targets.json", f"{PRODUCT}.json"}
    trust = offline.verify(bundle, trusted_root=yard.trusted_root, product=PRODUCT, now=NOW)
    assert (trust.root_version, set(trust.targets)) == (2, {PATH})
    with pytest.raises(SigningError):
        yard.repository.offline_metadata("camera")


def test_metadata_without_a_repository_is_always_the_same(yard: Yard) -> None:
    targets = {PATH: (DATA, {"n": 1}), NEXT: (b"", {})}

    first, second = (
        sign_standalone(yard.ring, PRODUCT, targets, expires=NOW + timedelta(days=9))
        for _time in range(2)
    )

    assert first == second
    trust = offline.verify(first, trusted_root=yard.trusted_root, product=PRODUCT, now=NOW)
    assert set(trust.targets) == {PATH, NEXT}
    assert trust.expires == NOW + timedelta(days=9)


def test_metadata_without_enough_keys_is_not_made(production: Yard) -> None:
    for number in (1, 2):
        (production.folder / "keys" / f"gateway-{number}.pem").unlink()
    keys = {
        name: one if name not in ("gateway-1", "gateway-2") else type(one)(one.key, None)
        for name, one in production.ring.keys.items()
    }
    ring = type(production.ring)(
        production.ring.folder, True, (PRODUCT,), keys, production.ring.roles
    )

    with pytest.raises(RefusedError, match="not enough keys of gateway"):
        sign_standalone(ring, PRODUCT, {PATH: (DATA, {})}, expires=NOW + timedelta(days=1))


def test_a_role_can_not_sign_for_another_product_without_a_repository(yard: Yard) -> None:
    with pytest.raises(TrustError, match="may not sign for camera"):
        sign_standalone(yard.ring, PRODUCT, {"camera/1/x": (DATA, {})}, expires=NOW)


def test_files_of_the_repository_are_canonical(yard: Yard) -> None:
    yard.release()

    for path in yard.metadata.iterdir():
        data = path.read_bytes()
        assert documents.to_bytes(documents.read_any(data, path.name)) == data
        assert path.stat().st_mode & 0o777 == 0o644


def test_an_old_copy_of_a_ring_is_refused(yard: Yard) -> None:
    shutil.copytree(yard.folder / "keys", yard.folder / "backup")
    change.rotate(yard.ring, "root", now=NOW)
    yard.repository.refresh(yard.ring, now=NOW)

    with pytest.raises(RefusedError, match=r"2\.root\.json is published"):
        yard.repository.refresh(rings.read(yard.folder / "backup"), now=NOW)


def test_targets_of_a_ring_that_somebody_changed_are_noticed(yard: Yard) -> None:
    file = yard.folder / "keys" / "targets.json"
    file.write_bytes(file.read_bytes().replace(b'"threshold":1', b'"threshold":2', 1))

    with pytest.raises(SigningError):
        sign_standalone(yard.ring, PRODUCT, {PATH: (DATA, {})}, expires=NOW)
