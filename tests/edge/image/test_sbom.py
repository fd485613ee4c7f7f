"""The SBOM of a build: SPDX 2.3."""

import hashlib
import json
from typing import Any

import pytest

from edge.debian.archive import Package
from edge.image.sbom import purl
from tests.edge.conftest import Edge
from tests.edge.image import spdx
from tests.fakes.tiny_project import TinyProject

pytestmark = pytest.mark.tools


@pytest.fixture
def document(built: TinyProject) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((built.folder / "out/sbom.spdx.json").read_text())
    return found


def by_name(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in document["packages"] if one["name"] == name)
    return dict(found)


def test_it_keeps_the_rules_of_the_specification(document: dict[str, Any]) -> None:
    assert spdx.problems(document) == []


def test_every_package_of_the_lock_is_there_once(
    document: dict[str, Any], built: TinyProject
) -> None:
    locked = json.loads(built.lock.read_text())["packages"]

    found = [package for package in document["packages"] if "externalRefs" in package]

    assert sorted(f"{one['name']}={one['versionInfo']}" for one in found) == sorted(locked)
    assert {one["checksums"][0]["checksumValue"] for one in found} == {
        package["sha256"] for package in locked.values()
    }


def test_a_package_says_who_made_it_and_what_its_licence_is(document: dict[str, Any]) -> None:
    app = by_name(document, "app-one")

    assert app["supplier"] == "Person: Test (test@example.org)"
    assert app["sourceInfo"] == "built from app-one 1.0-1"
    assert app["licenseDeclared"] == "GPL-2.0-or-later AND LicenseRef-app-one-Tiny"
    assert app["externalRefs"][0]["referenceLocator"] == ("pkg:deb/debian/app-one@1.0-1?arch=arm64")
    assert by_name(document, "libtiny")["licenseDeclared"] == "NOASSERTION"
    texts = {
        one["licenseId"]: one["extractedText"] for one in document["hasExtractedLicensingInfos"]
    }
    assert texts["LicenseRef-app-one-Tiny"] == "Do as you like.\n\nOr do not."


def test_the_image_holds_its_services_and_they_their_packages(document: dict[str, Any]) -> None:
    holds = {
        (row["spdxElementId"], row["relatedSpdxElement"])
        for row in document["relationships"]
        if row["relationshipType"] == "CONTAINS"
    }
    image, one = by_name(document, "system")["SPDXID"], by_name(document, "one")["SPDXID"]
    library = by_name(document, "libtiny")["SPDXID"]

    assert document["documentDescribes"] == [image]
    assert {(image, one), (one, library)} <= holds
    assert (image, by_name(document, "linux-image-6.1-tiny")["SPDXID"]) in holds
    assert (image, library) not in holds


def test_every_file_is_there_with_its_hashes_and_who_has_it(
    document: dict[str, Any], built: TinyProject
) -> None:
    files = {one["fileName"]: one for one in document["files"]}
    conf = files["./etc/edge/order"]
    holders = {row["relatedSpdxElement"]: row["spdxElementId"] for row in document["relationships"]}
    sums = {one["algorithm"]: one["checksumValue"] for one in conf["checksums"]}
    text = b"one\ntwo\n"

    assert sums == {
        "SHA1": hashlib.sha1(text, usedforsecurity=False).hexdigest(),
        "SHA256": hashlib.sha256(text).hexdigest(),
    }
    assert holders[conf["SPDXID"]] == by_name(document, "system")["SPDXID"]
    own = [one for name, one in files.items() if name.startswith("./containers/services/two/")]
    assert own
    assert {holders[one["SPDXID"]] for one in own} == {by_name(document, "two")["SPDXID"]}


def test_a_package_of_which_nothing_is_left_is_not_told(project: TinyProject, build: Edge) -> None:
    project.service("one", "app-one", "exclude: ['usr/lib/**']\n")
    project.service("two", "app-two", "without: [libtiny]\n")

    assert build().status == 0

    made = json.loads((project.folder / "out/sbom.spdx.json").read_text())
    assert spdx.problems(made) == []
    assert "libtiny" not in {package["name"] for package in made["packages"]}
    assert by_name(made, "app-one")


def test_a_purl_escapes_what_a_url_does_not_take() -> None:
    package = Package("libstdc++6", "1:14.2+deb13~1", "arm64", "0" * 64, 1, "pool/x.deb", "main")

    assert purl(package) == "pkg:deb/debian/libstdc%2B%2B6@1:14.2%2Bdeb13~1?arch=arm64"
