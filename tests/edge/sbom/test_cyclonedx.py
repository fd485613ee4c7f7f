"""An SBOM as CycloneDX: it holds to the schema, and tells what the SPDX document does."""

import json
from dataclasses import replace

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from edge.sbom import cyclonedx
from edge.sbom.model import SYSTEM, Package, Sbom, Service

SHA256 = "ab" * 32
LIBC = Package(
    name="libc6",
    version="2.41-12",
    architecture="arm64",
    licence="LGPL-2.1-or-later AND LicenseRef-libc6-other",
    supplier="Organization: GNU Libc Maintainers (libc@example.org)",
    purl="pkg:deb/debian/libc6@2.41-12?arch=arm64",
    sha256=SHA256,
    places=("init", "web"),
)
KERNEL = Package("linux", "6.12", "", "", "", "", "", (SYSTEM,))
SBOM = Sbom(
    name="gateway-1.0-rpi4",
    created="2026-11-01T00:00:00Z",
    system="my gateway 1.0",
    services=(Service("init", "0123456789ab", SHA256, 1), Service("web", "ba9876543210", "", 1)),
    packages=(LIBC, KERNEL),
)


@pytest.mark.parametrize(
    "sbom",
    [
        SBOM,
        replace(SBOM, services=(), packages=()),
        replace(SBOM, system="alone"),
        replace(SBOM, packages=(LIBC, replace(LIBC, sha256="cd" * 32, places=("web",)))),
    ],
)
def test_a_document_holds_to_the_schema(sbom: Sbom) -> None:
    text = json.dumps(cyclonedx.document(sbom, tool_version="1.0"))

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_schema_is_one_that_refuses() -> None:
    found = cyclonedx.document(SBOM, tool_version="1.0")
    found["components"][0]["hashes"] = [{"alg": "SHA-256", "content": "no"}]

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(found)) is not None


def test_services_and_packages_come_with_all_that_is_known() -> None:
    found = cyclonedx.document(SBOM, tool_version="1.0")
    by_name = {one["name"]: one for one in found["components"]}

    assert found["metadata"]["component"]["name"] == "my gateway"
    assert found["metadata"]["component"]["version"] == "1.0"
    assert found["metadata"]["timestamp"] == SBOM.created
    assert by_name["init"]["hashes"] == [{"alg": "SHA-256", "content": SHA256}]
    assert by_name["libc6"]["purl"] == LIBC.purl
    assert by_name["libc6"]["licenses"][0]["expression"] == LIBC.licence
    assert by_name["libc6"]["supplier"] == {"name": LIBC.supplier}
    assert by_name["linux"].keys() == {"type", "bom-ref", "name", "version"}


def test_what_holds_what_is_told() -> None:
    found = cyclonedx.document(SBOM, tool_version="1.0")
    holds = {one["ref"]: one.get("dependsOn", []) for one in found["dependencies"]}
    (libc,) = [one["bom-ref"] for one in found["components"] if one["name"] == "libc6"]
    (linux,) = [one["bom-ref"] for one in found["components"] if one["name"] == "linux"]

    assert set(holds["image"]) == {"service:init", "service:web", linux}
    assert holds["service:web"] == [libc]


def test_the_same_sbom_gives_the_same_bytes_and_another_one_another_number() -> None:
    first, second = (cyclonedx.document(SBOM, tool_version="1.0") for _time in range(2))
    other = cyclonedx.document(replace(SBOM, packages=(LIBC,)), tool_version="1.0")

    assert first == second
    assert first["serialNumber"] != other["serialNumber"]
