"""What differs between two SBOMs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sbom import difference, reading
from edge.sbom.difference import Difference, Kind
from edge.sbom.model import SYSTEM, Sbom
from tests.fakes.bill import sbom

OLD = {"web": ["libc6=2.40", "nginx=1.26"], "log": ["libc6=2.40"], "old": ["gone=1"]}


def read(*words: object, **more: object) -> Sbom:
    return reading.read(sbom(*words, **more))  # type: ignore[arg-type]


def between(old: bytes, new: bytes) -> Difference:
    return difference.between(reading.read(old), reading.read(new))


def test_nothing_differs_from_itself() -> None:
    found = between(sbom(OLD), sbom(OLD, version="2"))

    assert (found.services, found.packages) == ((), ())


def test_packages_are_added_removed_and_changed() -> None:
    new = {"web": ["libc6=2.41", "nginx=1.26", "zlib1g=1"], "log": ["libc6=2.41"], "old": []}

    found = between(sbom(OLD), sbom(new))

    assert [(one.name, one.kind, one.before, one.after, one.places) for one in found.packages] == [
        ("gone", Kind.REMOVED, ("1",), (), ("old",)),
        ("libc6", Kind.CHANGED, ("2.40",), ("2.41",), ("log", "web")),
        ("zlib1g", Kind.ADDED, (), ("1",), ("web",)),
    ]
    assert found.counts == {
        Kind.ADDED: 1,
        Kind.REMOVED: 1,
        Kind.CHANGED: 1,
        Kind.REBUILT: 0,
        Kind.MOVED: 0,
    }


def test_services_are_added_removed_and_changed() -> None:
    new = {"web": OLD["web"], "log": ["libc6=2.41"], "sshd": ["libc6=2.40"]}

    found = between(sbom(OLD), sbom(new, images={"web": "2", "log": "2"}))

    told = [(one.name, one.kind, one.packages) for one in found.services]
    # Of `web` no package differs: its own files or settings do.
    assert told == [
        ("log", Kind.CHANGED, 1),
        ("old", Kind.REMOVED, 1),
        ("sshd", Kind.ADDED, 1),
        ("web", Kind.CHANGED, 1),
    ]


def test_a_service_whose_own_files_changed_has_no_other_packages() -> None:
    found = between(sbom(OLD), sbom(OLD, images={"web": "2"}))

    assert [(one.name, one.kind, one.packages) for one in found.services] == [
        ("web", Kind.CHANGED, 0)
    ]
    assert found.packages == ()


def test_a_package_that_comes_to_another_service_has_moved() -> None:
    found = between(
        sbom({"web": ["libc6=2.40"], "log": []}), sbom({"web": [], "log": ["libc6=2.40"]})
    )

    (one,) = found.packages
    assert (one.kind, one.joined, one.left) == (Kind.MOVED, ("log",), ("web",))
    assert one.places == ("log",)
    shared = between(sbom({"web": ["libc6=2.40"]}), sbom({"web": ["libc6=2.40"]}, ["libc6=2.40"]))
    assert [(one.kind, one.joined) for one in shared.packages] == [(Kind.MOVED, (SYSTEM,))]


def test_other_bytes_of_the_same_version_are_told() -> None:
    document = json.loads(sbom(OLD))
    package = next(one for one in document["packages"] if one["name"] == "nginx")
    package["checksums"][0]["checksumValue"] = "0" * 64

    found = between(sbom(OLD), json.dumps(document).encode())

    assert [(one.name, one.kind) for one in found.packages] == [("nginx", Kind.REBUILT)]


def test_services_may_have_a_package_in_several_versions() -> None:
    before = {"web": ["libc6=2.40"], "log": ["libc6=2.41"]}

    turned = between(sbom(before), sbom({"web": ["libc6=2.41"], "log": ["libc6=2.40"]}))
    one_left = between(sbom(before), sbom({"web": ["libc6=2.41"], "log": ["libc6=2.41"]}))

    assert [one.kind for one in turned.packages] == [Kind.MOVED]
    assert [(one.before, one.after) for one in one_left.packages] == [(("2.40", "2.41"), ("2.41",))]


def test_architectures_are_different_packages() -> None:
    document = json.loads(sbom({"web": ["libc6=2.40"]}))
    reference = document["packages"][-1]["externalRefs"][0]
    reference["referenceLocator"] = "pkg:deb/debian/libc6@2.40?arch=armhf"

    found = between(sbom({"web": ["libc6=2.40"]}), json.dumps(document).encode())

    assert [(one.kind, one.architecture) for one in found.packages] == [
        (Kind.REMOVED, "arm64"),
        (Kind.ADDED, "armhf"),
    ]


_WORDS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("123")).map("=".join), unique=True
)
_SERVICES = st.dictionaries(st.sampled_from(["web", "log"]), _WORDS)


@given(_SERVICES, _WORDS, _SERVICES, _WORDS)
def test_backwards_it_is_the_opposite(
    old: dict[str, list[str]], shared: list[str], new: dict[str, list[str]], others: list[str]
) -> None:
    before, after = read(old, shared), read(new, others)
    there, back = difference.between(before, after), difference.between(after, before)
    opposite = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}

    assert [(one.name, one.before, one.after) for one in there.packages] == [
        (one.name, one.after, one.before) for one in back.packages
    ]
    for forth, other in zip(there.packages, back.packages, strict=True):
        assert opposite.get(forth.kind, forth.kind) is other.kind
        assert (forth.joined, forth.left) == (other.left, other.joined)
    assert (not there.packages) == (
        [(one.name, one.version, one.places) for one in before.packages]
        == [(one.name, one.version, one.places) for one in after.packages]
    )


@pytest.mark.parametrize("count", [3_000])
def test_large_documents_are_compared_in_a_moment(count: int) -> None:
    words = [f"package-{number}=1" for number in range(count)]

    found = between(sbom({"web": words}), sbom({"web": [f"{one}.1" for one in words]}))

    assert found.counts[Kind.CHANGED] == count
