"""SBOMs of Edge and of other tools are read; what is no SBOM is refused with its place."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.sbom import parts, reading
from edge.sbom.choosing import chosen
from edge.sbom.model import SYSTEM
from edge_signing.sbom import MOST_BYTES
from tests.fakes.bill import package_id, sbom

MADE = sbom(
    {"web": ["libc6=2.41", "nginx=1.26"], "log": ["libc6=2.41"]}, ["linux=6.12", "libc6=2.41"]
)


def changed(**more: Any) -> bytes:
    return json.dumps(json.loads(MADE) | more).encode()


def changed_package(**more: Any) -> bytes:
    document = json.loads(MADE)
    document["packages"][3] |= more
    return json.dumps(document).encode()


def test_services_and_packages_are_told_with_their_places() -> None:
    found = reading.read(MADE)

    assert (found.system, found.created) == ("gateway 1", "2026-11-01T00:00:00Z")
    assert [(one.name, one.packages) for one in found.services] == [("log", 1), ("web", 2)]
    assert [(one.name, one.version, one.places) for one in found.packages] == [
        ("libc6", "2.41", (SYSTEM, "log", "web")),
        ("linux", "6.12", (SYSTEM,)),
        ("nginx", "1.26", ("web",)),
    ]
    first = found.packages[0]
    assert (first.licence, first.architecture) == ("MIT", "arm64")
    assert first.supplier == "Debian (debian@example.org)"
    assert first.purl == "pkg:deb/debian/libc6@2.41?arch=arm64"


def test_packages_are_chosen_by_words_and_by_service() -> None:
    packages = reading.read(MADE).packages

    def names(**words: str) -> list[str]:
        return [one.name for one in chosen(packages, **words)]

    assert names() == ["libc6", "linux", "nginx"]
    assert names(match="LIBC mit") == ["libc6"]
    assert names(match="system") == ["libc6", "linux"]
    assert names(match="6.12") == ["linux"]
    assert names(service="web", match="1.26") == ["nginx"]
    assert names(service="system") == []


def test_an_image_scanner_s_document_is_read() -> None:
    """As Trivy writes them: the image holds an operating system, and that the packages."""
    rows = [
        ("SPDXRef-ContainerImage", "alpine:3.15", "CONTAINER"),
        ("SPDXRef-OperatingSystem", "alpine", "OPERATING-SYSTEM"),
        ("SPDXRef-Package-1", "libretls", "LIBRARY"),
    ]
    held = zip([one for one, *_rest in rows], [one for one, *_rest in rows[1:]], strict=False)
    packages: list[dict[str, Any]] = [
        {"SPDXID": spdx_id, "name": name, "primaryPackagePurpose": kind, "annotations": [{}]}
        for spdx_id, name, kind in rows
    ]
    document = {
        "spdxVersion": "SPDX-2.3",
        "packages": packages,
        "files": [{"SPDXID": "SPDXRef-File-1", "fileName": "lib/apk/db/installed"}],
        "relationships": [
            *relations("DESCRIBES", ("SPDXRef-DOCUMENT", rows[0][0])),
            *relations("CONTAINS", *held, (rows[2][0], "SPDXRef-File-1")),
        ],
    }
    packages[2] |= {
        "licenseDeclared": "NONE",
        "supplier": "NOASSERTION",
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": "67dfefe5456c45192b60d76ade98c501b0ae814f"}
        ],
        "externalRefs": [
            {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:b"},
            {
                "referenceCategory": "PACKAGE_MANAGER",
                "referenceType": "purl",
                "referenceLocator": "pkg:apk/alpine/libretls@3.3.4-r3?arch=x86_64&distro=3.15.11",
            },
        ],
    }

    found = reading.read(json.dumps(document).encode())

    assert (found.system, found.services) == ("alpine:3.15", ())
    assert [(one.name, one.places) for one in found.packages] == [
        ("alpine", (SYSTEM,)),
        ("libretls", (SYSTEM,)),
    ]
    library = found.packages[1]
    assert (library.architecture, library.sha256, library.supplier) == ("x86_64", "", "")
    assert library.licence == "NONE"


def test_a_list_of_installed_packages_is_read() -> None:
    """As tools for dpkg write them: 2.2, each package described, and what depends on what."""
    names = ("bash", "libc6")
    document = {
        "spdxVersion": "SPDX-2.2",
        "documentDescribes": [f"SPDXRef-{name}" for name in names],
        "packages": [
            {
                "SPDXID": f"SPDXRef-{name}",
                "name": name,
                "versionInfo": "5",
                "licenseDeclared": "NOASSERTION",
                "licenseConcluded": "GPL-3.0-or-later",
                "checksums": [{"algorithm": "SHA256", "checksumValue": None}],
            }
            for name in names
        ],
        "relationships": relations(
            "DEPENDS_ON", ("SPDXRef-bash", "SPDXRef-libc6"), ("SPDXRef-bash", "NOASSERTION")
        ),
    }

    found = reading.read(json.dumps(document).encode())

    assert found.system == ""
    assert [(one.name, one.licence, one.places) for one in found.packages] == [
        ("bash", "GPL-3.0-or-later", (SYSTEM,)),
        ("libc6", "GPL-3.0-or-later", (SYSTEM,)),
    ]


def test_relations_are_read_in_either_direction() -> None:
    document = json.loads(MADE)
    turned = {"CONTAINS": "CONTAINED_BY", "DESCRIBES": "DESCRIBED_BY"}
    for one in document["relationships"]:
        one["relationshipType"] = turned[one["relationshipType"]]
        left, right = one["spdxElementId"], one["relatedSpdxElement"]
        one |= {"spdxElementId": right, "relatedSpdxElement": left}

    assert reading.read(json.dumps(document).encode()) == reading.read(MADE)


def test_two_services_of_one_name_are_told_apart() -> None:
    document = json.loads(MADE)
    for one in document["packages"][1:3]:
        one["name"] = "same"

    found = reading.read(json.dumps(document).encode())

    assert len({one.name for one in found.services}) == 2
    assert {place for one in found.packages for place in one.places} == {
        SYSTEM,
        *(one.name for one in found.services),
    }


def relations(kind: str, *pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
        for one, other in pairs
    ]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        pytest.param(b"", "f: not JSON", id="empty"),
        pytest.param(b"\xff\xfe\xfa", "f: not JSON", id="no text"),
        pytest.param(b"[]", "f: not an object", id="list"),
        pytest.param(b'{"a":' * 50_000, "f: nested too deeply", id="deep"),
        pytest.param(b"[" * 450_000, "f: nested too deeply", id="deep lists"),
        pytest.param(b"[],[" * 200_000, "f: made of more than", id="many pieces"),
        pytest.param(b" " * (MOST_BYTES + 1), "f: 8388609 bytes, more than", id="large"),
        pytest.param(b'{"spdxVersion": ' + b"9" * 5000 + b"}", "f: not JSON", id="long number"),
        pytest.param(b'{"@context": "spdx 3"}', "f: spdxVersion: ''", id="SPDX 3"),
        pytest.param(b'{"bomFormat": "CycloneDX"}', "f: spdxVersion", id="CycloneDX"),
        pytest.param(changed(spdxVersion="SPDX-3.0"), "f: spdxVersion: 'SPDX-3.0'", id="version"),
        pytest.param(changed(spdxVersion=2), "f: spdxVersion: not a text", id="number"),
        pytest.param(changed(packages={}), "f: packages: not a list", id="no list"),
        pytest.param(changed(packages=[1]), "f: packages[0]: not an object", id="no object"),
        pytest.param(changed(relationships=["x"]), "f: relationships[0]: not", id="relation"),
        pytest.param(changed(creationInfo=[]), "f: creationInfo: not an object", id="part"),
        pytest.param(changed(documentDescribes=[1]), "f: documentDescribes[0]: not", id="texts"),
        pytest.param(changed_package(name=7), "f: packages[3].name: not a text", id="name"),
        pytest.param(changed_package(name=""), "f: packages[3].name: not there", id="no name"),
        pytest.param(changed_package(SPDXID=None), "f: packages[3].SPDXID: not", id="no id"),
        pytest.param(
            changed_package(SPDXID="SPDXRef-image"),
            "f: packages[3].SPDXID: 'SPDXRef-image' is",
            id="twice",
        ),
        pytest.param(changed_package(name="n" * 1001), "f: packages[3].name: 1001", id="long name"),
        pytest.param(
            changed_package(licenseDeclared="x" * 20_001),
            "f: packages[3].licenseDeclared: a text",
            id="long",
        ),
        pytest.param(
            changed_package(versionInfo="\ud800"),
            "f: packages[3].versionInfo: a text",
            id="surrogate",
        ),
        pytest.param(
            changed_package(checksums=[{"algorithm": 1}]),
            "f: packages[3].checksums[0].algorithm",
            id="checksum",
        ),
        pytest.param(
            changed_package(externalRefs=[[]]),
            "f: packages[3].externalRefs[0]: not",
            id="reference",
        ),
    ],
)
def test_what_is_no_sbom_is_refused_with_its_place(data: bytes, place: str) -> None:
    with pytest.raises(InputError) as refused:
        reading.read(data, "f")

    assert str(refused.value).startswith(place)
    assert refused.value.hint


def test_too_many_packages_and_services_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SERVICES_MOST", 1)
    with pytest.raises(InputError, match="more than 1 services"):
        reading.read(MADE)
    monkeypatch.setattr(reading, "PACKAGES_MOST", 5)
    with pytest.raises(InputError, match="packages: 6, more than 5"):
        reading.read(MADE)


@given(st.integers(0, len(MADE) - 1), st.integers(0, 255))
def test_a_flipped_byte_is_read_or_refused(at: int, byte: int) -> None:
    data = bytearray(MADE)
    data[at] = byte
    with suppress(InputError):
        found = reading.read(bytes(data))
        assert all(one.name and one.places for one in found.packages)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_KEYS = ("packages", "relationships", "documentDescribes", "creationInfo", "name", "spdxVersion")


@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES))
def test_any_values_in_its_keys_are_read_or_refused(values: dict[str, Any]) -> None:
    with suppress(InputError):
        found = reading.read(changed(**values))
        assert all(one.name and one.places for one in found.packages)


def test_a_package_is_the_same_in_another_version_only() -> None:
    one, other = (
        reading.read(sbom({"web": [f"libc6={version}"]})).packages[0] for version in ("1", "2")
    )
    renamed = reading.read(sbom({"web": ["libc7=1"]})).packages[0]

    assert reading.identity(one) == reading.identity(other)
    assert reading.identity(one) != reading.identity(renamed)
    assert package_id("libc6=1") != package_id("libc6=2")
    assert parts.PIECES_MOST < MOST_BYTES
