"""Golden metadata: what devices in the field hold is read for ever, byte for byte."""

from datetime import timedelta

import pytest

from edge_signing import canonical
from edge_signing.errors import TrustError
from edge_signing.trust import director, documents, offline
from edge_signing.trust.sighting import UNSEEN
from tests.fakes.forge import NOW
from tests.source_tree import PROJECT

VECTORS = {path.name: path.read_bytes() for path in (PROJECT / "tests/vectors/trust").iterdir()}
BUNDLE = {name: data for name, data in VECTORS.items() if name != "director.json"}


def test_the_metadata_of_a_bundle_is_read() -> None:
    trust = offline.verify(BUNDLE, trusted_root=VECTORS["1.root.json"], product="gateway", now=NOW)

    assert (trust.root_version, trust.targets_version, trust.role_version) == (2, 2, 1)
    found = trust.targets["gateway/1.0/release.json"]
    assert (found.length_bytes, found.custom) == (2, {"counter": 1})
    assert found.sha256 == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert trust.expires == NOW + timedelta(days=365)


def test_the_order_of_a_director_is_read() -> None:
    trust = offline.verify(BUNDLE, trusted_root=VECTORS["2.root.json"], product=None, now=NOW)

    order = director.verify(
        VECTORS["director.json"],
        targets=trust.delegator,
        device="unit-7",
        epoch=2,
        root_version=trust.root_version,
        floor=UNSEEN,
        now=NOW,
    )

    assert director.agreed(order, trust.targets) == trust.targets


def test_both_kinds_of_keys_are_in_the_vectors() -> None:
    root = documents.read_any(VECTORS["2.root.json"], "root").signed

    assert {key.scheme for key in root.keys.values()} == {"ed25519", "ecdsa-sha2-nistp256"}


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_a_vector_is_written_as_it_was(name: str) -> None:
    assert documents.to_bytes(documents.read_any(VECTORS[name], name)) == VECTORS[name]
    assert canonical.encode(canonical.decode(VECTORS[name])) == VECTORS[name]


def test_the_vectors_expire() -> None:
    with pytest.raises(TrustError, match="expired"):
        offline.verify(
            BUNDLE,
            trusted_root=VECTORS["1.root.json"],
            product="gateway",
            now=NOW + timedelta(days=366),
        )


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_the_document_names_each_vector(name: str) -> None:
    assert f"`{name}`" in (PROJECT / "docs" / "trust-format.md").read_text()
