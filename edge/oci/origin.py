"""Where the blobs of one image come from, and how they come into the store.

The rule: what is in the store was checked against its digest and its size before; a document is
read from the store again, so that a build needs nothing but the store and the pin.
"""

from dataclasses import dataclass
from typing import Protocol

from edge import digest
from edge.errors import InputError, RefusedError, ThingNotFoundError, UntrustedError
from edge.oci.document import (
    Descriptor,
    Manifest,
    choose,
    parse_config,
    parse_document,
    require_size,
)
from edge.oci.limits import STANDARD, Limits
from edge.oci.store import Store
from edge.progress import SILENT, Progress, Task
from edge.system.lock import LockedImage


@dataclass(frozen=True, slots=True)
class Document:
    """An index or a manifest as it came; `media_type` is what was said of it, if anything."""

    data: bytes
    media_type: str | None = None

    @property
    def digest(self) -> str:
        """Return its digest."""
        return digest.of_bytes(self.data)


class Origin(Protocol):
    """A place that has an image."""

    @property
    def name(self) -> str:
        """What errors call the image."""

    def top(self, architecture: str) -> Document:
        """Return what the reference names, an index or a manifest."""

    def document(self, digest: str) -> Document:
        """Return an index or a manifest by its digest, checked."""

    def bring(self, blob: Descriptor, store: Store, task: Task) -> None:
        """Bring a blob into the store, checked; `task` hears of its bytes."""


def resolve(
    origin: Origin, store: Store, *, architecture: str = "arm64", limits: Limits = STANDARD
) -> LockedImage:
    """Return which image a place has for an architecture; its documents are in the store.

    Raises:
        ThingNotFoundError: There is none, or none for the architecture.
        UntrustedError: A document is not what its digest or size says.
        RefusedError: A document can be read in two ways, or leads nowhere.
        InputError: It is of a kind that is not read.
    """
    found, index = origin.top(architecture), None
    for _ in range(limits.documents):
        parsed = parse_document(found.data, origin.name, limits, media_type=found.media_type)
        named = store.add_bytes(found.data)
        if isinstance(parsed, Manifest):
            layers = tuple(layer.digest for layer in parsed.layers)
            return LockedImage(index, named, layers)
        index = index or named
        chosen = choose(parsed, architecture, origin.name)
        found = origin.document(chosen.digest)
        require_size(chosen, len(found.data), origin.name)
    raise RefusedError(f"{origin.name}: indexes in indexes, {limits.documents} deep")


def bring(
    image: LockedImage,
    name: str,
    origin: Origin | None,
    store: Store,
    progress: Progress = SILENT,
    *,
    architecture: str = "arm64",
    limits: Limits = STANDARD,
) -> None:
    """Have all of an image in the store.

    Args:
        image: The pin.
        name: What errors call it.
        origin: Where it comes from; None forbids to fetch.
        store: Where it goes.
        progress: Told how far it is.
        architecture: What its configuration must be for; asked before any layer is fetched.
        limits: The bounds of an image.

    Raises:
        InputError: It is for another machine, or something is missing and may not be fetched.
        UntrustedError: A blob is not what its digest or size says, or the pin names other layers.
    """
    manifest = _manifest(image, name, origin, store, limits)
    if tuple(layer.digest for layer in manifest.layers) != image.layers:
        raise UntrustedError(
            f"{name}: the lock names other layers than its manifest {image.manifest}",
            hint="run `edge lock --update`",
        )
    if manifest.config.size_bytes > limits.document_bytes:
        raise RefusedError(f"{name}: a configuration of {manifest.config.size_bytes} bytes")
    _bring([manifest.config], name, origin, store, SILENT)
    parse_config(store.read(manifest.config.digest), manifest, name, architecture)
    _bring(list(manifest.layers), name, origin, store, progress)


def _manifest(
    image: LockedImage, name: str, origin: Origin | None, store: Store, limits: Limits
) -> Manifest:
    if not store.has(image.manifest):
        if origin is None:
            raise _missing(name, [image.manifest])
        store.add_bytes(origin.document(image.manifest).data)
    return stored_manifest(image.manifest, name, store, limits)


def stored_manifest(named: str, name: str, store: Store, limits: Limits = STANDARD) -> Manifest:
    """Return a manifest of the store.

    Raises:
        InputError: It is something else.
    """
    found = parse_document(store.read(named), name, limits)
    if not isinstance(found, Manifest):
        raise InputError(f"{name}: {named} is an index, not an image")
    return found


def _bring(
    blobs: list[Descriptor], name: str, origin: Origin | None, store: Store, progress: Progress
) -> None:
    missing = [blob for blob in blobs if not store.has(blob.digest)]
    if missing and origin is None:
        raise _missing(name, [blob.digest for blob in missing])
    if origin is not None and missing:
        total_bytes = sum(blob.size_bytes for blob in missing)
        with progress.task(f"fetch {name}", total=total_bytes, unit="B") as task:
            for blob in {blob.digest: blob for blob in missing}.values():
                origin.bring(blob, store, task)
    for blob in blobs:
        require_size(blob, store.path(blob.digest).stat().st_size, name)


def _missing(name: str, digests: list[str]) -> ThingNotFoundError:
    return ThingNotFoundError(
        f"{name}: not in the store: {', '.join(digests)}", hint="build once without --offline"
    )
