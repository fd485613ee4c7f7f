"""Put what was signed in force: check all of it, sign snapshot and timestamp, write timestamp last.

Files that are published are never changed, but for timestamp.json; it is written last, so that a
power cut leaves the old state or the new one. Only when the keys of targets, snapshot or timestamp
were rotated, a cut between the last two writes leaves a root that the old timestamp is not signed
under: clients then refuse, and take nothing wrong, until `publish` is run again.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)

from edge import atomic
from edge.errors import EdgeError, RefusedError
from edge.keys import metadata
from edge.keys.metadata import SPECIFICATION, expiry
from edge.keys.request import Request
from edge.keys.ring import Ring
from edge.keys.roles import delegations
from edge.keys.secrets import Secrets
from edge.repository import store
from edge.repository.store import METADATA, PENDING, TARGET_FILES, TIMESTAMP_FILE, Published
from edge_signing.errors import TrustError
from edge_signing.sbom import is_sbom
from edge_signing.trust import documents, offline, signatures
from edge_signing.trust.documents import T
from edge_signing.trust.names import SNAPSHOT, TARGETS, TIMESTAMP


def publish(
    folder: Path, ring: Ring, waiting: Request | None, *, now: datetime, ask: Secrets
) -> Published:
    """Publish what waits, if it is signed; return what is published then.

    Raises:
        TrustError: A threshold is not reached, something is expired or of a wrong version.
        RefusedError: A role must be signed anew, or online keys are not here.
        ThingNotFoundError: The file of a target is not there.
        UntrustedError: The repository or a file of a target was changed by somebody else.
    """
    before = store.verified(store.published(folder), ring.trusted_root())
    root, targets = ring.root(), ring.targets()
    _check_ring(ring, before)
    for name, one in (("root", root.signed), ("targets.json", targets.signed)):
        signatures.check_expiry(one, now, name)
    _check_version(before.role(TARGETS), targets, "targets.json")
    roles = {TARGETS: targets}
    for name in delegations(ring.products):
        role = _role(name, waiting, before, targets, now)
        if role is not None:
            roles[name] = role
    files = _new_files(folder, targets, roles)
    bodies = {name: documents.to_bytes(one) for name, one in roles.items()}
    snapshot = _snapshot(ring, roles, bodies, before, now)
    bodies[SNAPSHOT] = _signed(ring, root, SNAPSHOT, snapshot, ask)
    timestamp = _timestamp(ring, snapshot, bodies[SNAPSHOT], before, now)
    bodies[TIMESTAMP] = _signed(ring, root, TIMESTAMP, timestamp, ask)
    versions = {name: one.signed.version for name, one in roles.items()}
    versions[SNAPSHOT] = snapshot.signed.version
    _write(folder, files, ring.chain(), versions, bodies)
    return store.published(folder)


def _check_ring(ring: Ring, before: Published) -> None:
    """Refuse a copy of a ring that has missed a rotation."""
    chain = ring.chain()
    if unknown := [name for name, data in before.roots.items() if chain.get(name) != data]:
        raise RefusedError(
            f"{min(unknown)} is published, and the key ring {ring.folder} does not have it",
            hint="this is an old copy of the key ring: use the one of the last rotation",
        )


def _role(
    name: str,
    waiting: Request | None,
    before: Published,
    targets: Metadata[Targets],
    now: datetime,
) -> Metadata[Targets] | None:
    """Return the metadata of a role that is to be in force, verified."""
    place = f"{name}.json"
    old = before.role(name)
    if waiting is not None and place in waiting.sign:
        new = documents.read(waiting.sign[place], Targets, place)
        signatures.verify((targets.signed,), name, new, place)
        _check_version(old, new, place)
    elif old is not None:
        new = old
        _check_current(name, new, targets)
    else:
        return None
    signatures.check_expiry(new.signed, now, place)
    return new


def _check_current(name: str, role: Metadata[Targets], targets: Metadata[Targets]) -> None:
    try:
        signatures.verify((targets.signed,), name, role, f"{name}.json")
    except TrustError as error:
        raise RefusedError(
            f"{name}: its keys were rotated, and its releases are still signed by the old ones",
            hint="stage them anew (edge release add, or resign), and sign them",
        ) from error


def _check_version(old: Metadata[Targets] | None, new: Metadata[Targets], place: str) -> None:
    if old is None or documents.to_bytes(old) == documents.to_bytes(new):
        return
    if new.signed.version <= old.signed.version:
        raise TrustError(
            f"{place}: version {new.signed.version} does not come after {old.signed.version},"
            " which is published"
        )


def _new_files(
    folder: Path, targets: Metadata[Targets], roles: Mapping[str, Metadata[Targets]]
) -> dict[str, bytes]:
    """Return the files of targets that are not published yet; all others are checked.

    An SBOM that is not at hand keeps nothing from being published: no device asks for it.
    """
    found: dict[str, bytes] = {}
    given = (targets.signed.delegations.roles if targets.signed.delegations else None) or {}
    for name, role in roles.items():
        if name == TARGETS:
            continue
        for path, target in offline.targets_of(given[name], role.signed).items():
            file = store.target_file(path, target.sha256)
            if (folder / TARGET_FILES / file).is_file():
                store.read_target(folder / TARGET_FILES, target)
            elif not is_sbom(path) or (folder / PENDING / TARGET_FILES / file).is_file():
                found[file] = store.read_target(folder / PENDING / TARGET_FILES, target)
    return found


def _snapshot(
    ring: Ring,
    roles: Mapping[str, Metadata[Targets]],
    bodies: Mapping[str, bytes],
    before: Published,
    now: datetime,
) -> Metadata[Snapshot]:
    meta = {
        f"{name}.json": MetaFile.from_data(one.signed.version, bodies[name], ["sha256"])
        for name, one in roles.items()
    }
    version = before.snapshot.signed.version + 1 if before.snapshot else 1
    return Metadata(Snapshot(version, SPECIFICATION, expiry(ring, SNAPSHOT, now), meta))


def _timestamp(
    ring: Ring, snapshot: Metadata[Snapshot], body: bytes, before: Published, now: datetime
) -> Metadata[Timestamp]:
    meta = MetaFile.from_data(snapshot.signed.version, body, ["sha256"])
    version = before.timestamp.signed.version + 1 if before.timestamp else 1
    return Metadata(Timestamp(version, SPECIFICATION, expiry(ring, TIMESTAMP, now), meta))


def _signed(
    ring: Ring, root: Metadata[Root], role: str, unsigned: Metadata[T], ask: Secrets
) -> bytes:
    for signer in ring.signers_for(root.signed, role, ask):
        metadata.sign(unsigned, signer)
    try:
        signatures.verify((root.signed,), role, unsigned, f"{role}.json")
    except TrustError as error:
        raise RefusedError(
            f"the keys of {role} are not here, and every publication needs them",
            hint=f"edge keys list --dir {ring.folder}",
        ) from error
    return documents.to_bytes(unsigned)


def _write(
    folder: Path,
    files: Mapping[str, bytes],
    chain: Mapping[str, bytes],
    versions: Mapping[str, int],
    bodies: Mapping[str, bytes],
) -> None:
    place = folder / METADATA
    for name, data in files.items():
        _put(folder / TARGET_FILES / name, data)
    for role, version in versions.items():
        _put(place / store.file_name(role, version), bodies[role])
    for name, data in chain.items():
        _put(place / name, data)
    _put(place / TIMESTAMP_FILE, bodies[TIMESTAMP])


def _put(path: Path, data: bytes) -> None:
    if path.is_file() and path.read_bytes() == data:
        return
    try:
        with atomic.file(path) as stream:
            stream.write(data)
    except OSError as error:
        raise EdgeError(f"{path}: {error.strerror or error}") from error
