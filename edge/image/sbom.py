"""`sbom.spdx.json`: the Debian packages and the files in an image, by service, as SPDX 2.3.

Deterministic: its date is that of the build's clock, its namespace a hash of what it describes.

Source: SPDX specification 2.3 (ISO/IEC 5962 successor), JSON; purl specification, type `deb`.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import NAMESPACE_URL, uuid5

from edge import atomic
from edge.debian import copyright as debian_copyright
from edge.debian import deb
from edge.debian.archive import Package
from edge.image import licences
from edge.image.file_hashes import HashedFile
from edge.image.licences import Declared
from edge.oci.layer import merged, package_tree
from edge.oci.store import Store
from edge.oci.tree import Kind, Tree

DOCUMENT: Final = "SPDXRef-DOCUMENT"
IMAGE: Final = "SPDXRef-image"
NO_ASSERTION: Final = "NOASSERTION"
_LICENCES: Final = "licences"
_NOT_ID = re.compile(r"[^A-Za-z0-9.]")
_PERSON = re.compile(r"(?P<name>[^<]*)<(?P<mail>[^>]*)>")
_GROUP_WORDS = ("team", "maintainers", "developers", "group", "project", "debian")


@dataclass(frozen=True, slots=True)
class Origin:
    """What an image was made of.

    Attributes:
        system: Its name.
        version: Of the release.
        board: The name of the board.
        created_s: The date of the document, in seconds since 1970.
        root_hash: Stands for all of the root file system; None if the build made none with a tree.
        images: The digest of the manifest of each service's image.
        packages: The packages that each service has files of, by its name.
        shared: Those that kernel, modules and firmware come from.
        files: All files of the root.
    """

    system: str
    version: str
    board: str
    created_s: int
    root_hash: str | None
    images: Mapping[str, str]
    packages: Mapping[str, Sequence[Package]]
    shared: Sequence[Package]
    files: Sequence[HashedFile] = ()


def write(path: Path, origin: Origin, store: Store) -> None:
    """Write the document; the packages are in the store."""
    with atomic.file(path) as stream:
        stream.write(_text(document(origin, store)).encode())


def _text(document: Mapping[str, Any]) -> str:
    """Return JSON with a line for each key and each item of its lists: quicker than with indent."""
    encode = json.JSONEncoder(sort_keys=True).encode
    parts = []
    for key, value in sorted(document.items()):
        if isinstance(value, list):
            rows = ",\n  ".join(encode(one) for one in value)
            text = f"[\n  {rows}\n ]"
        else:
            text = encode(value)
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def document(origin: Origin, store: Store) -> dict[str, Any]:
    """Return the whole document."""
    groups = (*origin.packages.values(), origin.shared)
    packages = {one.digest: one for group in groups for one in group}
    ordered = sorted(packages.values(), key=lambda one: (one.name, one.version, one.architecture))
    declared = {package.digest: _declared(package, store) for package in ordered}
    texts = {name: text for one in declared.values() if one for name, text in one.texts.items()}
    rows = [_package(one, declared[one.digest], store) for one in ordered]
    relations = sorted(_relations(origin))
    whole: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": f"{origin.system}-{origin.version}-{origin.board}",
        "creationInfo": _creation(origin),
        "documentDescribes": [IMAGE],
        "packages": [_image(origin), *_services(origin), *rows],
        "files": [_file(one) for one in origin.files],
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relations
        ],
    }
    if texts:
        whole["hasExtractedLicensingInfos"] = [
            {"licenseId": name, "extractedText": text} for name, text in sorted(texts.items())
        ]
    content = json.dumps(whole, sort_keys=True)
    return whole | {"documentNamespace": f"urn:uuid:{uuid5(NAMESPACE_URL, content)}"}


def contributors(image: Tree, packages: Sequence[Package], store: Store) -> tuple[Package, ...]:
    """Return the packages that an image has files of; of others all was left out.

    Python that was compiled counts by its name, all other files by their hash.
    """
    hashes = {entry.sha256 for _path, entry in image if entry.size_bytes}
    compiled = {path for path, _entry in image if path.endswith(".pyc")}
    return tuple(
        package
        for package in packages
        if any(
            entry.sha256 in hashes or f"{merged(path)}c" in compiled
            for path, entry in package_tree(package, store).tree
            if entry.kind is Kind.FILE and entry.size_bytes
        )
    )


def purl(package: Package) -> str:
    """Return the package URL of a Debian package."""
    name, version = quote(package.name, safe=""), quote(package.version, safe=":~.")
    return f"pkg:deb/debian/{name}@{version}?{urlencode({'arch': package.architecture})}"


def _creation(origin: Origin) -> dict[str, Any]:
    created = datetime.fromtimestamp(origin.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"created": created, "creators": [f"Tool: edge-{metadata.version('edge-os')}"]}


def _image(origin: Origin) -> dict[str, Any]:
    verified = f"; dm-verity root hash {origin.root_hash}" if origin.root_hash else ""
    return _row(IMAGE, origin.system, origin.version) | {
        "primaryPackagePurpose": "OPERATING-SYSTEM",
        "comment": f"for board {origin.board}{verified}",
        "supplier": NO_ASSERTION,
    }


def _services(origin: Origin) -> Iterator[dict[str, Any]]:
    for name, digest in sorted(origin.images.items()):
        sha256 = digest.removeprefix("sha256:")
        yield _row(_service_id(name), name, sha256[:12]) | {
            "primaryPackagePurpose": "CONTAINER",
            "checksums": [_checksum(sha256)],
            "comment": "the checksum is that of the OCI image manifest",
            "supplier": NO_ASSERTION,
        }


def _package(package: Package, declared: Declared | None, store: Store) -> dict[str, Any]:
    control = deb.control(store.path(package.digest))
    source = control.get("Source", package.name)
    name, _, version = source.partition(" ")
    locator = {
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl(package),
    }
    return _row(_package_id(package), package.name, package.version) | {
        "supplier": _supplier(control.get("Maintainer", "")),
        "sourceInfo": f"built from {name} {version.strip('()') or package.version}",
        "licenseDeclared": declared.expression if declared else NO_ASSERTION,
        "checksums": [_checksum(package.sha256)],
        "externalRefs": [locator],
    }


def _file(one: HashedFile) -> dict[str, Any]:
    return {
        "SPDXID": _file_id(one),
        "fileName": f"./{one.path}",
        "checksums": [{"algorithm": "SHA1", "checksumValue": one.sha1}, _checksum(one.sha256)],
    }


def _row(spdx_id: str, name: str, version: str) -> dict[str, Any]:
    """Return what every package of the document has."""
    return {
        "SPDXID": spdx_id,
        "name": name,
        "versionInfo": version,
        "downloadLocation": NO_ASSERTION,
        "filesAnalyzed": False,
        "licenseConcluded": NO_ASSERTION,
        "licenseDeclared": NO_ASSERTION,
        "copyrightText": NO_ASSERTION,
    }


def _checksum(sha256: str) -> dict[str, str]:
    return {"algorithm": "SHA256", "checksumValue": sha256}


def _supplier(maintainer: str) -> str:
    found = _PERSON.fullmatch(maintainer.strip())
    if found is None or not found["name"].strip():
        return NO_ASSERTION
    name, mail = found["name"].strip(), found["mail"].strip()
    is_group = any(word in name.lower() for word in _GROUP_WORDS)
    return f"{'Organization' if is_group else 'Person'}: {name} ({mail})"


def _declared(package: Package, store: Store) -> Declared | None:
    """Return the licences of a package, if its copyright file is for machines; kept once read."""
    key = f"{licences.recipe()} {package.digest}"
    if kept := store.recall(_LICENCES, key):
        known = json.loads(store.read(kept))
        return Declared(known["expression"], known["texts"]) if known else None
    found = _read_declared(package, store)
    document = {"expression": found.expression, "texts": dict(found.texts)} if found else {}
    data = json.dumps(document, sort_keys=True).encode()
    store.remember(_LICENCES, key, store.add_bytes(data))
    return found


def _read_declared(package: Package, store: Store) -> Declared | None:
    entry = package_tree(package, store).tree.find(f"usr/share/doc/{package.name}/copyright")
    found = debian_copyright.parse(entry.read()) if entry is not None else None
    return licences.declared(package.name, found) if found is not None else None


def _relations(origin: Origin) -> Iterator[tuple[str, str, str]]:
    """Give who holds what: the image its services, kernel and firmware, a service its packages."""
    yield DOCUMENT, "DESCRIBES", IMAGE
    for service in origin.images:
        yield IMAGE, "CONTAINS", _service_id(service)
        for package in origin.packages.get(service, ()):
            yield _service_id(service), "CONTAINS", _package_id(package)
    for package in origin.shared:
        yield IMAGE, "CONTAINS", _package_id(package)
    for one in origin.files:
        is_known = one.service in origin.images
        yield _service_id(one.service) if is_known else IMAGE, "CONTAINS", _file_id(one)


def _package_id(package: Package) -> str:
    # A hash beside the name: the same characters may stand for different versions.
    return f"SPDXRef-Package-{_id(package.name)}-{package.sha256[:12]}"


def _file_id(one: HashedFile) -> str:
    return f"SPDXRef-File-{hashlib.sha256(one.path.encode('utf-8', 'surrogateescape')).hexdigest()}"


def _service_id(name: str) -> str:
    return f"SPDXRef-Service-{_id(name)}"


def _id(text: str) -> str:
    return _NOT_ID.sub("-", text)
