"""Keys and thresholds: what counts as one key, and which keys are keys."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import SSlibKey
from tuf.api.metadata import Metadata, Root, Targets

from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.trust import documents, offline
from edge_signing.trust.sighting import KEYS_MOST
from tests.fakes.forge import NOW, PATH, PRODUCT, Yard

OTHER_ID = "ab" * 32


def _second_id(keys: dict[str, Any], roles: dict[str, Any], role: str) -> None:
    """Give the one key of a role a second id, and want two signatures."""
    key = keys[roles[role].keyids[0]]
    keys[OTHER_ID] = SSlibKey(OTHER_ID, key.keytype, key.scheme, dict(key.keyval))
    roles[role].keyids.append(OTHER_ID)
    roles[role].threshold = 2


def _twice(metadata: Metadata[Any]) -> bytes:
    signature = next(iter(metadata.signatures.values()))
    again = type(signature)(OTHER_ID, signature.signature)
    metadata.signatures[OTHER_ID] = again
    return documents.to_bytes(metadata)


def test_one_key_with_two_ids_is_refused_offline(yard: Yard) -> None:
    targets = yard.load("targets")
    given = targets.signed.delegations
    _second_id(given.keys, given.roles, PRODUCT)
    bundle = yard.repository.offline_metadata(PRODUCT)
    bundle["targets.json"] = yard.save("targets", targets)
    bundle[f"{PRODUCT}.json"] = _twice(yard.load(PRODUCT))

    with pytest.raises(TrustError, match="one key has two ids"):
        offline.verify(bundle, trusted_root=yard.trusted_root, product=PRODUCT, now=NOW)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_one_key_with_two_ids_is_refused_in_a_root(yard: Yard, role: str) -> None:
    yard.change("root", lambda signed: _second_id(signed.keys, signed.roles, role))
    path = yard.metadata / ("timestamp.json" if role == "timestamp" else f"1.{role}.json")
    path.write_bytes(_twice(yard.load(role)))

    with pytest.raises(TrustError, match="one key has two ids"):
        yard.look()


def test_one_key_with_two_ids_is_refused_in_a_delegation(yard: Yard) -> None:
    def edit(signed: Targets) -> None:
        assert signed.delegations is not None
        assert signed.delegations.roles is not None
        _second_id(signed.delegations.keys, signed.delegations.roles, PRODUCT)

    yard.change("targets", edit)

    with pytest.raises(TrustError, match="one key has two ids"):
        yard.look().read(PATH)


def _spoil(edit: Any) -> Any:
    def spoil(signed: Root) -> None:
        key = signed.keys[signed.roles["timestamp"].keyids[0]]
        edit(signed, key)

    return spoil


def _with_keys(root: Root, count: int) -> None:
    """Give the role timestamp so many keys more or less, all good ones."""
    for number in range(count - len(root.roles["timestamp"].keyids)):
        key_id = f"{number:064x}"
        public = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
        root.keys[key_id] = SSlibKey(key_id, "ed25519", "ed25519", {"public": public})
        root.roles["timestamp"].keyids.append(key_id)


def test_a_root_with_as_many_keys_as_are_kept_is_taken(yard: Yard) -> None:
    yard.change("root", lambda root: _with_keys(root, KEYS_MOST))

    yard.look()

    assert "2.root.json" in yard.known()


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda _root, key: key.keyval.update(public="ab"), id="short"),
        pytest.param(
            lambda _root, key: key.keyval.update(public=key.keyval["public"].upper()), id="upper"
        ),
        pytest.param(lambda _root, key: key.keyval.update(private="ab"), id="private part"),
        pytest.param(lambda _root, key: key.unrecognized_fields.update(x=1), id="more fields"),
        pytest.param(lambda _root, key: setattr(key, "scheme", "rsassa-pss-sha256"), id="scheme"),
        pytest.param(
            lambda root, _key: setattr(root.roles["timestamp"], "threshold", 2), id="no reach"
        ),
        pytest.param(
            lambda root, _key: setattr(root.roles["timestamp"], "threshold", True), id="no number"
        ),
        pytest.param(lambda root, _key: root.roles["timestamp"].keyids.append("ff"), id="no key"),
        pytest.param(
            lambda root, _key: _with_keys(root, KEYS_MOST + 1), id="more keys than are kept"
        ),
        pytest.param(lambda root, _key: setattr(root, "consistent_snapshot", False), id="flat"),
        pytest.param(lambda root, _key: root.keys.update({"ff": _key}), id="short id"),
    ],
)
def test_a_root_with_such_keys_is_refused(yard: Yard, edit: Any) -> None:
    def save() -> None:
        yard.change("root", _spoil(edit))
        yard.look()

    with pytest.raises((SigningError, AttributeError)):
        save()
    assert "2.root.json" not in yard.known()


def test_threshold_of_production_is_two_for_releases(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    yard = Yard(tmp_path_factory.mktemp("production"), production=True)
    path = yard.release()
    bundle = yard.repository.offline_metadata(PRODUCT)
    words: dict[str, Any] = {"trusted_root": yard.trusted_root, "product": PRODUCT, "now": NOW}
    assert set(offline.verify(bundle, **words).targets) == {path}

    role = yard.load(PRODUCT)
    one = yard.save(PRODUCT, role, [f"{PRODUCT}-3"])

    with pytest.raises(TrustError, match="1 of 2 signatures of the role gateway"):
        offline.verify(bundle | {f"{PRODUCT}.json": one}, **words)


def _signature_edits() -> list[Any]:
    return [
        pytest.param(lambda one: setattr(one, "signature", "00" * 64), TrustError, id="zeros"),
        pytest.param(lambda one: setattr(one, "signature", ""), FormatError, id="empty"),
        pytest.param(lambda one: setattr(one, "signature", "zz"), FormatError, id="no hex"),
        pytest.param(
            lambda one: setattr(one, "signature", one.signature.upper()), FormatError, id="upper"
        ),
        pytest.param(
            lambda one: one.unrecognized_fields.update(x=1), FormatError, id="more fields"
        ),
    ]


@pytest.mark.parametrize(("edit", "error"), _signature_edits())
def test_a_spoilt_signature_is_refused(yard: Yard, edit: Any, error: type[SigningError]) -> None:
    role = yard.load(PRODUCT)
    edit(next(iter(role.signatures.values())))
    bundle = yard.repository.offline_metadata(PRODUCT)
    bundle[f"{PRODUCT}.json"] = documents.to_bytes(role)

    with pytest.raises(error):
        offline.verify(bundle, trusted_root=yard.trusted_root, product=PRODUCT, now=NOW)


def test_a_signature_more_than_needed_has_to_be_right_too(yard: Yard) -> None:
    role = yard.load(PRODUCT)
    bundle = yard.repository.offline_metadata(PRODUCT)
    bundle[f"{PRODUCT}.json"] = yard.save(PRODUCT, role, [PRODUCT, "director"])

    with pytest.raises(TrustError, match="a key that is not of gateway"):
        offline.verify(bundle, trusted_root=yard.trusted_root, product=PRODUCT, now=NOW)
