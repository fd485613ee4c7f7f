"""Read bundles (`.edge`): the one file that a device can verify by itself.

Every byte is accounted for: the header is fixed, the metadata section has its hash there, what is
in it is signed or named by what is signed, and the payload section is nothing but the blobs of the
payloads whose tables are there, one after the other. Everything else is refused.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Final

from edge_signing.errors import FormatError, TrustError
from edge_signing.formats.bundle import (
    HEADER_BYTES,
    METADATA,
    TABLES,
    TARGETS,
    Header,
    MetadataSection,
)
from edge_signing.release import RELEASE_FILE, PatchSet, Payload, Release
from edge_signing.sbom import MOST_BYTES, is_sbom, sbom_path
from edge_signing.trust import offline
from edge_signing.trust.sighting import UNSEEN, Sighting

_PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Offer:
    """A payload that a bundle brings, and where its blob begins in the file."""

    payload: Payload
    table: bytes
    offset_bytes: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a device knows before it reads a bundle.

    Attributes:
        trusted_root: The newest root metadata that it trusts.
        now: The clock, or the latest time that is known to have passed if that is later.
        board: Its kind; None asks for none (a host that only looks).
        counter: The highest rollback counter that it has seen.
        running_counter: That of the system that runs; None if unknown.
        targets: The floor of `targets.json`.
    """

    trusted_root: bytes
    now: datetime
    board: str | None = None
    counter: int = 0
    running_counter: int | None = None
    targets: Sighting = UNSEEN


@dataclass(frozen=True, slots=True)
class Contents:
    """What a bundle says, verified or not: its release and all that it brings.

    Attributes:
        sbom: The SBOM of the release, if the bundle brings it; not read here.
    """

    release: Release
    patches: tuple[PatchSet, ...]
    offers: tuple[Offer, ...]
    sbom: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle whose documents are trusted; the stored units are checked when they are read."""

    contents: Contents
    trust: offline.OfflineTrust


@dataclass(frozen=True, slots=True)
class Bundle:
    """An open bundle; the caller keeps `stream` open. One handle is used from first to last byte.

    Attributes:
        files: The metadata section, by name; not trusted by itself.
    """

    stream: BinaryIO = field(repr=False)
    header: Header
    files: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def open(cls, stream: BinaryIO) -> "Bundle":
        """Return the bundle in `stream`, whose sections have the lengths that they should.

        Raises:
            FormatError: It is no bundle, damaged, cut short, or followed by more.
        """
        stream.seek(0)
        header = Header.unpack(stream.read(HEADER_BYTES))
        due = HEADER_BYTES + header.metadata_bytes + header.payload_bytes
        found = stream.seek(0, os.SEEK_END)
        if found != due:
            raise FormatError(f"bundle: {found} bytes where the header says {due}")
        stream.seek(HEADER_BYTES)
        section = stream.read(header.metadata_bytes)
        if hashlib.sha256(section).digest() != header.metadata_sha256:
            raise FormatError("bundle: the metadata section is damaged")
        return cls(stream, header, MetadataSection.unpack(section).files())

    def contents(self) -> Contents:
        """Return what the bundle says, without asking whether it is signed.

        Raises:
            FormatError: A document or table is missing, unasked for, or wrong.
        """
        documents = _below(self.files, TARGETS)
        tables = {bytes.fromhex(name): data for name, data in _below(self.files, TABLES).items()}
        release, patches = _documents(documents)
        payloads = [*release.payloads, *(one for each in patches for one in each.payloads)]
        offers: list[Offer] = []
        offset = HEADER_BYTES + self.header.metadata_bytes
        for payload in payloads:
            table = tables.get(payload.table.sha256)
            if table is None:
                continue
            _require_table(payload, table)
            offers.append(Offer(payload, table, offset))
            offset += payload.blob.length_bytes
        unasked = set(tables) - {offer.payload.table.sha256 for offer in offers}
        if unasked:
            raise FormatError(f"bundle: table {min(unasked).hex()} is named by no document")
        if offset != HEADER_BYTES + self.header.metadata_bytes + self.header.payload_bytes:
            raise FormatError("bundle: the payload section is not the blobs of its payloads")
        if not offers:
            raise FormatError("bundle: it brings no payload")
        return Contents(release, patches, tuple(offers), _sbom(release, documents))

    def verified(self, anchor: Anchor) -> Verified:
        """Return what the bundle says, signed by whom the anchor trusts and meant for it.

        Raises:
            TrustError: It is not trusted, too old, or for another board.
            FormatError: It is not in this format.
        """
        trust = verified_documents(self.files, anchor)
        contents = self.contents()
        require_allowed(contents.release, anchor)
        return Verified(contents, trust)

    def fetch(self, offer: Offer, offset: int, length: int) -> bytes:
        """Return bytes of the blob of a payload; fewer only at its end."""
        length = min(length, offer.payload.blob.length_bytes - offset)
        self.stream.seek(offer.offset_bytes + offset)
        return self.stream.read(max(length, 0))

    def check_blob(self, offer: Offer) -> None:
        """See to it that a blob is the bytes that were signed.

        Raises:
            TrustError: It is not.
        """
        sha256 = hashlib.sha256()
        for offset in range(0, offer.payload.blob.length_bytes, _PIECE_BYTES):
            sha256.update(self.fetch(offer, offset, _PIECE_BYTES))
        if sha256.digest() != offer.payload.blob.sha256:
            name = f"{offer.payload.partition} {offer.payload.kind}"
            raise TrustError(f"payload {name}: not the bytes that were signed")


def verified_documents(files: Mapping[str, bytes], anchor: Anchor) -> offline.OfflineTrust:
    """See to it that all documents of a metadata section are signed by whom an anchor trusts.

    Raises:
        TrustError: One is not, or the metadata is not trusted or too old.
        FormatError: It is not in this format.
    """
    documents = _below(files, TARGETS)
    products = {path.partition("/")[0] for path in documents}
    if len(products) != 1:
        raise FormatError("bundle: its documents are not of one product")
    trust = offline.verify(
        _below(files, METADATA),
        trusted_root=anchor.trusted_root,
        product=products.pop(),
        now=anchor.now,
        floor=anchor.targets,
    )
    for path, document in documents.items():
        target = trust.targets.get(path)
        if target is None:
            raise TrustError(f"{path}: not signed")
        digest = hashlib.sha256(document).digest()
        if len(document) != target.length_bytes or digest.hex() != target.sha256:
            raise TrustError(f"{path}: not the bytes that were signed")
    return trust


def require_allowed(release: Release, anchor: Anchor) -> None:
    """See to it that a trusted release may be installed here.

    Raises:
        TrustError: It is for another board, older than what was seen, or needs a step between.
    """
    name = f"{release.product} {release.version}"
    if anchor.board is not None and anchor.board not in release.boards:
        raise TrustError(f"{name} is for {', '.join(release.boards)}, not for {anchor.board}")
    if release.counter < anchor.counter:
        raise TrustError(
            f"{name}: its rollback counter is {release.counter}, below {anchor.counter}"
        )
    if anchor.running_counter is not None and anchor.running_counter < release.from_counter:
        raise TrustError(
            f"{name} cannot be installed over a system with counter {anchor.running_counter}",
            hint=f"install a release with a counter of at least {release.from_counter} before",
        )


def _below(files: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    return {name[len(prefix) :]: data for name, data in files.items() if name.startswith(prefix)}


def _documents(documents: Mapping[str, bytes]) -> tuple[Release, tuple[PatchSet, ...]]:
    releases = [path for path in documents if path.rpartition("/")[2] == RELEASE_FILE]
    if len(releases) != 1:
        raise FormatError(f"bundle: {len(releases)} releases where one is due")
    release = Release.unpack(documents[releases[0]])
    _require_place(release.path, releases[0])
    patches = []
    for path in sorted(set(documents) - set(releases)):
        if is_sbom(path):
            continue
        found = PatchSet.unpack(documents[path])
        _require_place(found.path, path)
        if (found.product, found.version) != (release.product, release.version):
            raise FormatError(f"{path}: not patches to {release.path}")
        patches.append(found)
    return release, tuple(patches)


def _sbom(release: Release, documents: Mapping[str, bytes]) -> bytes | None:
    due = sbom_path(release.product, release.version)
    for path in documents:
        if is_sbom(path) and path != due:
            raise FormatError(f"{path}: not of {release.path}")
    sbom = documents.get(due)
    if sbom is not None and len(sbom) > MOST_BYTES:
        raise FormatError(f"{due}: {len(sbom)} bytes, more than {MOST_BYTES}")
    return sbom


def _require_place(due: str, found: str) -> None:
    if due != found:
        raise FormatError(f"{found}: the document says that it is {due}")


def _require_table(payload: Payload, table: bytes) -> None:
    right = hashlib.sha256(table).digest() == payload.table.sha256
    if not right or len(table) != payload.table.length_bytes:
        raise TrustError(
            f"payload {payload.partition} {payload.kind}: not the table that was signed"
        )
