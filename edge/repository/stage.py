"""Prepare what is to be signed: metadata of a product's role, and the files that it names."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, TargetFile, Targets

from edge import atomic
from edge.errors import InputError, ThingNotFoundError
from edge.keys import request
from edge.keys.metadata import SPECIFICATION, expiry
from edge.keys.request import Request
from edge.keys.ring import Ring
from edge.repository import store
from edge.repository.store import PENDING, TARGET_FILES, Published
from edge_signing.errors import FormatError
from edge_signing.trust import documents, offline, roots
from edge_signing.trust.names import TARGETS, check_target_path

Addition = tuple[bytes, Mapping[str, Any]]


def stage(
    folder: Path,
    ring: Ring,
    product: str,
    add: Mapping[str, Addition],
    remove: Collection[str],
    *,
    now: datetime,
) -> Request:
    """Write to `pending/` what is to be signed, and return it; see `Repository.stage`."""
    delegator = ring.targets()
    role = offline.role_for(delegator.signed, product)
    found = store.verified(store.published(folder), ring.trusted_root())
    pending = pending_request(folder)
    before = found.role(role.name)
    name = f"{role.name}.json"
    targets = _targets_before(pending, name, before)
    for path in remove:
        _check_product(path, product)
        if targets.pop(path, None) is None:
            raise ThingNotFoundError(f"{path}: not released")
    for path, (data, custom) in add.items():
        _check_product(path, product)
        targets[path] = _added(path, data, custom, targets.get(path))
        _store(folder, path, data)
    signed = Targets(
        version=before.signed.version + 1 if before else 1,
        spec_version=SPECIFICATION,
        expires=expiry(ring, role.name, now),
        targets=targets,
    )
    unsigned = documents.to_bytes(Metadata(signed))
    sign = {**(pending.sign if pending else {}), name: unsigned}
    made = Request(sign, _current(ring, found, sign))
    request.write(made, folder / PENDING / request.FILE)
    return made


def pending_request(folder: Path) -> Request | None:
    """Return what waits for signatures, if anything does."""
    file = folder / PENDING / request.FILE
    return request.read(file) if file.is_file() else None


def _targets_before(
    pending: Request | None, name: str, before: Metadata[Targets] | None
) -> dict[str, TargetFile]:
    if pending and name in pending.sign:
        return dict(documents.read(pending.sign[name], Targets, name).signed.targets)
    return dict(before.signed.targets) if before else {}


def _current(ring: Ring, found: Published, sign: Mapping[str, bytes]) -> dict[str, bytes]:
    root = ring.root()
    current = {
        roots.file_name(root.signed.version): documents.to_bytes(root),
        f"{TARGETS}.json": documents.to_bytes(ring.targets()),
    }
    for name in sign:
        data = found.roles.get(name.removesuffix(".json"))
        if data is not None:
            current[name] = data
    return current


def _added(
    path: str, data: bytes, custom: Mapping[str, Any], known: TargetFile | None
) -> TargetFile:
    digest = hashlib.sha256(data).hexdigest()
    if known is not None and known.hashes != {"sha256": digest}:
        raise InputError(
            f"{path}: released already, with other bytes",
            hint="give the release another version, or remove the old one first",
        )
    fields = {"custom": dict(custom)} if custom else {}
    return TargetFile(len(data), {"sha256": digest}, path, fields)


def _check_product(path: str, product: str) -> None:
    try:
        check_target_path(path)
    except FormatError as error:
        raise InputError(str(error)) from error
    if not path.startswith(f"{product}/"):
        raise InputError(f"{path}: not of the product {product}")


def _store(folder: Path, path: str, data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    place = folder / PENDING / TARGET_FILES / store.target_file(path, digest)
    with atomic.file(place) as stream:
        stream.write(data)
