"""From an order to a disk image or other formats: joins the parts, decides nothing itself."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge import atomic, paths, toolbox
from edge.debian.mirror import mirror
from edge.errors import InputError, ToolError
from edge.hardening import protections
from edge.image import (
    disk,
    emulation,
    exports,
    file_hashes,
    firmware,
    formats,
    in_place,
    inputs,
    kernel_findings,
    manifest,
    outputs,
    packed,
    pins,
    plan,
    raw,
    sbom,
    slot,
    standing,
    tryboot,
)
from edge.image.board_disk import Filling, disk_plan
from edge.image.boot_rights import with_boot_state
from edge.image.exports import RootInputs
from edge.image.failures import told
from edge.image.formats import Format
from edge.image.inputs import LockPolicy
from edge.image.manifest import Facts
from edge.image.order import Order
from edge.image.outputs import BLOCK_MAP, DISK, SLOT
from edge.image.profile import FOLDER as EMULATOR
from edge.image.sbom import Origin
from edge.image.slot import SlotInputs
from edge.oci import tar_writer
from edge.oci.assemble import Release, Root
from edge.oci.image import Image
from edge.oci.kernel_image import as_package, kernel_image
from edge.oci.layer import package_tree
from edge.oci.linuxkit.assemble import EDGE_INIT
from edge.oci.modules import Kernel, Module
from edge.oci.rooting import needed_modules, root_of
from edge.oci.store import Store
from edge.oci.tar_writer import TarSink
from edge.oci.tree import Tree
from edge.progress import SILENT, Progress
from edge.system.defaults import Defaults
from edge.system.lock import Lock
from edge.system.parts import Part, Section
from edge_agent.standing import Standing
from edge_agent.verity import Verity


@dataclass(frozen=True, slots=True)
class _Materials:
    """All that goes into the image, in the store.

    `packages` are what the kernel and the firmware come from, `items` names all in the lock,
    `loaders` lie outside of partitions.
    """

    lock: Lock
    items: tuple[str, ...]
    images: tuple[tuple[Part, Image], ...]
    kernel: Kernel | None
    packages: tuple[Tree, ...]
    store: Store
    loaders: tuple[raw.Placed, ...]


@dataclass(frozen=True, slots=True)
class _Device:
    """What runs on the device: the root, and the modules of the initramfs in load order."""

    root: Root
    early: tuple[Module, ...]


@dataclass(frozen=True, slots=True)
class _Opened:
    """What opens the images that are verified: the root of a slot, and those of services.

    `digests` are those of files that are known already.
    """

    root: Verity | None = None
    services: Mapping[str, Verity] = field(default_factory=dict)
    digests: Mapping[Path, str] = field(default_factory=dict)


def default_store() -> Store:
    """Return the content store in the user's cache."""
    return Store(paths.cache_folder() / "store")


def build(
    order: Order,
    output: Path,
    *,
    finish: Callable[[Path], None] = lambda _folder: None,
    progress: Progress = SILENT,
) -> Path:
    """Build an image into the folder `output`, which is replaced as a whole at the end.

    Args:
        order: What to build.
        output: Where it goes.
        finish: Given the whole build, before it takes the place of `output`; adds files to it.
        progress: Told how far it is.

    Raises:
        EdgeError: Any input is wrong or missing, or a tool failed; `output` is then as it was.
        RefusedError: `output` holds files that no build made.
    """
    target = output.resolve()
    outputs.require_replaceable(target)
    store = default_store()
    with told(paths.cache_folder()):
        _require_tools(order.policy, progress)
        materials = _gather(order, store, progress)
    device = _device(order, materials, progress)
    with told(output), atomic.folder(target) as folder:
        digests = exports.write(
            folder, _root_inputs(order, materials, device), order.formats, progress
        )
        made, opened = tuple(digests), _Opened()
        if formats.has_disk(order.formats):
            opened = _write_images(folder, order, materials, device, progress)
            digests |= opened.digests
            made += tuple(in_place.image_file(folder, name) for name in opened.services)
            made += (folder / DISK, *(folder / SLOT).iterdir(), *_packed(folder, order, progress))
        progress.note("write the documents")
        sbom.write(
            folder / outputs.SBOM, _origin(order, materials, device.root, opened.root, store), store
        )
        made += (folder / outputs.SBOM,)
        facts = _facts(order, materials, device.root, opened)
        mapped = {folder / DISK: folder / BLOCK_MAP}
        manifest.write(folder, facts, made, digests=digests, mapped=mapped)
        finish(folder)
        outputs.sync(folder)
    return output


def write_tar(order: Order, stream: TarSink, progress: Progress = SILENT) -> None:
    """Write the format `tar` into a stream, and nothing else.

    Raises:
        EdgeError: As `build`.
    """
    store = default_store()
    with told(paths.cache_folder()):
        _require_tools(order.policy, progress)
        materials = _gather(order, store, progress)
    device = _device(order, materials, progress)
    tar_writer.write_tar(exports.whole(_root_inputs(order, materials, device)), stream)


def _require_tools(policy: LockPolicy, progress: Progress) -> None:
    if policy.offline and not toolbox.installed():
        raise ToolError("the tools are not installed", hint="build once without --offline")
    source = mirror(policy.setting) if policy.setting else None
    toolbox.install(progress, source=source)


def _gather(order: Order, store: Store, progress: Progress) -> _Materials:
    wanted = inputs.requests(order.system, order.board)
    named = pins.references(order.system.parts)
    lock = inputs.pin(wanted, order.lock_file, order.policy, store, progress, images=named)
    kernel_item = inputs.kernel_item(order.system.system.kernel, order.board)
    board_item = inputs.board_item(order.board)
    items = [item for item in (board_item, kernel_item) if item in wanted]
    packages = [package for item in items for package in lock.packages_of(item)]
    trees = []
    with progress.task("unpack kernel and firmware", total=len(packages), unit="packages") as task:
        for package in packages:
            trees.append(package_tree(package, store).tree)
            task.advance()
    found = inputs.images(order.system.parts, lock, order.lock_file.parent, store, progress)
    found = with_boot_state(found, order.board)
    kernel = _kernel(order, trees, found, store)
    if kernel and formats.has_disk(order.formats) and order.board.boot.driver == "rpi-tryboot":
        tryboot.require_kernel(order.board, kernel.image())
    return _Materials(
        lock=lock,
        items=tuple(wanted),
        images=found,
        kernel=kernel,
        packages=tuple(trees),
        store=store,
        loaders=_loaders(order, trees),
    )


def _loaders(order: Order, trees: Sequence[Tree]) -> tuple[raw.Placed, ...]:
    if not formats.has_disk(order.formats):
        return ()
    return raw.placed(order.board, disk_plan(order.board, order.seed), trees)


def _kernel(
    order: Order, trees: Sequence[Tree], images: Sequence[tuple[Part, Image]], store: Store
) -> Kernel | None:
    wanted = order.system.system.kernel
    for part, image in images:
        if part.section is Section.KERNEL:
            return Kernel(as_package(kernel_image(wanted, image, store), store), store)
    name = inputs.kernel_package(wanted, order.board)
    kernels = [tree for tree in trees if _is_kernel(tree)]
    if name and len(kernels) != 1:
        raise InputError(f"package {name} brings {len(kernels)} kernels, not one")
    return Kernel(kernels[0], store) if name else None


def _is_kernel(tree: Tree) -> bool:
    return any(path.startswith("boot/vmlinuz-") for path, _entry in tree)


def _device(order: Order, materials: _Materials, progress: Progress) -> _Device:
    board, system = order.board, order.system
    dog = [board.watchdog.module] if board.watchdog else []
    wanted = [*board.modules.system, *system.system.kernel.modules]
    wanted += needed_modules(system, materials.images, materials.store)
    early: tuple[Module, ...] = ()
    late: list[Module] = []
    if materials.kernel is not None:
        early = materials.kernel.closure([*board.modules.initramfs, *dog])
        names = {module.name for module in early}
        late = [one for one in materials.kernel.closure(wanted) if one.name not in names]
    elif wanted:
        progress.note(f"there is no kernel, so no modules: {', '.join(dict.fromkeys(wanted))}")
    root = root_of(
        system,
        materials.images,
        Release(order.name, order.version, facts=_standing(order)),
        materials.store,
        modules=late,
    )
    return _Device(root, early)


def _standing(order: Order) -> dict[str, bytes]:
    return standing.files(
        Standing(
            board=order.board.name,
            product=standing.product_of(order.name),
            version=order.version,
            counter=order.counter,
            clock_s=order.clock_s,
        ),
        order.trusted_root,
    )


def _write_images(
    folder: Path, order: Order, materials: _Materials, device: _Device, progress: Progress
) -> _Opened:
    """Write slot, disk, services, and what QEMU needs; return what opens them."""
    board = order.board
    layout = disk_plan(board, order.seed)
    wanted = _slot_inputs(order, materials, device)
    filled = slot.write_slot(folder / SLOT, wanted, materials.store, progress)
    largest = {size.part: size.alone_bytes for size in device.root.sizes}
    plan.require_fit(layout.partition("rootfs-a"), filled.opened.total_bytes, services=largest)
    filling = Filling(board, layout, folder / SLOT, materials.packages, order.seed)
    with progress.task("write the disk image", total=1, unit="images") as task:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".disk-") as scratch:
            outside = [one.extent for one in materials.loaders]
            contents = filling.contents(Path(scratch))
            disk.write_disk(folder / DISK, layout, contents, outside, digests=filled.digests)
        task.advance()
    emulation.write(folder / EMULATOR, board, materials.packages)
    services = in_place.write(
        *(folder, device.root.tree),
        seed=order.seed,
        compress=order.system.system.rootfs.compress or "none",
        progress=progress,
    )
    return _Opened(filled.opened, services, filled.digests)


def _packed(folder: Path, order: Order, progress: Progress) -> tuple[Path, ...]:
    if Format.DISK_ZST not in order.formats:
        return ()
    with progress.task("compress the disk image", total=1, unit="images") as task:
        packed.write_zstd(folder / DISK, folder / outputs.PACKED_DISK)
        task.advance()
    return (folder / outputs.PACKED_DISK,)


def _slot_inputs(order: Order, materials: _Materials, device: _Device) -> SlotInputs:
    root = _root_inputs(order, materials, device)
    if root.kernel is None:
        raise InputError(f"board {order.board.name} has no kernel")
    return SlotInputs(
        root=root.root,
        kernel=root.kernel,
        device_tree=firmware.device_tree(order.board, materials.packages),
        modules=device.early,
        command_line=root.command_line,
        watchdog_s=root.watchdog_s,
        clock_s=root.clock_s,
        seed=order.seed,
        uuid=root.uuid,
        compress=order.system.system.rootfs.compress or "none",
        boot=order.board.boot.driver if order.board.boot.driver != "uboot" else None,
        files=firmware.named_files(order.board, order.board.boot.files, materials.packages),
    )


def _root_inputs(order: Order, materials: _Materials, device: _Device) -> RootInputs:
    board, system = order.board, order.system.system
    edge_init = EDGE_INIT in device.root.tree
    return RootInputs(
        name=order.name,
        version=order.version,
        root=device.root.tree,
        early=device.early if order.system.defaults is Defaults.EDGE or edge_init else (),
        kernel=materials.kernel.image() if materials.kernel else None,
        command_line=_command_line(order),
        watchdog_s=board.watchdog.timeout_s if board.watchdog else None,
        clock_s=order.clock_s,
        uuid=plan.guid_of(order.seed, "rootfs"),
        compress=system.rootfs.compress or "xz",
    )


def _command_line(order: Order) -> str:
    kernel = order.system.system.kernel
    by_default = order.system.defaults is Defaults.EDGE
    hardening = kernel.hardening and (by_default or "hardening" in kernel.model_fields_set)
    hardened = protections.PARAMETERS if hardening else None
    words = (hardened, order.board.kernel.cmdline, kernel.cmdline)
    return " ".join(word for word in words if word)


def _origin(
    order: Order, materials: _Materials, root: Root, opened: Verity | None, store: Store
) -> Origin:
    lock = materials.lock
    services = {
        part.name: (image.tree, lock.packages_of(inputs.service_item(part.folder)))
        for part, image in materials.images
        if part.folder is not None and inputs.service_item(part.folder) in materials.items
    }
    return Origin(
        system=order.name,
        version=order.version,
        board=order.board.name,
        created_s=order.clock_s,
        root_hash=opened.root_hash if opened else None,
        images={part.name: image.manifest for part, image in materials.images},
        packages={
            name: sbom.contributors(tree, packages, store)
            for name, (tree, packages) in services.items()
        },
        shared=tuple(
            package
            for item in materials.items
            if not item.startswith(inputs.SERVICE)
            for package in lock.packages_of(item)
        ),
        files=file_hashes.hashed(root.tree, (image for _part, image in materials.images), store),
    )


def _facts(order: Order, materials: _Materials, root: Root, opened: _Opened) -> Facts:
    kernel = materials.kernel
    findings = kernel_findings.of(kernel, _command_line(order), root.tree)
    kernel_findings.require_landlock(kernel.version if kernel else "", findings, root.privileges)
    return Facts(
        system=order.name,
        board=order.board.name,
        version=order.version,
        counter=order.counter,
        tools=toolbox.stamp(),
        kernel=kernel.version if kernel else None,
        formats=order.formats,
        hardening=findings,
        rootfs=opened.root,
        in_place=opened.services,
        sizes=root.sizes,
        privileges=root.privileges,
        images={part.name: image.manifest for part, image in materials.images},
        packages={item: materials.lock.items[item].packages for item in materials.items},
        raw=[one.facts for one in materials.loaders],
    )
