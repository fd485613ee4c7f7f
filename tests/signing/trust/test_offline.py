"""Bundles: their metadata verified without a network."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edge_signing import canonical
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.trust import documents, offline
from edge_signing.trust.offline import OfflineTrust
from tests.fakes.forge import DATA, NOW, PATH, PRODUCT, Yard
from tests.thoroughness import SOME_OR_ALL

ROLE = f"{PRODUCT}.json"


@pytest.fixture
def bundle(yard: Yard) -> dict[str, bytes]:
    return yard.repository.offline_metadata(PRODUCT)


def verify(yard: Yard, bundle: dict[str, bytes], **words: Any) -> OfflineTrust:
    settings = {"trusted_root": yard.trusted_root, "product": PRODUCT, "now": NOW, **words}
    return offline.verify(bundle, **settings)


@pytest.mark.parametrize("product", [PRODUCT, None])
def test_a_bundle_says_what_was_released(
    yard: Yard, bundle: dict[str, bytes], product: str | None
) -> None:
    trust = verify(yard, bundle, product=product)

    assert set(bundle) == {"1.root.json", "targets.json", ROLE}
    assert (trust.role, trust.role_version, trust.targets_version) == (PRODUCT, 1, 1)
    assert trust.root == yard.trusted_root
    assert trust.targets[PATH].length_bytes == len(DATA)
    assert trust.expires == NOW + timedelta(days=365)


def test_without_roots_the_trusted_one_counts(yard: Yard, bundle: dict[str, bytes]) -> None:
    del bundle["1.root.json"]

    assert verify(yard, bundle).root_version == 1


@pytest.mark.parametrize(
    "name",
    ["root.json", "0.root.json", "01.root.json", "timestamp.json", "x", "../a.json", "b.json", ""],
)
def test_a_file_more_is_refused(yard: Yard, bundle: dict[str, bytes], name: str) -> None:
    bundle[name] = bundle[ROLE]

    with pytest.raises(SigningError):
        verify(yard, bundle)


@pytest.mark.parametrize("name", ["targets.json", ROLE])
def test_a_file_less_is_refused(yard: Yard, bundle: dict[str, bytes], name: str) -> None:
    del bundle[name]

    with pytest.raises(FormatError):
        verify(yard, bundle)


@pytest.mark.parametrize("step", SOME_OR_ALL)
@pytest.mark.parametrize("name", ["1.root.json", "targets.json", ROLE])
def test_each_flipped_byte_is_refused(
    yard: Yard, bundle: dict[str, bytes], name: str, step: int
) -> None:
    whole = bundle[name]
    for place in range(0, len(whole), step):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << (5 if whole[place : place + 1].isalpha() else place % 8)
        with pytest.raises(SigningError):
            verify(yard, bundle | {name: bytes(spoilt)})


@pytest.mark.parametrize("name", ["1.root.json", "targets.json", ROLE])
def test_truncation_is_refused(yard: Yard, bundle: dict[str, bytes], name: str) -> None:
    for length in range(0, len(bundle[name]), 3):
        with pytest.raises(SigningError):
            verify(yard, bundle | {name: bundle[name][:length]})


@pytest.mark.parametrize("role", ["root", "targets", PRODUCT])
def test_what_has_expired_is_refused(yard: Yard, bundle: dict[str, bytes], role: str) -> None:
    metadata = yard.load(role)
    metadata.signed.expires = NOW
    data = yard.save(role, metadata)
    name = "1.root.json" if role == "root" else f"{role}.json"
    words = {"trusted_root": data} if role == "root" else {}

    with pytest.raises(TrustError, match="expired on 2026-11-01 12:00 UTC"):
        verify(yard, bundle | {name: data}, **words)
    assert verify(yard, bundle | {name: data}, **words, now=NOW - timedelta(seconds=1)).role


def test_the_clock_decides(yard: Yard, bundle: dict[str, bytes]) -> None:
    verify(yard, bundle, now=NOW + timedelta(days=365, seconds=-1))

    with pytest.raises(TrustError, match="expired"):
        verify(yard, bundle, now=NOW + timedelta(days=365))


def test_older_targets_than_the_floor_are_refused(yard: Yard, bundle: dict[str, bytes]) -> None:
    seen = verify(yard, bundle).seen
    assert verify(yard, bundle, floor=seen).targets

    with pytest.raises(TrustError, match="version 1 is below 2"):
        verify(yard, bundle, floor=replace(seen, version=2))


def test_an_older_root_than_the_one_seen_is_refused(yard: Yard, bundle: dict[str, bytes]) -> None:
    """Else a bundle of before a rotation would void the floor, as its keys are others."""
    seen = replace(verify(yard, bundle).seen, root_version=2)

    with pytest.raises(TrustError, match="its keys are those of root 1, below 2"):
        verify(yard, bundle, floor=seen)


def test_a_bundle_of_another_product_is_refused(yard: Yard, bundle: dict[str, bytes]) -> None:
    with pytest.raises(TrustError, match="no role signs for the product 'camera'"):
        verify(yard, bundle, product="camera")


@pytest.mark.parametrize("product", ["", "a/b", "..", "targets", "director", "x" * 65])
def test_what_is_no_product_is_refused(yard: Yard, bundle: dict[str, bytes], product: str) -> None:
    with pytest.raises(FormatError):
        verify(yard, bundle, product=product)


def test_a_role_may_not_sign_for_another_product(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    yard = Yard(tmp_path_factory.mktemp("two"), products=(PRODUCT, "camera"))
    yard.release()
    yard.release(product="camera")
    bundle = yard.repository.offline_metadata(PRODUCT)
    assert set(verify(yard, bundle).targets) == {PATH}
    with pytest.raises(TrustError, match="camera signs for the product 'camera'"):
        verify(yard, bundle, product="camera")

    role = yard.load(PRODUCT)
    role.signed.targets.update(yard.load("camera").signed.targets)
    bundle[ROLE] = yard.save(PRODUCT, role)

    with pytest.raises(TrustError, match=r"may not sign for camera/1.0/release.json"):
        verify(yard, bundle)


def test_a_role_under_the_name_of_another_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    yard = Yard(tmp_path_factory.mktemp("two"), products=(PRODUCT, "camera"))
    yard.release()
    yard.release(product="camera")
    bundle = yard.repository.offline_metadata("camera")
    bundle["camera.json"] = yard.repository.offline_metadata(PRODUCT)[ROLE]

    with pytest.raises(TrustError, match="signatures of the role camera"):
        verify(yard, bundle, product="camera")


def test_with_one_role_for_all_products_only_those_asked_for_are_given(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    yard = Yard(tmp_path_factory.mktemp("any"), products=())
    yard.release()
    yard.release(product="camera")
    bundle = yard.repository.offline_metadata("camera")

    assert set(verify(yard, bundle, product="camera").targets) == {"camera/1.0/release.json"}
    assert len(verify(yard, bundle, product=None).targets) == 2


@pytest.mark.parametrize("path", ["a", "a/b", "gateway/1/../x", "gateway//x", "/gateway/1/x"])
def test_a_path_that_is_none_is_refused(yard: Yard, bundle: dict[str, bytes], path: str) -> None:
    role = yard.load(PRODUCT)
    file = role.signed.targets.pop(PATH)
    file.path = path
    role.signed.targets[path] = file
    bundle[ROLE] = yard.save(PRODUCT, role)

    with pytest.raises(SigningError):
        verify(yard, bundle)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("length", -1),
        ("length", "5"),
        ("length", True),
        ("length", None),
        ("hashes", {}),
        ("hashes", {"sha256": "00"}),
        ("hashes", {"md5": "0" * 32}),
        ("hashes", {"sha256": "0" * 64, "sha512": "0" * 128}),
    ],
)
def test_a_target_with_a_lie_in_it_is_refused(
    yard: Yard, bundle: dict[str, bytes], name: str, value: object
) -> None:
    content = canonical.decode(bundle[ROLE])
    content["signed"]["targets"][PATH][name] = value
    bundle[ROLE] = canonical.encode(content)

    with pytest.raises(FormatError):
        verify(yard, bundle)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("expires", "2027-1-1T00:00:00Z"),
        ("expires", "2027-01-01T00:00:00+00:00"),
        ("expires", 5),
        ("version", True),
        ("version", 0),
        ("version", "1"),
        ("spec_version", "1.1.0"),
        ("_type", "director"),
        ("_type", None),
    ],
)
def test_metadata_that_python_tuf_reads_kindly_is_refused(
    yard: Yard, bundle: dict[str, bytes], name: str, value: object
) -> None:
    content = canonical.decode(bundle[ROLE])
    content["signed"][name] = value
    bundle[ROLE] = canonical.encode(content)

    with pytest.raises(SigningError):
        verify(yard, bundle)


def test_fields_beside_the_signed_part_are_refused(yard: Yard, bundle: dict[str, bytes]) -> None:
    content = canonical.decode(bundle[ROLE])
    bundle[ROLE] = canonical.encode({**content, "more": 1})

    with pytest.raises(FormatError, match="the field 'more' is unknown"):
        verify(yard, bundle)


def test_a_role_that_delegates_further_is_refused(yard: Yard, bundle: dict[str, bytes]) -> None:
    role = yard.load(PRODUCT)
    role.signed.delegations = yard.load("targets").signed.delegations
    bundle[ROLE] = yard.save(PRODUCT, role)

    with pytest.raises(TrustError, match="delegates further"):
        verify(yard, bundle)


def test_a_root_of_another_repository_is_refused(
    yard: Yard, bundle: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Yard(tmp_path_factory.mktemp("other"))
    other.release()

    with pytest.raises(TrustError, match="not the root that is trusted"):
        verify(yard, other.repository.offline_metadata(PRODUCT))
    with pytest.raises(TrustError, match="0 of 1 signatures of the role targets"):
        verify(yard, bundle | {"targets.json": documents.to_bytes(other.load("targets"))})


def test_a_bundle_older_than_the_root_that_is_trusted_is_fine(
    yard: Yard, bundle: dict[str, bytes]
) -> None:
    yard.change("root")
    newest = documents.to_bytes(yard.load("root"))

    trust = verify(yard, bundle, trusted_root=newest)

    assert (trust.root_version, trust.root) == (2, newest)


def test_a_gap_in_the_chain_is_refused(yard: Yard, bundle: dict[str, bytes]) -> None:
    yard.change("root")
    yard.change("root")
    bundle |= {"3.root.json": documents.to_bytes(yard.load("root"))}

    with pytest.raises(TrustError, match=r"3.root.json: does not follow root 1"):
        verify(yard, bundle)


def test_a_root_under_the_name_of_another_version_is_refused(
    yard: Yard, bundle: dict[str, bytes]
) -> None:
    bundle["2.root.json"] = bundle["1.root.json"]

    with pytest.raises(TrustError, match=r"2.root.json: holds version 1"):
        verify(yard, bundle)


def test_a_time_without_a_zone_is_a_mistake_of_the_caller(
    yard: Yard, bundle: dict[str, bytes]
) -> None:
    with pytest.raises(TypeError):
        verify(yard, bundle, now=datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None))
