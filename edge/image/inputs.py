"""Bring what a build needs into the store, as the lock file says: packages, then images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge import paths
from edge.board.model import Board
from edge.debian.archive import Archive, Package
from edge.debian.mirror import mirror
from edge.errors import InputError
from edge.image import pins
from edge.oci.image import Image, service_image
from edge.oci.limit_setting import chosen
from edge.oci.registry.endpoint import Registries
from edge.oci.store import Store
from edge.oci.stored import stored_image
from edge.progress import Progress
from edge.system import lock as locks
from edge.system.load import LoadedSystem
from edge.system.lock import Lock, Request
from edge.system.model import Kernel
from edge.system.parts import Part
from edge.system.reference import Reference, parse_reference
from edge.system.requests import service_requests
from edge.system.service import ServiceFolder

SUITE = "trixie"
ARCHITECTURE = "arm64"
KERNEL, BOARD, SERVICE = "kernel/", "board/", "service/"
KERNEL_IMAGE = "linux-image-"  # what Debian's packages of one kernel version begin with


@dataclass(frozen=True, slots=True)
class LockPolicy:
    """What may happen to the lock file.

    `locked` forbids any change, `offline` forbids the network, `update` names items to move to the
    newest versions (None: all of them). `setting` is the mirror to use instead of the host's,
    `registries` says where images of registries are fetched.
    """

    locked: bool = False
    offline: bool = False
    update: tuple[str, ...] | None = ()
    setting: str | None = None
    registries: Registries = field(default_factory=Registries)


def requests(system: LoadedSystem, board: Board) -> dict[str, Request]:
    """Return what each image asks the archive for, by the name of its item in the lock.

    Raises:
        InputError: Two service folders of one name are used.
    """
    found = {}
    if kernel_package(system.system.kernel, board):
        found[kernel_item(system.system.kernel, board)] = _kernel_request(system, board)
    if board.packages:
        found[board_item(board)] = Request(board.packages)
    services = service_requests(system.parts)
    return found | {name: request for name, request in services.items() if request.packages}


def _kernel_request(system: LoadedSystem, board: Board) -> Request:
    return Request((kernel_package(system.system.kernel, board),))


def kernel_package(kernel: Kernel, board: Board) -> str:
    """Return the package of the kernel: the system's, else the board's; "" for none."""
    if kernel.image is not None:
        return ""
    return kernel.package or board.kernel.package


def kernel_item(kernel: Kernel, board: Board) -> str:
    """Return the name of the kernel's item in the lock; boards with one kernel share it."""
    return f"{KERNEL}{kernel_package(kernel, board)}"


def board_item(board: Board) -> str:
    """Return the name of the item of a board's firmware in the lock."""
    return f"{BOARD}{board.name}"


def service_item(folder: ServiceFolder) -> str:
    """Return the name of the item of a service folder's packages in the lock."""
    return f"{SERVICE}{folder.name}"


def pin(
    wanted: Mapping[str, Request],
    file: Path,
    policy: LockPolicy,
    store: Store,
    progress: Progress,
    *,
    images: Sequence[Reference] = (),
) -> Lock:
    """Return the lock for these requests, resolved where needed; all it names is in the store.

    The lock file is written when it changed; kernels and firmware of other boards stay in it.

    Raises:
        InputError: The lock does not fit and may not change, or a package is not to be had.
        LinkError: The mirror or a registry cannot be reached.
        UntrustedError: A package or an image has other bytes than its digest says.
    """
    old = locks.read(file)
    named = pins.items(images, file.parent)
    if policy.locked:
        locks.require_current(old, wanted, file=file, also=pins.stale(old, named))
    names = locks.to_resolve(
        old, wanted, update=policy.update, others=[f"{pins.IMAGE}{name}" for name in named]
    )
    if policy.offline and names:
        raise InputError(
            f"{', '.join(names)}: not in the lock, and --offline forbids to look them up",
            hint="build once without --offline",
        )
    archive = None if policy.offline else _archive(policy)
    resolved = _resolved(archive, {name: wanted[name] for name in names}, progress)
    kept = {**_other_boards(old), **wanted}
    terms = pins.Terms(policy.locked, policy.offline, policy.update, policy.registries)
    lock = locks.updated(
        old,
        kept,
        resolved,
        suite=SUITE,
        architecture=ARCHITECTURE,
        images=pins.pin(old, named, terms, store, progress),
    )
    used = {package.digest: package for name in wanted for package in lock.packages_of(name)}
    _bring(tuple(used.values()), archive, store, progress)
    if lock != old:
        locks.write(lock, file)
    return lock


def _other_boards(lock: Lock | None) -> dict[str, Request]:
    items = lock.items if lock else {}
    return {name: one.request for name, one in items.items() if name.startswith((KERNEL, BOARD))}


def _resolved(
    archive: Archive | None, requests: Mapping[str, Request], progress: Progress
) -> dict[str, tuple[Package, ...]]:
    if archive is None or not requests:
        return {}
    found = {}
    with progress.task("look up packages", total=len(requests) + 1, unit="items") as task:
        archive.refresh()
        task.advance()
        for name, request in requests.items():
            packages = archive.resolve(request.packages, without=request.without)
            found[name] = _needed(name, request, packages)
            task.advance()
    return found


def _needed(item: str, request: Request, packages: tuple[Package, ...]) -> tuple[Package, ...]:
    """Return what an item takes files from.

    Firmware comes from the very packages named, and a kernel from what its package stands for:
    what they depend on (programs that make an initramfs on the device) has no place in an image.
    """
    if item.startswith(SERVICE):
        return packages
    also = KERNEL_IMAGE if item.startswith(KERNEL) else None
    return tuple(
        package
        for package in packages
        if package.name in request.packages or (also and package.name.startswith(also))
    )


def images(
    parts: Sequence[Part], lock: Lock, lock_folder: Path, store: Store, progress: Progress
) -> tuple[tuple[Part, Image], ...]:
    """Return each part with its image; one whose inputs did not change comes from the store."""
    found = []
    with progress.task("make service images", total=len(parts), unit="images") as task:
        for part in parts:
            image = (
                _pinned(part.image, lock, lock_folder, store, progress)
                if part.image is not None
                else made(part.folder, lock, store)
            )
            found.append((part, image))
            task.advance()
    return tuple(found)


def _pinned(text: str, lock: Lock, lock_folder: Path, store: Store, progress: Progress) -> Image:
    reference = parse_reference(text, Path.cwd())
    pinned = lock.images[pins.key(reference, lock_folder)]
    return stored_image(text, pinned.manifest, store, progress, limits=chosen())


def made(folder: ServiceFolder | None, lock: Lock, store: Store) -> Image:
    """Return the image of a service folder, of the packages that the lock has.

    Raises:
        InputError: There is no folder.
    """
    if folder is None:
        raise InputError("a part of the system has neither a folder nor an image")
    item = service_item(folder)
    packages = lock.packages_of(item) if item in lock.items else ()
    return service_image(folder, packages, store)


def _archive(policy: LockPolicy) -> Archive:
    return Archive(
        mirror(policy.setting),
        architecture=ARCHITECTURE,
        suite=SUITE,
        folder=paths.cache_folder() / "apt" / f"device-{ARCHITECTURE}",
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
