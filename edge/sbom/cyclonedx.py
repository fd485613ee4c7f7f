"""An SBOM as CycloneDX 1.6: the same services and packages, for tools that read that.

Deterministic: its date is that of the SBOM, its serial number a hash of what it tells.

Source: CycloneDX specification 1.6 (ECMA-424), JSON. Pure.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from edge.sbom.model import SYSTEM, Package, Sbom, Service

_WHOLE: Final = "image"


def document(sbom: Sbom, *, tool_version: str) -> dict[str, Any]:
    """Return the whole document.

    Args:
        sbom: What it tells.
        tool_version: Of Edge.
    """
    name, _space, version = sbom.system.rpartition(" ")
    whole = {"type": "operating-system", "bom-ref": _WHOLE, "name": name or version}
    tool = {"type": "application", "name": "edge", "version": tool_version}
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": sbom.created,
            "tools": {"components": [tool]},
            "component": {**whole, "version": version} if name else whole,
        },
        "components": [*map(_service, sbom.services), *map(_package, sbom.packages)],
        "dependencies": list(_dependencies(sbom)),
    }
    told = json.dumps(content, sort_keys=True)
    return {**content, "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, told)}"}


def _service(one: Service) -> dict[str, Any]:
    found = {"type": "container", "bom-ref": _ref(one), "name": one.name, "version": one.version}
    return {**found, **_hashes(one.sha256)}


def _package(one: Package) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "library", "bom-ref": _ref(one), "name": one.name}
    if one.version:
        found["version"] = one.version
    if one.purl:
        found["purl"] = one.purl
    if one.licence:
        found["licenses"] = [{"expression": one.licence, "acknowledgement": "declared"}]
    if one.supplier:
        found["supplier"] = {"name": one.supplier}
    return {**found, **_hashes(one.sha256)}


def _hashes(sha256: str) -> dict[str, Any]:
    return {"hashes": [{"alg": "SHA-256", "content": sha256}]} if sha256 else {}


def _dependencies(sbom: Sbom) -> Iterator[dict[str, Any]]:
    """Give what holds what: the image its services, kernel and firmware, a service its packages."""
    own = _held(sbom.packages, SYSTEM)
    yield {"ref": _WHOLE, "dependsOn": sorted({*map(_ref, sbom.services), *own})}
    for service in sbom.services:
        yield {"ref": _ref(service), "dependsOn": _held(sbom.packages, service.name)}
    for ref in sorted({_ref(one) for one in sbom.packages}):
        yield {"ref": ref}


def _held(packages: Iterable[Package], place: str) -> list[str]:
    return sorted({_ref(one) for one in packages if place in one.places})


def _ref(one: Service | Package) -> str:
    if isinstance(one, Service):
        return f"service:{one.name}"
    # A hash beside the name: one version may be there in several builds.
    return f"{one.purl or f'{one.name}@{one.version}'}#{one.sha256[:12]}"
