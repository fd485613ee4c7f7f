"""Verify `disk.edge`, the signature of a disk image: what `edge.release.disk` writes."""

import hashlib
from datetime import datetime

from edge.errors import InputError, UntrustedError
from edge_signing.disk import DiskImage
from edge_signing.errors import FormatError, SigningError
from edge_signing.formats.bundle import HEADER_BYTES, METADATA, TARGETS, Header, MetadataSection
from edge_signing.trust import offline


def verified(
    signature: bytes, block_map: bytes, *, trusted_root: bytes, now: datetime
) -> DiskImage:
    """Return the disk image that a signature vouches for, whose block map is the one given.

    Args:
        signature: The bytes of `disk.edge`.
        block_map: The bytes of `disk.img.bmap`.
        trusted_root: Root metadata.
        now: The time in UTC.

    Raises:
        UntrustedError: It is not signed by whom the root trusts, or for another block map.
        InputError: The signature is no such file.
    """
    try:
        documents, metadata = _sections(signature)
        ((path, document),) = documents.items()
        disk = DiskImage.unpack(document)
        trust = offline.verify(metadata, trusted_root=trusted_root, product=disk.product, now=now)
    except (FormatError, ValueError) as error:
        raise InputError(f"disk.edge: {error}", hint="build again") from error
    except SigningError as error:
        raise UntrustedError(f"disk.edge: {error}") from error
    target = trust.targets.get(disk.path)
    if target is None or path != disk.path or target.sha256 != _hex(document):
        raise UntrustedError(f"disk.edge: {path} is not signed")
    if hashlib.sha256(block_map).digest() != disk.block_map.sha256:
        raise UntrustedError(
            f"the block map is not the one of {disk.product} {disk.version} that was signed",
            hint="image, map and signature belong together: take all three from one build",
        )
    return disk


def _sections(signature: bytes) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the one document, and the metadata.

    Raises:
        FormatError: It has other parts.
    """
    header = Header.unpack(signature[:HEADER_BYTES])
    section = signature[HEADER_BYTES:]
    if header.payload_bytes or len(section) != header.metadata_bytes:
        raise FormatError("not the signature of a disk image")
    if hashlib.sha256(section).digest() != header.metadata_sha256:
        raise FormatError("it is damaged")
    files = MetadataSection.unpack(section).files()
    documents = {
        name.removeprefix(TARGETS): data for name, data in files.items() if name.startswith(TARGETS)
    }
    metadata = {
        name.removeprefix(METADATA): data
        for name, data in files.items()
        if name.startswith(METADATA)
    }
    if len(documents) != 1 or len(documents) + len(metadata) != len(files):
        raise FormatError("not the signature of one disk image")
    return documents, metadata


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
