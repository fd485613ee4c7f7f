"""Bring what a build needs into the store, as the lock file says: packages, then images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge import paths
from edge.board.model import Board
from edge.debian.archive import Archive, Package
from edge.debian.mirror import mirror
from edge.errors import InputError
from edge.oci.image import Image, service_image
from edge.oci.layout import read_image
from edge.oci.store import Store
from edge.progress import Progress
from edge.system import lock as locks
from edge.system.load import LoadedSystem
from edge.system.lock import Lock, Request
from edge.system.model import Kernel
from edge.system.parts import Part

SUITE = "trixie"
KERNEL = "kernel"


@dataclass(frozen=True, slots=True)
class LockPolicy:
    """What may happen to the lock file.

    `locked` forbids any change, `offline` forbids the network, `update` names items to move to the
    newest versions (None: all of them). `setting` is the mirror to use instead of the host's.
    """

    locked: bool = False
    offline: bool = False
    update: tuple[str, ...] | None = ()
    setting: str | None = None


def requests(system: LoadedSystem, board: Board) -> dict[str, Request]:
    """Return what each image asks the archive for, by the name of its item in the lock."""
    found = {KERNEL: Request((kernel_package(system.system.kernel, board),))}
    if board.packages:
        found[f"board/{board.name}"] = Request(board.packages)
    for part in system.parts:
        if part.folder is not None and part.folder.packaging.packages:
            packaging = part.folder.packaging
            found[item_of(part)] = Request(packaging.packages, packaging.without)
    return found


def kernel_package(kernel: Kernel, board: Board) -> str:
    """Return the package of the kernel: the system's wish, else the board's."""
    return kernel.package or board.kernel.package


def item_of(part: Part) -> str:
    """Return the name of a service folder's item in the lock."""
    if part.folder is None:
        raise InputError(f"{part.name}: an image has no packages")
    return f"service/{part.folder.name}"


def pin(
    wanted: Mapping[str, Request], file: Path, policy: LockPolicy, store: Store, progress: Progress
) -> Lock:
    """Return the lock for these requests, resolved where needed, all packages in the store.

    The lock file is written when it changed; items of other boards stay in it.

    Raises:
        InputError: The lock does not fit and may not change, or a package is not to be had.
        LinkError: The mirror cannot be reached.
        UntrustedError: A package has other bytes than its digest says.
    """
    old = locks.read(file) if file.exists() else None
    if policy.locked:
        locks.require_current(old, wanted, file=file)
    names = locks.to_resolve(old, wanted, update=policy.update)
    if policy.offline and names:
        raise InputError(
            f"{', '.join(names)}: not in the lock, and --offline forbids to look them up",
            hint="build once without --offline",
        )
    kept = {name: item.request for name, item in old.items.items()} if old else {}
    others = {name: request for name, request in kept.items() if name.startswith("board/")}
    archive = None if policy.offline else _archive(policy)
    resolved: dict[str, tuple[Package, ...]] = {}
    if names and archive is not None:
        progress.note("look up packages")
        archive.refresh()
        resolved = {
            name: archive.resolve(wanted[name].packages, without=wanted[name].without)
            for name in names
        }
    lock = locks.updated(old, {**others, **wanted}, resolved, suite=SUITE, architecture="arm64")
    used = {package.digest: package for name in wanted for package in lock.packages_of(name)}
    _bring(tuple(used.values()), archive, store, progress)
    if lock != old:
        locks.write(lock, file)
    return lock


def images(
    parts: Sequence[Part], lock: Lock, store: Store, progress: Progress
) -> tuple[tuple[Part, Image], ...]:
    """Return each part with its image; one whose inputs did not change comes from the store."""
    found = []
    with progress.task("make service images", total=len(parts), unit="images") as task:
        for part in parts:
            found.append((part, _image(part, lock, store)))
            task.advance()
    return tuple(found)


def _image(part: Part, lock: Lock, store: Store) -> Image:
    if part.folder is None:
        return read_image(part.image or "", Path.cwd(), store)
    item = item_of(part)
    packages = lock.packages_of(item) if item in lock.items else ()
    return service_image(part.folder, packages, store)


def _archive(policy: LockPolicy) -> Archive:
    return Archive(
        mirror(policy.setting),
        architecture="arm64",
        suite=SUITE,
        folder=paths.cache_folder() / "apt" / "device-arm64",
    )


def _bring(
    packages: tuple[Package, ...], archive: Archive | None, store: Store, progress: Progress
) -> None:
    if archive is not None:
        archive.fetch(packages, store, progress)
        return
    if missing := [package.key for package in packages if not store.has(package.digest)]:
        raise InputError(
            f"not in the store: {', '.join(missing)}", hint="build once without --offline"
        )
