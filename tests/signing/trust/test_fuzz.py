"""Metadata with anything in any place: refused with an error of ours, never a fall."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_signing import canonical
from edge_signing.errors import SigningError
from edge_signing.trust import director, documents, offline
from edge_signing.trust.sighting import UNSEEN
from tests.fakes.forge import NOW
from tests.source_tree import PROJECT

VECTORS = {path.name: path.read_bytes() for path in (PROJECT / "tests/vectors/trust").iterdir()}
BUNDLE = {name: data for name, data in VECTORS.items() if name != "director.json"}
SNAPSHOT = canonical.encode(
    {
        "signatures": [{"keyid": "ab" * 32, "sig": "00" * 64}],
        "signed": {
            "_type": "snapshot",
            "expires": "2027-01-01T00:00:00Z",
            "meta": {"a.json": {"hashes": {"sha256": "00" * 32}, "length": 1, "version": 1}},
            "spec_version": "1.0.31",
            "version": 1,
        },
    }
)
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from(["", "targets", "root", "\x00", "ab" * 32, "1.0.31", "2027-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("sha256"), inner),
    max_leaves=3,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return all containers with a key or an index in them."""
    found: list[tuple[Any, Any]] = []
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inner:
        found.append((value, key))
        if isinstance(one, dict | list):
            found += _places(one)
    return found


def _spoilt(whole: bytes, data: st.DataObject) -> bytes:
    content = canonical.decode(whole)
    places = _places(content)
    container, key = places[data.draw(st.integers(0, len(places) - 1))]
    match data.draw(st.sampled_from(["replace", "remove", "add"])):
        case "replace":
            container[key] = data.draw(JUNK)
        case "remove":
            del container[key]
        case _ if isinstance(container, dict):
            container["more"] = data.draw(JUNK)
        case _:
            container.append(data.draw(JUNK))
    return canonical.encode(content)


@pytest.mark.parametrize("name", sorted(BUNDLE))
@given(data=st.data())
def test_a_bundle_with_anything_in_it_is_refused(name: str, data: st.DataObject) -> None:
    spoilt = _spoilt(BUNDLE[name], data)
    if spoilt == BUNDLE[name]:
        return

    with pytest.raises(SigningError):
        offline.verify(
            BUNDLE | {name: spoilt},
            trusted_root=VECTORS["1.root.json"],
            product="gateway",
            now=NOW,
        )


@given(data=st.data())
def test_an_order_with_anything_in_it_is_refused(data: st.DataObject) -> None:
    spoilt = _spoilt(VECTORS["director.json"], data)
    if spoilt == VECTORS["director.json"]:
        return
    targets = documents.read_any(VECTORS["targets.json"], "targets").signed

    with pytest.raises(SigningError):
        director.verify(
            spoilt,
            targets=targets,
            device="unit-7",
            epoch=2,
            root_version=1,
            floor=UNSEEN,
            now=NOW,
        )


@given(data=st.data())
def test_a_snapshot_with_anything_in_it_is_read_or_refused(data: st.DataObject) -> None:
    try:
        documents.read_any(_spoilt(SNAPSHOT, data), "snapshot.json")
    except SigningError:
        return


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SigningError):
        documents.read_any(data, "x.json")
