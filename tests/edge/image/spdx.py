"""The rules of SPDX 2.3 for documents of packages, as far as they can be checked without lists.

Source: SPDX specification 2.3, clauses 6, 7, 10, 11 and annex F (external references).
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

ID = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CREATOR = re.compile(r"(Person: [^()]+( \(.*\))?|Organization: [^()]+( \(.*\))?|Tool: \S+-\S+)")
SUPPLIER = re.compile(r"NOASSERTION|(Person|Organization): .+")
EXPRESSION = re.compile(r"NOASSERTION|NONE|[A-Za-z0-9.()+ -]+")
REFERENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
PURL = re.compile(r"pkg:deb/debian/[a-z0-9][a-z0-9+.%A-F-]*@[^?#\s]+\?arch=(arm64|all)")
PURPOSES = {"APPLICATION", "CONTAINER", "FIRMWARE", "LIBRARY", "OPERATING-SYSTEM"}
RELATIONS = {"DESCRIBES", "CONTAINS", "DEPENDS_ON"}
DOCUMENT_KEYS = {
    *("spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo"),
    *("packages", "files", "relationships", "documentDescribes", "hasExtractedLicensingInfos"),
}
PACKAGE_KEYS = {
    *("SPDXID", "name", "versionInfo", "supplier", "downloadLocation", "filesAnalyzed"),
    *("checksums", "licenseConcluded", "licenseDeclared", "copyrightText", "externalRefs"),
    *("primaryPackagePurpose", "sourceInfo", "comment"),
}


def problems(document: dict[str, Any]) -> list[str]:
    """Return all that is wrong with a document."""
    found = [*_document(document)]
    for package in document["packages"]:
        found += [f"{package['SPDXID']}: {text}" for text in _package(package)]
    for one in document.get("files", ()):
        found += [f"{one['SPDXID']}: {text}" for text in _file(one)]
    found += _references(document)
    return found


def _document(document: dict[str, Any]) -> Iterator[str]:
    if extra := document.keys() - DOCUMENT_KEYS:
        yield f"keys {extra}"
    fixed = ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    if tuple(document[key] for key in ("spdxVersion", "dataLicense", "SPDXID")) != fixed:
        yield "version, licence or id of the document"
    namespace = urlsplit(document["documentNamespace"])
    if not namespace.scheme or not namespace.path or namespace.fragment:
        yield "namespace is no absolute URI without a fragment"
    if not CREATED.fullmatch(document["creationInfo"]["created"]):
        yield "created"
    if not all(CREATOR.fullmatch(one) for one in document["creationInfo"]["creators"]):
        yield "creators"


def _file(one: dict[str, Any]) -> Iterator[str]:
    sums = {each["algorithm"]: each["checksumValue"] for each in one["checksums"]}
    rules = {
        "SPDXID": ID.fullmatch(one["SPDXID"]),
        "fileName": one["fileName"].startswith("./"),
        "SHA1": re.fullmatch(r"[0-9a-f]{40}", sums.get("SHA1", "")),
        "SHA256": re.fullmatch(r"[0-9a-f]{64}", sums.get("SHA256", "")),
    }
    yield from (name for name, is_kept in rules.items() if not is_kept)


def _package(package: dict[str, Any]) -> Iterator[str]:
    licences = (package["licenseConcluded"], package["licenseDeclared"])
    rules = {
        "unknown keys": package.keys() <= PACKAGE_KEYS,
        "SPDXID": ID.fullmatch(package["SPDXID"]),
        "name": package["name"],
        "download location": package["downloadLocation"],
        "files are not analyzed here": package["filesAnalyzed"] is False,
        "supplier": SUPPLIER.fullmatch(package["supplier"]),
        "licences": all(EXPRESSION.fullmatch(licence) for licence in licences),
        "checksums": all(_is_checksum(one) for one in package.get("checksums", ())),
        "references": all(_is_purl(one) for one in package.get("externalRefs", ())),
        "purpose": package.get("primaryPackagePurpose", "LIBRARY") in PURPOSES,
    }
    yield from (rule for rule, kept in rules.items() if not kept)


def _is_checksum(row: dict[str, str]) -> bool:
    digits = re.fullmatch("[0-9a-f]{64}", row["checksumValue"])
    return row["algorithm"] == "SHA256" and digits is not None


def _is_purl(row: dict[str, str]) -> bool:
    kind = (row["referenceCategory"], row["referenceType"])
    locator = PURL.fullmatch(row["referenceLocator"])
    return kind == ("PACKAGE-MANAGER", "purl") and locator is not None


def _references(document: dict[str, Any]) -> Iterator[str]:
    elements = (*document["packages"], *document.get("files", ()))
    ids = [document["SPDXID"], *(one["SPDXID"] for one in elements)]
    if len(set(ids)) != len(ids):
        yield "an SPDXID is there twice"
    for row in document["relationships"]:
        if row["relationshipType"] not in RELATIONS:
            yield f"relationship {row}"
        if not {row["spdxElementId"], row["relatedSpdxElement"]} <= set(ids):
            yield f"dangling relationship {row}"
    held = {row["relatedSpdxElement"] for row in document["relationships"]}
    yield from (f"{one}: nobody holds it" for one in ids[1:] if one not in held)
    texts = {info["licenseId"] for info in document.get("hasExtractedLicensingInfos", ())}
    used = {
        name
        for package in document["packages"]
        for name in REFERENCE.findall(package["licenseDeclared"])
    }
    if texts != used:
        yield f"licence references {texts ^ used}"
    for info in document.get("hasExtractedLicensingInfos", ()):
        if not info["extractedText"]:
            yield f"{info['licenseId']}: no text"
