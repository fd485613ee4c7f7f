"""The online client: what holds, what is expired, what was rolled back, what does not fit."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.trust import documents
from tests.fakes.forge import DATA, NOW, PATH, PRODUCT, Yard

ROLES = ("root", "timestamp", "snapshot", "targets", PRODUCT)


def read(yard: Yard) -> bytes:
    """Look, and get the release."""
    return yard.look().read(PATH)


def test_a_device_gets_what_was_released(yard: Yard) -> None:
    client = yard.look()

    assert client.read(PATH) == DATA
    found = client.target(PATH)
    assert (found.length_bytes, found.custom) == (len(DATA), {"n": 1})
    assert client.targets(PRODUCT) == {PATH: found}
    assert client.root == yard.trusted_root


def test_a_second_look_without_news_is_fine(yard: Yard) -> None:
    read(yard)
    before = yard.known()

    assert read(yard) == DATA
    assert yard.known() == before


def test_a_second_look_gets_the_news(yard: Yard) -> None:
    read(yard)
    path = yard.release("1.1", b"new")

    client = yard.look()

    assert client.read(path) == b"new"
    assert set(client.targets(PRODUCT)) == {PATH, path}


def test_a_target_that_nobody_signed_for_is_refused(yard: Yard) -> None:
    with pytest.raises(TrustError, match="no role signs"):
        yard.look().target("gateway/9.9/release.json")


def test_a_product_without_a_role_is_refused(yard: Yard) -> None:
    with pytest.raises(TrustError, match="no role signs for the product 'camera'"):
        yard.look().targets("camera")


def _expire(yard: Yard, role: str) -> Callable[[Any], None]:
    def edit(signed: Any) -> None:
        signed.expires = yard.now - timedelta(seconds=1)

    return edit


@pytest.mark.parametrize("role", ROLES)
def test_expired_metadata_is_refused(yard: Yard, role: str) -> None:
    yard.change(role, _expire(yard, role))

    with pytest.raises(TrustError, match="expired"):
        read(yard)


@pytest.mark.parametrize(("role", "days"), [("timestamp", 1), ("snapshot", 7)])
def test_a_frozen_repository_is_refused_when_it_expires(yard: Yard, role: str, days: int) -> None:
    def lasting(signed: Any) -> None:
        signed.expires = NOW + timedelta(days=300)

    if role == "snapshot":
        yard.change("timestamp", lasting)
    read(yard)
    yard.later(days=days, seconds=-1)
    assert read(yard) == DATA

    yard.later(seconds=1)

    with pytest.raises(TrustError, match=f"{role}.json is expired"):
        read(yard)


def test_the_time_that_counts_is_the_one_given(yard: Yard) -> None:
    yard.now = datetime(2040, 1, 1, tzinfo=UTC)

    with pytest.raises(TrustError, match="expired"):
        read(yard)


def test_an_expired_intermediate_root_is_followed(yard: Yard) -> None:
    yard.change("root", _expire(yard, "root"))
    yard.change("root", lambda signed: setattr(signed, "expires", NOW + timedelta(days=9)))

    assert read(yard) == DATA


def test_an_expired_timestamp_still_guards_against_a_rollback(yard: Yard) -> None:
    old = (yard.metadata / "timestamp.json").read_bytes()
    yard.change("timestamp")
    read(yard)
    yard.later(days=2)
    (yard.metadata / "timestamp.json").write_bytes(old)

    with pytest.raises(TrustError, match="timestamp version 2 must be >= 3"):
        read(yard)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", PRODUCT])
def test_an_older_version_is_refused(yard: Yard, role: str) -> None:
    before = yard.load(role)
    yard.change(role)
    read(yard)
    # The old file again, named by newer snapshot and timestamp.
    data = yard.save(role, before)
    if role != "timestamp":
        yard.tell(role, before.signed.version, data)

    with pytest.raises(TrustError, match="version"):
        read(yard)


@pytest.mark.parametrize("role", ["snapshot", "targets", PRODUCT])
def test_another_version_than_its_snapshot_says_is_refused(yard: Yard, role: str) -> None:
    metadata = yard.load(role)
    metadata.signed.version += 1
    data = yard.save(role, metadata)
    # The file of the next version lies where the version after it is said to be.
    (yard.metadata / f"{metadata.signed.version + 1}.{role}.json").write_bytes(data)
    yard.tell(role, metadata.signed.version + 1, data)

    with pytest.raises(TrustError, match=r"(?i)expected .*v(ersion)? ?[0-9]"):
        read(yard)


@pytest.mark.parametrize("role", ["snapshot", "targets", PRODUCT])
def test_mixed_files_are_refused_by_their_hash(yard: Yard, role: str) -> None:
    yard.change(role)
    other = yard.load(role)
    other.signed.expires += timedelta(days=1)
    yard.save(role, other)  # signed, of the right version, and not the one that was published

    with pytest.raises(TrustError, match=r"(hash|length)"):
        read(yard)


def test_a_snapshot_that_forgets_a_role_is_refused(yard: Yard) -> None:
    read(yard)
    yard.change("snapshot", lambda signed: signed.meta.pop(f"{PRODUCT}.json"))

    with pytest.raises(TrustError, match="missing info"):
        read(yard)


def test_a_role_that_is_not_in_the_snapshot_is_refused(yard: Yard) -> None:
    yard.change("snapshot", lambda signed: signed.meta.pop(f"{PRODUCT}.json"))

    with pytest.raises(TrustError, match="not part of snapshot"):
        read(yard)


@pytest.mark.parametrize("role", ROLES)
def test_metadata_signed_by_another_role_is_refused(yard: Yard, role: str) -> None:
    yard.change(role, keys=["director"])

    with pytest.raises(TrustError, match="signed by 0/1"):
        read(yard)


@pytest.mark.parametrize("role", ROLES)
def test_unsigned_metadata_is_refused(yard: Yard, role: str) -> None:
    yard.change(role, keys=[])

    with pytest.raises(TrustError, match="signed by 0/1"):
        read(yard)


@pytest.mark.parametrize("role", ROLES)
def test_metadata_of_another_kind_is_refused(yard: Yard, role: str) -> None:
    stranger = yard.load("snapshot" if role != "snapshot" else "timestamp")
    stranger.signed.version = yard.load(role).signed.version + 1
    data = yard.save(role, stranger)
    if role not in ("root", "timestamp"):
        yard.tell(role, stranger.signed.version, data)

    with pytest.raises(TrustError, match=r"(?i)expected"):
        read(yard)


@pytest.mark.parametrize("role", ROLES)
def test_metadata_in_another_form_is_refused(yard: Yard, role: str) -> None:
    metadata = yard.load(role)
    metadata.signed.version += 1
    yard.save(role, metadata)
    data = metadata.to_bytes()[:-1] + b" }"
    name = f"{metadata.signed.version}.{role}.json" if role != "timestamp" else "timestamp.json"
    (yard.metadata / name).write_bytes(data)
    if role not in ("root", "timestamp"):
        yard.tell(role, metadata.signed.version, data)

    with pytest.raises(FormatError, match="canonical"):
        read(yard)


@pytest.mark.parametrize("version", ["2.0.0", "1.1.0", "1.0", "x"])
def test_another_version_of_tuf_is_refused(yard: Yard, version: str) -> None:
    yard.change("timestamp", lambda signed: setattr(signed, "spec_version", version))

    with pytest.raises(FormatError):
        read(yard)


def test_another_timestamp_of_the_same_version_is_not_stored(yard: Yard) -> None:
    read(yard)
    before = yard.known()
    timestamp = yard.load("timestamp")
    timestamp.signed.snapshot_meta.version = 100
    yard.save("timestamp", timestamp)

    assert read(yard) == DATA

    assert yard.known() == before


def test_an_expired_root_is_stored_and_nothing_else(yard: Yard) -> None:
    read(yard)
    before = yard.known()
    yard.change("root", _expire(yard, "root"))
    yard.change("timestamp")

    with pytest.raises(TrustError, match=r"root\.json is expired"):
        read(yard)

    after = yard.known()
    assert documents.read_any(after["root.json"], "root").signed.version == 2
    assert after["timestamp.json"] == before["timestamp.json"]


def test_expired_files_on_the_device_do_not_hinder_new_ones(yard: Yard) -> None:
    read(yard)
    yard.later(days=18)
    yard.repository.refresh(yard.ring, now=yard.now)

    assert read(yard) == DATA


@pytest.mark.parametrize("days", [364, 366])
def test_releases_on_the_device_expire_too(yard: Yard, days: int) -> None:
    read(yard)
    yard.change("root", lambda signed: setattr(signed, "expires", NOW + timedelta(days=999)))
    yard.change("targets", lambda signed: setattr(signed, "expires", NOW + timedelta(days=999)))
    yard.later(days=days)

    def lasting(signed: Any) -> None:
        signed.expires = yard.now + timedelta(days=1)

    for role in ("snapshot", "timestamp"):
        yard.change(role, lasting)

    if days < 365:
        assert read(yard) == DATA
    else:
        with pytest.raises(TrustError, match="New gateway is expired"):
            read(yard)


def test_fields_of_later_versions_are_kept_where_they_are_signed(yard: Yard) -> None:
    yard.change("root", lambda signed: signed.unrecognized_fields.update(later={"a": 1}))

    client = yard.look()

    assert documents.read_any(client.root, "root").signed.unrecognized_fields == {"later": {"a": 1}}


def test_a_refused_look_leaves_what_was_known(yard: Yard) -> None:
    read(yard)
    before = yard.known()
    yard.release("1.1", b"new")
    yard.change(PRODUCT, keys=["director"])

    with pytest.raises(TrustError):
        read(yard)

    after = yard.known()
    assert after["targets.json"] == before["targets.json"]
    assert after[f"{PRODUCT}.json"] == before[f"{PRODUCT}.json"]


def test_spoilt_files_on_the_device_are_fetched_again(yard: Yard) -> None:
    read(yard)
    for path in (yard.folder / "device").rglob("*.json"):
        if path.is_file() and not path.is_symlink():
            path.write_bytes(b"{}")

    assert read(yard) == DATA


def test_a_trusted_root_that_is_none_is_refused(yard: Yard) -> None:
    yard.trusted_root = documents.to_bytes(yard.load("targets"))

    with pytest.raises(SigningError):
        yard.look()
