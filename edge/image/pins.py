"""Which images a system asks for, and which bytes those are, as the lock file has it.

An image of a registry stays what it was until `edge lock --update`, even if its tag has moved. A
layout on this machine is looked at each time, as service folders are; where it is gone, the pin
still holds.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputError, ThingNotFoundError
from edge.oci.layout import LayoutOrigin
from edge.oci.origin import Origin, bring, resolve
from edge.oci.registry.endpoint import Registries
from edge.oci.store import Store
from edge.progress import Progress
from edge.system.lock import Lock, LockedImage, Stale
from edge.system.parts import Part
from edge.system.reference import LocalReference, Reference, RegistryReference, parse_reference

IMAGE = "image/"


@dataclass(frozen=True, slots=True)
class Terms:
    """What may happen: see `LockPolicy`. `update` None moves all images."""

    locked: bool
    offline: bool
    update: Iterable[str] | None
    registries: Registries


def references(parts: Iterable[Part]) -> tuple[Reference, ...]:
    """Return the images that parts name, each once, in the order in which they are named.

    Raises:
        InputError: One is no reference.
    """
    named = (part.image for part in parts if part.image is not None)
    return tuple(dict.fromkeys(parse_reference(text, Path.cwd()) for text in named))


def key(reference: Reference, lock_folder: Path) -> str:
    """Return the name of an image in the lock: paths are relative to the lock's folder."""
    if isinstance(reference, RegistryReference):
        return str(reference)
    path = os.path.relpath(reference.path.resolve(), lock_folder.resolve())
    return str(LocalReference(Path(path), reference.tag, reference.is_archive))


def items(wanted: Sequence[Reference], lock_folder: Path) -> dict[str, Reference]:
    """Return images by their names in the lock."""
    return {key(one, lock_folder): one for one in wanted}


def stale(lock: Lock | None, wanted: Mapping[str, Reference]) -> list[Stale]:
    """Return the images that the lock does not have."""
    known = lock.images if lock else {}
    return [Stale(f"{IMAGE}{name}", "not in the lock") for name in wanted if name not in known]


def pin(
    lock: Lock | None,
    wanted: Mapping[str, Reference],
    terms: Terms,
    store: Store,
    progress: Progress,
) -> dict[str, LockedImage]:
    """Return the pins of all images, with all of each in the store.

    Raises:
        EdgeError: An image is not to be had, is not what its digest says, or may not change.
    """
    found = {}
    for name, reference in wanted.items():
        known = lock.images.get(name) if lock else None
        origin = _origin(reference, terms, progress)
        chosen = _chosen(name, known, reference, origin, terms, store)
        bring(chosen, name, origin, store, progress)
        if known is not None and chosen != known:
            progress.note(f"{name}: was {known.manifest}, is {chosen.manifest}")
        found[name] = chosen
    return found


def _chosen(
    name: str,
    known: LockedImage | None,
    reference: Reference,
    origin: Origin | None,
    terms: Terms,
    store: Store,
) -> LockedImage:
    is_local = isinstance(reference, LocalReference)
    if known is not None and (origin is None or not (is_local or _moves(name, terms))):
        return known
    if origin is None:
        if is_local:
            raise ThingNotFoundError(f"{reference}: not there, and not in the lock")
        raise InputError(
            f"{name}: not in the lock, and --offline forbids to look it up",
            hint="build once without --offline",
        )
    now = resolve(origin, store)
    if terms.locked and now != known:
        raise InputError(
            f"{name}: is {now.manifest}, not what the lock has, and --locked forbids to change it",
            hint="build once without --locked, or run `edge lock`, and keep the new lock",
        )
    return now


def _moves(name: str, terms: Terms) -> bool:
    return terms.update is None or f"{IMAGE}{name}" in terms.update


def _origin(reference: Reference, terms: Terms, progress: Progress) -> Origin | None:
    """Return where an image is; None where nothing may or can be asked."""
    if isinstance(reference, LocalReference):
        return LayoutOrigin(reference) if reference.path.exists() else None
    if terms.offline:
        return None
    from edge.oci.registry.registry import RegistryOrigin  # HTTP and TLS: not for layouts

    return RegistryOrigin(reference, terms.registries, progress=progress)
