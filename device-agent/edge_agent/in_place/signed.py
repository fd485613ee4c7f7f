"""The signed documents of one service's release, as they are kept beside its image.

They are the metadata section of a bundle without tables: TUF metadata and the release document.
Nothing in them is trusted because it is there; `release_of` verifies all of it each time.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from edge_agent.payload.bundle import Anchor, require_allowed, verified_documents
from edge_signing.errors import FormatError
from edge_signing.formats.bundle import METADATA, TARGETS, MetadataSection
from edge_signing.release import Release

# What was committed goes on when its signatures expire, as a system does. Keys that were replaced
# count all the same: the floor of targets.json sees to that.
BEFORE_ANY_EXPIRY: Final = datetime.fromtimestamp(0, UTC)


def pack(metadata: Mapping[str, bytes], release: Release, document: bytes) -> bytes:
    """Return what is kept of a release.

    Args:
        metadata: TUF metadata by file name: roots, `targets.json`, and the role.
        release: Which one.
        document: Its bytes, as they were signed.
    """
    named = {f"{METADATA}{name}": data for name, data in metadata.items()}
    return MetadataSection.of({**named, f"{TARGETS}{release.path}": document}).pack()


def release_of(data: bytes, anchor: Anchor) -> Release:
    """Return the release whose documents are kept, once it is trusted and allowed here.

    Raises:
        FormatError: They are damaged.
        TrustError: They are not signed by whom the anchor trusts, or not for it.
    """
    files = MetadataSection.unpack(data).files()
    documents = {
        name.removeprefix(TARGETS): one for name, one in files.items() if name.startswith(TARGETS)
    }
    if len(documents) != 1:
        raise FormatError(f"{len(documents)} documents are kept where one is due")
    verified_documents(files, anchor)
    ((path, document),) = documents.items()
    release = Release.unpack(document)
    if release.path != path or not release.service:
        raise FormatError(f"{path}: no release of a service of that name")
    require_allowed(release, anchor)
    return release
