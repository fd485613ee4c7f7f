"""The root of a device from a system and its images, with Edge's defaults or LinuxKit's."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from edge.errors import InputError
from edge.oci.assemble import (
    Container,
    Release,
    Root,
    add_edge,
    assemble,
    described,
    placed,
    with_what_is_there,
)
from edge.oci.image import Image
from edge.oci.in_place import LOOP_MODULE, is_in_place
from edge.oci.linuxkit import assemble as linuxkit
from edge.oci.linuxkit.defaults import people, with_defaults
from edge.oci.linuxkit.spec import writable_root
from edge.oci.linuxkit.wanted import wanted
from edge.oci.modules import Module
from edge.oci.preparing import OVERLAY_MODULE, PreparedRoot, RootKind
from edge.oci.preparing import modules as modules_of
from edge.oci.store import Store
from edge.oci.tree import Tree
from edge.system.defaults import Defaults
from edge.system.load import LoadedSystem
from edge.system.parts import Part, Section
from edge.system.reference import complete

LINUXKIT_INIT = "linuxkit/init:"


def root_of(
    system: LoadedSystem,
    images: Sequence[tuple[Part, Image]],
    release: Release,
    store: Store,
    *,
    modules: Sequence[Module] = (),
) -> Root:
    """Return the root.

    Args:
        system: What was read.
        images: Each of its parts with its image.
        release: What the system is called.
        store: Where the images are.
        modules: Kernel modules in load order.

    Raises:
        ConflictError: Two images of init want different files at one path.
        InputError: A container cannot be run as its settings say.
    """
    found = wanted(system, images, store)
    if system.defaults is Defaults.EDGE:
        _refuse_linuxkits_init(images, found)
        return assemble(
            found.containers,
            found.init,
            release,
            files=found.files,
            modules=modules,
            volumes=found.volumes,
            kernel=_kernel_root(found),
        )
    return _linuxkit(found, release, modules)


def _kernel_root(found: linuxkit.Wanted) -> Tree | None:
    """Return what the image of the kernel puts at the root.

    Raises:
        InputError: It has microcode, which no device of this architecture takes.
    """
    if found.kernel is None:
        return None
    kernel, _ = found.kernel
    if kernel.ucode is not None:
        hint = "take it out: there is none for arm64"
        raise InputError("kernel.ucode: a device takes no microcode", hint=hint)
    return kernel.root


def _refuse_linuxkits_init(images: Sequence[tuple[Part, Image]], found: linuxkit.Wanted) -> None:
    """Refuse a system whose init knows nothing of what is laid out for Edge's."""
    named = [part.image or "" for part, _ in images if part.section is Section.INIT]
    if any(LINUXKIT_INIT in complete(name) for name in named) and not linuxkit.has_edge_init(
        found.init
    ):
        raise InputError(
            "init: LinuxKit's init does not start what is laid out for Edge's",
            hint="list '@pkg:init' in the place of linuxkit/init, runc and containerd,"
            " or build with --defaults linuxkit",
        )


def needed_modules(
    system: LoadedSystem, images: Sequence[tuple[Part, Image]], store: Store
) -> list[str]:
    """Return the kernel modules that containers and volumes need, besides those that they name."""
    found = wanted(system, images, store)
    is_linuxkit = system.defaults is Defaults.LINUXKIT
    if is_linuxkit and not linuxkit.has_edge_init(found.init):
        return []
    names: list[str] = []
    for one in found.containers:
        names += one.settings.modules
        names += modules_of(with_defaults(one.settings) if is_linuxkit else one.settings)
    if any(is_in_place(one.section, one.settings) for one in found.containers):
        names.append(LOOP_MODULE)
    if any(not one.volume.readonly for one in found.volumes):
        names.append(OVERLAY_MODULE)
    return list(dict.fromkeys(names))


def _roots(containers: Sequence[Container]) -> dict[str, PreparedRoot]:
    lowers = linuxkit.lower_folders(containers)
    found = {}
    for place, one in placed(containers):
        is_own = lowers[place] == f"{place}/rootfs"
        kind = RootKind.OVERLAY if writable_root(one.settings) else RootKind.BIND
        found[place] = PreparedRoot() if is_own else PreparedRoot(kind, f"/{lowers[place]}")
    return found


def _linuxkit(found: linuxkit.Wanted, release: Release, modules: Sequence[Module]) -> Root:
    _refuse_in_place(found)
    found = replace(found, containers=with_what_is_there(found.containers, partial(_has, found)))
    users = people(found.containers, linuxkit.uids(found.containers))
    containers = [
        Container(one.section, one.name, one.image, with_defaults(one.settings), one.origin)
        for one in found.containers
    ]

    def add_supervision(root: Tree) -> None:
        add_edge(
            containers,
            users,
            release,
            root,
            roots=_roots(found.containers),
            volumes=found.volumes,
            modules=modules,
        )

    tree = linuxkit.assemble(found, add_supervision=add_supervision)
    return described(tree, containers, users, found.volumes)


def _refuse_in_place(found: linuxkit.Wanted) -> None:
    for one in found.containers:
        if is_in_place(one.section, one.settings):
            raise InputError(
                f"{one.name}: update: in-place is not done with --defaults linuxkit",
                hint="take it out, or build with Edge's defaults",
            )


def _has(found: linuxkit.Wanted, path: str) -> bool:
    """Say whether the system or its init brings a file or folder."""
    named = any(f"{one.path}/".startswith(f"{path}/") for one in found.files)
    return named or any(image.tree.find(path) is not None for image in found.init)
