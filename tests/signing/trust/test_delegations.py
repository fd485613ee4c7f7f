"""Delegations: who may sign for which path, and in which order they are asked."""

from typing import Any

import pytest
from tuf.api.metadata import DelegatedRole, Targets

from edge_signing.errors import SigningError, TrustError
from edge_signing.trust import offline
from edge_signing.trust.names import check_product, check_target_path, paths_of
from tests.fakes.forge import DATA, PATH, PRODUCT, Yard

CAMERA = "camera/1.0/release.json"


@pytest.fixture
def two(tmp_path_factory: pytest.TempPathFactory) -> Yard:
    """Two products, each with a release."""
    made = Yard(tmp_path_factory.mktemp("two"), products=(PRODUCT, "camera"))
    made.release()
    made.release(product="camera", data=b"camera")
    return made


def test_each_product_has_its_own_releases(two: Yard) -> None:
    client = two.look()

    assert (client.read(PATH), client.read(CAMERA)) == (DATA, b"camera")
    assert set(client.targets("camera")) == {CAMERA}


def test_a_role_can_not_sign_for_another_product(two: Yard) -> None:
    """A thief of the keys of one product names a target of the other."""
    stolen = two.load(PRODUCT).signed.targets[PATH]

    def edit(signed: Targets) -> None:
        signed.targets = {CAMERA: stolen}

    two.change(PRODUCT, edit)

    assert two.look().target(CAMERA).length_bytes == len(b"camera")
    with pytest.raises(TrustError, match="may not sign for camera"):
        two.look().targets(PRODUCT)
    with pytest.raises(TrustError, match="no role signs"):
        two.look().target(PATH)


def _delegate(signed: Targets, **words: Any) -> None:
    """Put a delegation to the keys of `camera` ahead of all others."""
    given = signed.delegations
    assert given is not None
    assert given.roles is not None
    camera = given.roles["camera"]
    settings = {"terminating": True, "paths": ["*/*/*"], **words}
    role = DelegatedRole(
        name="first", keyids=list(camera.keyids), threshold=camera.threshold, **settings
    )
    given.roles = {"first": role, **given.roles}


def _with_first(two: Yard, targets: dict[str, Any], **words: Any) -> None:
    two.change("targets", lambda signed: _delegate(signed, **words))
    metadata = two.load("camera")
    metadata.signed.version = 1
    metadata.signed.targets = targets
    metadata.signatures.clear()
    for signer in two.signers("camera"):
        metadata.sign(signer)
    data = metadata.to_bytes(_serializer())
    (two.metadata / "1.first.json").write_bytes(data)
    two.tell("first", 1, data)


def _serializer() -> Any:
    from edge_signing.trust.documents import CanonicalSerializer

    return CanonicalSerializer()


def test_a_terminating_role_ends_the_search(two: Yard) -> None:
    _with_first(two, {}, terminating=True)

    with pytest.raises(TrustError, match="no role signs"):
        two.look().target(PATH)


def test_a_role_that_does_not_terminate_hands_on(two: Yard) -> None:
    _with_first(two, {}, terminating=False)

    assert two.look().read(PATH) == DATA


def test_the_first_role_that_names_a_target_counts(two: Yard) -> None:
    other = two.load("camera").signed.targets[CAMERA]
    _with_first(two, {PATH: other}, terminating=False)

    assert two.look().target(PATH).length_bytes == len(b"camera")


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("gateway/*/*", True),
        ("*/*/*", True),
        ("gate*/1.?/release.json", True),
        ("gateway/*", False),
        ("*", False),
        ("*/*", False),
        ("*/*/*/*", False),
        ("Gateway/*/*", False),
        ("gateway/1.0/", False),
    ],
)
def test_a_star_stays_within_its_part_of_the_path(two: Yard, pattern: str, matches: bool) -> None:
    _with_first(two, {}, terminating=True, paths=[pattern])

    if matches:
        with pytest.raises(TrustError):
            two.look().target(PATH)
    else:
        assert two.look().target(PATH).length_bytes == len(DATA)


def test_a_role_asked_for_is_the_first_whose_paths_are_those(two: Yard) -> None:
    targets = two.ring.targets().signed

    assert offline.role_for(targets, "camera").name == "camera"
    _delegate(targets)
    assert offline.role_for(targets, "camera").name == "first"


def test_a_delegation_to_keys_that_are_not_there_is_refused(two: Yard) -> None:
    def edit(signed: Targets) -> None:
        assert signed.delegations is not None
        signed.delegations.keys.clear()

    two.change("targets", edit)

    with pytest.raises(SigningError, match="is not there"):
        two.look()


def test_delegations_in_a_ring_of_roles_end(two: Yard) -> None:
    """A role that delegates to itself is not followed for ever."""

    def edit(signed: Targets) -> None:
        signed.delegations = two.load("targets").signed.delegations
        signed.targets = {}

    two.change(PRODUCT, edit)

    with pytest.raises(TrustError, match="no role signs"):
        two.look().target(PATH)
    with pytest.raises(TrustError, match="delegates further"):
        two.look().targets(PRODUCT)


BAD_PATHS = (
    "a",
    "a/b",
    "a/b/c/d",
    "/a/b",
    "a/b/",
    "a/../c",
    "a/./c",
    "a/b/.c",
    "a/b/c d",
    "a\\b/c/d",
)


@pytest.mark.parametrize("path", ["", *BAD_PATHS])
def test_what_is_no_path_of_a_target_is_refused(path: str) -> None:
    with pytest.raises(SigningError):
        check_target_path(path)


@pytest.mark.parametrize("name", ["root", "targets", "snapshot", "timestamp", "director", "1.root"])
def test_a_product_can_not_have_the_name_of_a_role(name: str) -> None:
    with pytest.raises(SigningError):
        check_product(name)


def test_paths_of_roles_never_overlap_with_the_directors() -> None:
    assert paths_of("release") == ("*/*/*",)
    assert paths_of("director") == ("director/*",)
    assert paths_of(PRODUCT) == ("gateway/*/*",)
