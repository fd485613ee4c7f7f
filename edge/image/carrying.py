"""What of the store another machine needs to build the same: packages and images of others."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress

from edge.errors import ThingNotFoundError
from edge.oci.export import image_blobs
from edge.oci.store import Store
from edge.system.lock import Lock

Carried = tuple[dict[str, str], list[str]]


def named(locks: Sequence[Lock], store: Store) -> Carried:
    """Return the images of lock files by name, and all blobs that they name.

    Raises:
        ThingNotFoundError: The store lacks some of it.
    """
    images = {name: pin for lock in locks for name, pin in lock.images.items()}
    blobs = [package.digest for lock in locks for package in lock.packages.values()]
    for pin in images.values():
        blobs += [pin.index] if pin.index is not None else []
        blobs += image_blobs(pin.manifest, store)
    if missing := sorted(digest for digest in set(blobs) if not store.has(digest)):
        raise ThingNotFoundError(
            f"not in the store: {', '.join(missing)}", hint="fetch them first: edge lock"
        )
    return {name: pin.manifest for name, pin in images.items()}, blobs


def everything(store: Store) -> Carried:
    """Return all blobs but those that were made here, and can be again."""
    made = set(_made(store))
    return {}, [digest for digest in store.digests() if digest not in made]


def _made(store: Store) -> Iterator[str]:
    for result in store.remembered():
        yield result
        # Of a tree the index is remembered, and names the blob with its contents.
        with suppress(ValueError, AttributeError, ThingNotFoundError):
            yield str(json.loads(store.read(result)).get("blob", ""))
