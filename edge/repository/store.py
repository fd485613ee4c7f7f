"""Where the files of a repository lie, and what is published in it.

    metadata/timestamp.json                       the one file that changes; all else is named by it
    metadata/<n>.{root,targets,snapshot,<role>}.json
    targets/<product>/<version>/<sha256>.<name>
    pending/                                      what is to be signed; not for devices

Source: TUF specification 1.0.31, §6.2 (consistent snapshots).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tuf.api.metadata import Metadata, Snapshot, Targets, Timestamp

from edge.errors import ThingNotFoundError, UntrustedError
from edge_signing.errors import SigningError
from edge_signing.trust import documents, roots, signatures
from edge_signing.trust.names import SNAPSHOT, TARGETS
from edge_signing.trust.offline import Target

METADATA: Final = "metadata"
TARGET_FILES: Final = "targets"
PENDING: Final = "pending"
TIMESTAMP_FILE: Final = "timestamp.json"
_SUFFIX: Final = ".json"


@dataclass(frozen=True, slots=True)
class Published:
    """What a repository offers now; all empty before the first time.

    Attributes:
        roots: All roots by file name.
        timestamp: The content of timestamp.json.
        snapshot: The content of the snapshot that it names.
        roles: The bytes of targets.json and of each delegated role's metadata, by role.
    """

    roots: Mapping[str, bytes] = field(default_factory=dict)
    timestamp: Metadata[Timestamp] | None = None
    snapshot: Metadata[Snapshot] | None = None
    roles: Mapping[str, bytes] = field(default_factory=dict)

    def role(self, name: str) -> Metadata[Targets] | None:
        """Return the metadata of a role, if there is some."""
        data = self.roles.get(name)
        return None if data is None else documents.read(data, Targets, f"{name}{_SUFFIX}")


def published(folder: Path) -> Published:
    """Return what a repository offers, with hashes checked, signatures not.

    Raises:
        ThingNotFoundError: A file that another one names is not there.
        SigningError: A file is not what another one says.
    """
    place = folder / METADATA
    chain = {path.name: path.read_bytes() for path in place.glob("*.root.json")}
    chain = {name: data for name, data in chain.items() if roots.NAME.fullmatch(name)}
    if not (place / TIMESTAMP_FILE).is_file():
        return Published(roots=chain)
    data = (place / TIMESTAMP_FILE).read_bytes()
    timestamp = documents.read(data, Timestamp, TIMESTAMP_FILE)
    version = timestamp.signed.snapshot_meta.version
    snapshot_data = _bytes(place / file_name(SNAPSHOT, version))
    _check(timestamp.signed.snapshot_meta.hashes, snapshot_data, file_name(SNAPSHOT, version))
    snapshot = documents.read(snapshot_data, Snapshot, SNAPSHOT)
    found = {}
    for name, meta in snapshot.signed.meta.items():
        role = name.removesuffix(_SUFFIX)
        found[role] = _bytes(place / file_name(role, meta.version))
        _check(meta.hashes, found[role], name)
    return Published(chain, timestamp, snapshot, found)


def verified(found: Published, trusted_root: bytes) -> Published:
    """Return what is published, if its targets and roles are signed under the trusted root.

    Raises:
        SigningError: They are not: somebody else wrote into the repository.
    """
    if found.snapshot is None:
        return found
    roots.follow(trusted_root, found.roots)
    targets = found.role(TARGETS)
    if targets is None:
        raise UntrustedError("the snapshot names no targets.json")
    # After a power cut in a rotation the newest root may be one ahead of the rest.
    chain = sorted(found.roots, key=lambda name: -int(name.partition(".")[0]))
    _check_any_root([found.roots[name] for name in chain], targets)
    for name in set(found.roles) - {TARGETS}:
        role = found.role(name)
        if role is not None:
            signatures.verify((targets.signed,), name, role, f"{name}{_SUFFIX}")
    return found


def file_name(role: str, version: int) -> str:
    """Return the name of a metadata file."""
    return f"{version}.{role}{_SUFFIX}"


def target_file(path: str, sha256: str) -> str:
    """Return where a target lies below `targets/`: its hash is ahead of its name."""
    folder, _slash, name = path.rpartition("/")
    return f"{folder}/{sha256}.{name}"


def read_target(folder: Path, target: Target) -> bytes:
    """Return the bytes of a target.

    Raises:
        ThingNotFoundError: It is not there.
        UntrustedError: It is other bytes than were signed for.
    """
    data = _bytes(folder / target_file(target.path, target.sha256))
    if (len(data), hashlib.sha256(data).hexdigest()) != (target.length_bytes, target.sha256):
        raise UntrustedError(f"{target.path}: other bytes than were signed for")
    return data


def _check_any_root(chain: list[bytes], targets: Metadata[Targets]) -> None:
    error: SigningError | None = None
    for data in chain:
        root = roots.trusted(data, "root").signed
        try:
            signatures.verify((root,), TARGETS, targets, "targets.json")
        except SigningError as reason:
            error = error or reason
        else:
            return
    raise error or UntrustedError("the repository has no root")


def _check(hashes: Mapping[str, str] | None, data: bytes, name: str) -> None:
    if (hashes or {}).get("sha256") != hashlib.sha256(data).hexdigest():
        raise UntrustedError(f"{name}: other bytes than its snapshot or timestamp says")


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise ThingNotFoundError(f"{path}: not there")
    return path.read_bytes()
