"""A bundle as the source of an update: what it says is verified, and its blobs come from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from edge_agent.errors import AgentError
from edge_agent.payload.bundle import Anchor, Bundle, Offer, Verified
from edge_signing.errors import FormatError
from edge_signing.release import Content, Payload, Release


class FileLinkError(AgentError):
    """A bundle can not be opened or read."""


@dataclass(slots=True)
class BundleBlobs:
    """Tables and blobs of a verified bundle, `payload.acquire.Blobs`."""

    bundle: Bundle
    tables: Mapping[bytes, bytes] = field(repr=False)
    offers: Mapping[bytes, Offer] = field(repr=False)

    def fetch(self, content: Content, offset_bytes: int, length_bytes: int) -> bytes:
        """Return bytes of a table or blob; fewer only if it ends early.

        Raises:
            FormatError: The bundle does not bring it.
            FileLinkError: It can not be read.
        """
        table = self.tables.get(content.sha256)
        if table is not None:
            return table[offset_bytes : offset_bytes + length_bytes]
        offer = self.offers.get(content.sha256)
        if offer is None or offer.payload.blob != content:
            raise FormatError(f"bundle: it does not bring {content.sha256.hex()}")
        try:
            return self.bundle.fetch(offer, offset_bytes, length_bytes)
        except OSError as error:
            raise FileLinkError(f"bundle: {error.strerror}") from error


@dataclass(slots=True)
class BundleSource:
    """An open bundle file, the same handle from first to last byte; a context manager."""

    stream: BinaryIO
    bundle: Bundle

    @classmethod
    def open(cls, path: Path) -> "BundleSource":
        """Return the bundle in a file.

        Raises:
            FileLinkError: It can not be opened.
            FormatError: It is no bundle.
        """
        try:
            stream = path.open("rb")
        except OSError as error:
            raise FileLinkError(f"{path}: {error.strerror}") from error
        try:
            return cls(stream, Bundle.open(stream))
        except OSError as error:
            stream.close()
            raise FileLinkError(f"{path}: {error.strerror}") from error
        except BaseException:
            stream.close()
            raise

    def verified(self, anchor: Anchor) -> Verified:
        """Return what the bundle says, once it is trusted; see `Bundle.verified`."""
        return self.bundle.verified(anchor)

    def blobs(self, verified: Verified) -> BundleBlobs:
        """Return where the payloads of the bundle are fetched."""
        offers = verified.contents.offers
        return BundleBlobs(
            self.bundle,
            {offer.payload.table.sha256: offer.table for offer in offers},
            {offer.payload.blob.sha256: offer for offer in offers},
        )

    def close(self) -> None:
        """Close the file."""
        self.stream.close()

    def __enter__(self) -> "BundleSource":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def payloads(verified: Verified) -> tuple[Release, tuple[Payload, ...]]:
    """Return the release of a bundle and the payloads that it brings."""
    return verified.contents.release, tuple(one.payload for one in verified.contents.offers)
