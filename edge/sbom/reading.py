"""Read an SBOM: one of Edge, or of another tool.

An image holds services (packages of the purpose `CONTAINER`), and these hold packages, told by
relationships in either direction. What no service holds is in the system itself.

Source: SPDX specification 2.3, clauses 6, 7, 11; package URL specification, §5 (components).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl

from edge.sbom.model import SYSTEM, Package, Sbom, Service
from edge.sbom.parts import Part, decoded, problem

PACKAGES_MOST: Final = 20_000
SERVICES_MOST: Final = 1_000
_DOCUMENT: Final = "SPDXRef-DOCUMENT"
_VERSION: Final = re.compile(r"SPDX-2\.[0-9]{1,2}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NOT_SAID: Final = frozenset(("", "NOASSERTION"))
_HOLDS: Final = frozenset(("CONTAINS", "DEPENDS_ON"))
_IS_HELD: Final = frozenset(("CONTAINED_BY", "DEPENDENCY_OF", "PACKAGE_OF"))
# The schema of 2.3 wrote it in both ways.
_WHOLE: Final = frozenset(("OPERATING-SYSTEM", "OPERATING_SYSTEM", "CONTAINER"))


def read(data: bytes, place: str = "sbom.spdx.json") -> Sbom:
    """Return what a document tells.

    Args:
        data: The document.
        place: Its name, for errors.

    Raises:
        InputError: It is too large, or not SPDX 2 in JSON; the message names the place in it.
    """
    document = decoded(data, place)
    if not _VERSION.fullmatch(document.text("spdxVersion")):
        raise problem(f"{place}: spdxVersion", f"{document.text('spdxVersion')[:40]!r}")
    elements = _elements(document)
    held = _held(document)
    roots = _roots(document, elements)
    services = {
        one: part
        for one, part in elements.items()
        if one not in roots and part.text("primaryPackagePurpose") == "CONTAINER"
    }
    if len(services) > SERVICES_MOST:
        raise problem(f"{place}: packages", f"more than {SERVICES_MOST} services")
    names = _service_names(services)
    packages = [
        _package(part, _places(held.get(one, set()), names, roots))
        for one, part in elements.items()
        if one not in roots and one not in services
    ]
    counts = Counter(where for package in packages for where in package.places)
    whole = elements[next(iter(roots))] if len(roots) == 1 else None
    return Sbom(
        name=document.text("name"),
        created=document.part("creationInfo").text("created"),
        system=f"{whole.text('name')} {whole.text('versionInfo')}".strip() if whole else "",
        services=tuple(
            sorted(
                (_service(names[one], part, counts) for one, part in services.items()),
                key=lambda one: one.name,
            )
        ),
        packages=tuple(sorted(packages, key=lambda one: (one.name, one.version, one.architecture))),
    )


def identity(package: Package) -> str:
    """Return what a package is whatever its version: name and kind, and its architecture."""
    base = package.purl.partition("#")[0].partition("?")[0].rpartition("@")[0]
    return f"{base or package.name}?{package.architecture}"


def _elements(document: Part) -> dict[str, Part]:
    """Return the packages of a document by their ids."""
    found: dict[str, Part] = {}
    for part in document.parts("packages"):
        part.name("name")
        if found.setdefault(part.name("SPDXID"), part) is not part:
            raise problem(f"{part.place}SPDXID", f"{part.text('SPDXID')[:80]!r} is there twice")
    if len(found) > PACKAGES_MOST:
        raise problem(f"{document.place}packages", f"{len(found)}, more than {PACKAGES_MOST}")
    return found


def _held(document: Part) -> dict[str, set[str]]:
    """Return what holds each element, by ids."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one in document.parts("relationships"):
        kind = one.text("relationshipType")
        left, right = one.text("spdxElementId"), one.text("relatedSpdxElement")
        if kind in _HOLDS:
            found[right].add(left)
        elif kind in _IS_HELD:
            found[left].add(right)
    return found


def _described(document: Part) -> Iterator[str]:
    yield from document.texts("documentDescribes")
    for one in document.parts("relationships"):
        kind = one.text("relationshipType")
        if kind == "DESCRIBES" and one.text("spdxElementId") == _DOCUMENT:
            yield one.text("relatedSpdxElement")
        elif kind == "DESCRIBED_BY" and one.text("relatedSpdxElement") == _DOCUMENT:
            yield one.text("spdxElementId")


def _roots(document: Part, elements: Mapping[str, Part]) -> dict[str, None]:
    """Return the wholes that a document describes, in order: no packages themselves.

    Some tools say of each package that the document describes it: a whole contains others.
    """
    holders = {
        one.text("spdxElementId")
        for one in document.parts("relationships")
        if one.text("relationshipType") == "CONTAINS"
    }
    return {
        one: None
        for one in _described(document)
        if one in elements
        and (one in holders or elements[one].text("primaryPackagePurpose") in _WHOLE)
    }


def _service_names(services: Mapping[str, Part]) -> dict[str, str]:
    taken = Counter(part.text("name") for part in services.values())
    return {
        one: f"{part.text('name')} ({one})" if taken[part.text("name")] > 1 else part.text("name")
        for one, part in services.items()
    }


def _places(
    holders: set[str], names: Mapping[str, str], roots: Mapping[str, None]
) -> tuple[str, ...]:
    found = sorted(names[one] for one in holders if one in names)
    is_shared = not found or not roots.keys().isdisjoint(holders)
    return (SYSTEM, *found) if is_shared else tuple(found)


def _service(name: str, part: Part, counts: Mapping[str, int]) -> Service:
    return Service(name, part.text("versionInfo"), _sha256(part), counts.get(name, 0))


def _package(part: Part, places: tuple[str, ...]) -> Package:
    purl = _purl(part)
    qualifiers = dict(parse_qsl(purl.partition("#")[0].partition("?")[2]))
    declared, concluded = part.text("licenseDeclared"), part.text("licenseConcluded")
    supplier = part.text("supplier")
    return Package(
        name=part.text("name"),
        version=part.text("versionInfo"),
        architecture=qualifiers.get("arch", ""),
        licence=_said(declared) or _said(concluded),
        supplier=_said(supplier).partition(": ")[2] or _said(supplier),
        purl=purl,
        sha256=_sha256(part),
        places=places,
    )


def _said(text: str) -> str:
    return "" if text in _NOT_SAID else text


def _purl(part: Part) -> str:
    for one in part.parts("externalRefs"):
        locator = one.text("referenceLocator")
        if one.text("referenceType") == "purl" and locator.startswith("pkg:"):
            return locator
    return ""


def _sha256(part: Part) -> str:
    for one in part.parts("checksums"):
        digits = one.text("checksumValue").lower()
        if one.text("algorithm") == "SHA256" and _SHA256.fullmatch(digits):
            return digits
    return ""
