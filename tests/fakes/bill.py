"""SBOMs as Edge writes them, made of few words."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

WHOLE = "SPDXRef-image"


def sbom(
    services: Mapping[str, Sequence[str]],
    shared: Sequence[str] = (),
    *,
    version: str = "1",
    images: Mapping[str, str] | None = None,
    licences: Mapping[str, str] | None = None,
    **more: object,
) -> bytes:
    """Return a document.

    Args:
        services: The packages of each service, as `name=version`.
        shared: Those of the system itself.
        version: Of the system.
        images: Another image for a service, by its name.
        licences: What a package declares, by its name; else MIT.
        more: Keys of the document.
    """
    named = {word for words in (*services.values(), shared) for word in words}
    holders = {**{_service(name): words for name, words in services.items()}, WHOLE: shared}
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", WHOLE)]
    relations += [(WHOLE, "CONTAINS", _service(name)) for name in services]
    relations += [
        (holder, "CONTAINS", package_id(word))
        for holder, words in holders.items()
        for word in words
    ]
    whole = {
        "spdxVersion": "SPDX-2.3",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"gateway-{version}-board",
        "creationInfo": {"created": "2026-11-01T00:00:00Z", "creators": ["Tool: edge-1"]},
        "packages": [
            _row(WHOLE, "gateway", version, "OPERATING-SYSTEM"),
            *(_image(name, (images or {}).get(name, "1")) for name in services),
            *(_package(word, licences or {}) for word in sorted(named)),
        ],
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relations
        ],
    }
    return json.dumps(whole | more).encode()


def package_id(word: str) -> str:
    return f"SPDXRef-Package-{_sha256(word)[:12]}"


def _service(name: str) -> str:
    return f"SPDXRef-Service-{_sha256(name)[:12]}"


def _image(name: str, image: str) -> dict[str, Any]:
    digest = _sha256(f"{name} {image}")
    row = _row(_service(name), name, digest[:12], "CONTAINER")
    return row | {"checksums": [{"algorithm": "SHA256", "checksumValue": digest}]}


def _package(word: str, licences: Mapping[str, str]) -> dict[str, Any]:
    name, _equals, version = word.partition("=")
    purl = f"pkg:deb/debian/{name}@{version}?arch=arm64"
    return _row(package_id(word), name, version) | {
        "licenseDeclared": licences.get(name, "MIT"),
        "supplier": "Organization: Debian (debian@example.org)",
        "checksums": [{"algorithm": "SHA256", "checksumValue": _sha256(word)}],
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }
        ],
    }


def _row(spdx_id: str, name: str, version: str, purpose: str = "LIBRARY") -> dict[str, Any]:
    return {
        "SPDXID": spdx_id,
        "name": name,
        "versionInfo": version,
        "primaryPackagePurpose": purpose,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "supplier": "NOASSERTION",
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
