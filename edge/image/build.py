"""From a system and a board to a disk image: joins the parts, decides nothing itself."""

import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge import atomic, paths, toolbox
from edge.board.model import Board
from edge.errors import EdgeError, InputError
from edge.image import bootstate, disk, emulation, fat, firmware, inputs, manifest, plan, slot
from edge.image.extent import Contents, Source
from edge.image.inputs import KERNEL, LockPolicy
from edge.image.manifest import Facts
from edge.image.plan import DiskPlan, Layout
from edge.image.slot import SlotInputs
from edge.image.verity import Verity
from edge.oci.assemble import Release, Root, assemble, container
from edge.oci.image import Image
from edge.oci.layer import package_tree
from edge.oci.modules import Kernel, Module
from edge.oci.store import Store
from edge.oci.tree import Tree
from edge.progress import SILENT, Progress
from edge.system.load import LoadedSystem
from edge.system.lock import Lock
from edge.system.parts import Part, Section

DISK = "disk.img"
SLOT = "slot"
EMULATOR = "emulator"
CLOCK_FLOOR_S = 1_793_491_200  # 2026-11-01, the birth of Edge; SOURCE_DATE_EPOCH overrides it


@dataclass(frozen=True, slots=True)
class Order:
    """What the user asked for.

    `name` is what the system is called, `base` where its files are, `lock_file` its lock.
    """

    system: LoadedSystem
    board: Board
    name: str
    version: str
    lock_file: Path
    policy: LockPolicy = field(default_factory=LockPolicy)


@dataclass(frozen=True, slots=True)
class _Materials:
    """All inputs, in the store."""

    images: tuple[tuple[Part, Image], ...]
    kernel: Kernel
    board: tuple[Tree, ...]
    lock: Lock


def default_store() -> Store:
    """Return the content store in the user's cache."""
    return Store(paths.cache_folder() / "store")


def build(order: Order, output: Path, *, progress: Progress = SILENT) -> Path:
    """Build an image into the folder `output`, which is replaced as a whole at the end.

    Raises:
        EdgeError: Any input is wrong or missing, or a tool failed; `output` is then as it was.
    """
    _refuse_foreign(output)
    toolbox.install(progress)
    store = default_store()
    try:
        materials = _gather(order, store, progress)
        root, modules = _assemble(order, materials)
        with atomic.folder(output) as folder:
            _write(folder, order, materials, root, modules, progress)
    except OSError as error:
        raise EdgeError(f"{error.filename or output}: {error.strerror}") from error
    return output


def _refuse_foreign(output: Path) -> None:
    """Refuse to replace a folder that holds anything but an earlier build."""
    if output.is_dir() and any(output.iterdir()) and not (output / manifest.FILE).is_file():
        raise InputError(
            f"{output}: the folder is not empty and holds no build",
            hint="give another folder with -o, or remove this one yourself",
        )


def _gather(order: Order, store: Store, progress: Progress) -> _Materials:
    wanted = inputs.requests(order.system, order.board)
    lock = inputs.pin(wanted, order.lock_file, order.policy, store, progress)
    kernel_packages = [package_tree(one, store).tree for one in lock.packages_of(KERNEL)]
    kernel_name = inputs.kernel_package(order.system.system.kernel, order.board)
    kernels = [tree for tree in kernel_packages if _is_kernel(tree)]
    if len(kernels) != 1:
        raise InputError(f"package {kernel_name} brings {len(kernels)} kernels, not one")
    item = f"board/{order.board.name}"
    packages = lock.packages_of(item) if item in lock.items else ()
    firmware_packages = [package_tree(package, store).tree for package in packages]
    return _Materials(
        images=inputs.images(order.system.parts, lock, store, progress),
        kernel=Kernel(kernels[0], store),
        board=(*firmware_packages, *kernel_packages),
        lock=lock,
    )


def _is_kernel(tree: Tree) -> bool:
    return any(path.startswith("boot/vmlinuz-") for path, _entry in tree)


def _assemble(order: Order, materials: _Materials) -> tuple[Root, tuple[Module, ...]]:
    """Return the root, and the modules of the initramfs."""
    board, system = order.board, order.system
    dog = [board.watchdog.module] if board.watchdog else []
    early = materials.kernel.closure([*board.modules.initramfs, *dog])
    wanted = [*board.modules.system, *system.system.kernel.modules]
    for part in system.parts:
        wanted += part.settings.modules
    names = {module.name for module in early}
    late = [one for one in materials.kernel.closure(wanted) if one.name not in names]
    root = assemble(
        [container(part, image) for part, image in materials.images if _runs(part)],
        [image for part, image in materials.images if not _runs(part)],
        Release(order.name, order.version),
        files=system.system.files,
        modules=late,
    )
    return root, early


def _runs(part: Part) -> bool:
    return part.section is not Section.INIT


def _write(
    folder: Path,
    order: Order,
    materials: _Materials,
    root: Root,
    modules: tuple[Module, ...],
    progress: Progress,
) -> None:
    board = order.board
    seed = f"{board.name}/{order.name}"
    wanted = SlotInputs(
        root=root.tree,
        kernel=materials.kernel.image(),
        modules=modules,
        command_line=_command_line(order),
        watchdog_s=board.watchdog.timeout_s if board.watchdog else None,
        clock_s=int(os.environ.get("SOURCE_DATE_EPOCH", CLOCK_FLOOR_S)),
        seed=seed,
        uuid=plan.guid_of(seed, "rootfs"),
    )
    opened = slot.write_slot(folder / SLOT, wanted, progress)
    layout = disk_plan(board, seed)
    largest = {size.part: size.alone_bytes for size in root.sizes}
    plan.require_fit(layout.partition("rootfs-a"), opened.total_bytes, services=largest)
    with progress.task("write the disk image", total=1, unit="images") as task:
        files = firmware.firmware_files(board, materials.board)
        contents = disk_contents(layout, folder / SLOT, files, seed)
        disk.write_disk(folder / DISK, layout, contents)
        task.advance()
    emulation.write(folder / EMULATOR, board, materials.board)
    facts = _facts(order, materials, root, opened)
    named = [folder / DISK, *(path for path in (folder / SLOT).iterdir())]
    manifest.write(folder, facts, named)


def _command_line(order: Order) -> str:
    words = [order.board.kernel.cmdline, order.system.system.kernel.cmdline]
    return " ".join(word for word in words if word)


def disk_plan(board: Board, seed: str) -> DiskPlan:
    """Return the partitions of a board's disk."""
    sizes = Layout(
        boot_mib=board.slots.boot_mib,
        rootfs_mib=board.slots.rootfs_mib,
        firmware_mib=board.firmware.mib,
        data_mib=board.data_mib,
        table=board.partition_table.kind,
    )
    return plan.plan(sizes, seed=seed)


def disk_contents(
    layout: DiskPlan, slot_folder: Path, firmware_files: Mapping[str, bytes], seed: str
) -> dict[str, Source]:
    """Return what fills a new disk: firmware, boot state and slot A; B and data are empty."""
    return {
        "firmware": _volume(layout, "firmware", firmware_files, seed),
        "bootstate": bootstate.contents(),
        "boot-a": boot_volume(layout, "boot-a", slot_folder, seed),
        "rootfs-a": slot_folder / slot.ROOTFS,
    }


def boot_volume(layout: DiskPlan, name: str, slot_folder: Path, seed: str) -> Contents:
    """Return the boot partition of a slot."""
    files = {file: slot_folder / file for file in slot.BOOT_FILES}
    return _volume(layout, name, files, seed)


def _volume(layout: DiskPlan, name: str, files: Mapping[str, bytes | Path], seed: str) -> Contents:
    serial = zlib.crc32(f"{seed}/{name}".encode())
    size_bytes = layout.partition(name).size_bytes
    return fat.volume(files, size_bytes=size_bytes, label=name.upper(), serial=serial)


def _facts(order: Order, materials: _Materials, root: Root, opened: Verity) -> Facts:
    lock = materials.lock
    used = inputs.requests(order.system, order.board)
    return Facts(
        system=order.name,
        board=order.board.name,
        version=order.version,
        tools=toolbox.stamp(),
        kernel=materials.kernel.version,
        rootfs=opened,
        sizes=root.sizes,
        privileges=root.privileges,
        images={part.name: image.manifest for part, image in materials.images},
        packages={name: lock.items[name].packages for name in used},
    )
