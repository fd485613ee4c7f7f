"""Put a root together as LinuxKit does: kernel, init, volumes, containers, files, in this order.

What comes later replaces what was there. Where init is Edge's, what its supervisor reads is added;
with LinuxKit's own init the tree is LinuxKit's, path for path.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edge.errors import InputError
from edge.oci import landlock
from edge.oci.assemble import Container, on_device, placed
from edge.oci.image import OWN_KEYS, Image
from edge.oci.kernel_image import KernelImage, add_kernel
from edge.oci.linuxkit import golang
from edge.oci.linuxkit.defaults import with_defaults
from edge.oci.linuxkit.rootfs import image_root, lay
from edge.oci.linuxkit.spec import FIRST_UID, config, runtime, writable_root
from edge.oci.mounts import CONFINE, LAUNCHER
from edge.oci.own_files import add_own_file, number
from edge.oci.spec import hooks
from edge.oci.tree import Entry, Kind, Tree, file, folder
from edge.oci.volumes import LOWER, UPPER, FilledVolume, add_folders
from edge.system.files import SystemFile
from edge.system.parts import CONTAINERS, Section

EDGE_INIT: Final = "usr/lib/edge/service/run"
APK_DATABASE: Final = "lib/apk/db/installed"
_EXECUTABLE_WHERE_READABLE: Final = ((0o700, 0o100), (0o070, 0o010), (0o007, 0o001))


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that a root is made of, in the order of the system file.

    `kernel` comes with its command line; there is none where the board brings it.
    """

    containers: Sequence[Container]
    init: Sequence[Image]
    volumes: Sequence[FilledVolume] = ()
    files: Sequence[SystemFile] = ()
    kernel: tuple[KernelImage, str] | None = None
    base: Path = field(default_factory=Path)


def uids(containers: Sequence[Container]) -> dict[str, int]:
    """Return the number that stands for the name of each container: 100 and on, in order."""
    ordered = [one for section in CONTAINERS for one in containers if one.section is section]
    return {one.name: FIRST_UID + index for index, one in enumerate(ordered)}


def lower_folders(containers: Sequence[Container]) -> dict[str, str]:
    """Return the folder with the files of each container, by its place; one image is there once."""
    found: dict[str, str] = {}
    first: dict[str, str] = {}
    for place, one in placed(containers):
        own = f"{place}/{LOWER if writable_root(one.settings) else 'rootfs'}"
        found[place] = first.setdefault(one.origin, own)
    return found


def has_edge_init(init: Sequence[Image]) -> bool:
    """Say whether Edge's supervisor starts the containers."""
    return any(EDGE_INIT in image.tree for image in init)


def assemble(
    wanted: Wanted, *, add_supervision: Callable[[Tree], None] = lambda _root: None
) -> Tree:
    """Return the root.

    Args:
        wanted: What it is made of.
        add_supervision: Adds what Edge's init reads; called when Edge's init is there.

    Raises:
        InputError: A container cannot be run as its settings say.
    """
    root = Tree()
    if wanted.kernel is not None:
        found, command_line = wanted.kernel
        add_kernel(found, command_line, root)
        lay(found.root, root)
    _add_init(wanted.init, root)
    for filled in wanted.volumes:
        _add_volume(filled, root)
    supervised = has_edge_init(wanted.init)
    if supervised:
        add_supervision(root)
    else:
        for one in wanted.containers:
            _refuse_own_keys(one)
    _add_containers(wanted.containers, root, supervised=supervised)
    numbers = uids(wanted.containers)
    added: set[str] = set()
    for entry in wanted.files:
        place = on_device(entry) if supervised else entry
        _add_file(place, wanted.base, root, numbers, added)
    return root


def _add_init(images: Sequence[Image], root: Tree) -> None:
    databases = []
    for image in images:
        tree = image_root(image.tree, on_device=True)
        database = tree.get(APK_DATABASE)
        databases += [database.read()] if database is not None else []
        lay(tree, root)
    if len(databases) > 1:
        data = b"".join(database + b"\n\n" for database in databases)
        root.add(APK_DATABASE, file(data), override=True)


def _add_volume(filled: FilledVolume, root: Tree) -> None:
    add_folders(filled, root)
    contents = filled.contents
    if contents is None:
        return
    if filled.volume.format == "filesystem":
        contents = image_root(contents, on_device=True)
    root.merge(f"{filled.place}/{LOWER}", contents)


def _add_containers(containers: Sequence[Container], root: Tree, *, supervised: bool) -> None:
    numbers, lowers = uids(containers), lower_folders(containers)
    for place, one in placed(containers):
        _add_container(place, one, root, numbers, lowers[place], supervised=supervised)


def _add_container(
    place: str,
    container: Container,
    root: Tree,
    numbers: Mapping[str, int],
    lower: str,
    *,
    supervised: bool,
) -> None:
    settings, image = container.settings, container.image
    is_writable = writable_root(settings)
    root.add(place, folder())
    if lower.startswith(f"{place}/"):
        root.merge(lower, image_root(image.tree, on_device=False))
    root.add(f"{place}/rootfs", folder())
    if is_writable:
        root.add(f"{place}/{UPPER}", folder())
    made = config(container.name, settings, image.config, numbers)
    if supervised:
        made |= _hooks(container)
        _hold(container, made, lower, root)
    ready = golang.marshal(runtime(place, settings, lower))
    root.add(f"{place}/config.json", file(golang.marshal(made)))
    root.add(f"{place}/runtime.json", file(ready))


def _hooks(container: Container) -> dict[str, object]:
    """Return what Edge's init needs of a container, which LinuxKit's does itself."""
    settings = with_defaults(container.settings)
    found = hooks(container.name, settings, supervised=container.section is Section.SERVICES)
    return {"hooks": found} if found else {}


def _hold(container: Container, made: dict[str, Any], lower: str, root: Tree) -> None:
    """Hold a container to its paths, if it says so: put the launcher before its program."""
    settings = with_defaults(container.settings)
    if confined := landlock.words(container.name, settings, container.image.tree):
        process = made["process"]
        process["args"] = landlock.launched(confined, process["args"], main=True)
        made["mounts"].insert(0, LAUNCHER.spec())  # they are sorted by destination
        root.add(f"{lower}{CONFINE}", file(b""))


def _refuse_own_keys(container: Container) -> None:
    """Refuse what LinuxKit's init would not carry out."""
    known = {"limits", "seccomp", "cgroupns"}  # those are in config.json
    written = container.settings.model_fields_set & OWN_KEYS - known
    if written:
        key = min(written)
        hint = "list '@pkg:init' in `init:`, or take it out"
        raise InputError(f"{container.name}: {key}: only Edge's init knows it", hint=hint)


def _add_file(
    entry: SystemFile, base: Path, root: Tree, numbers: Mapping[str, int], added: set[str]
) -> None:
    """Put a file and the folders on the way, which get the owner and mode that fit the file's."""
    uid, gid = number(entry.uid, numbers), number(entry.gid, numbers)
    mode = entry.written_mode
    for bits, execute in _EXECUTABLE_WHERE_READABLE:
        mode |= execute if mode & bits else 0
    parents = entry.path.split("/")[:-1]
    for depth in range(len(parents)):
        parent = "/".join(parents[: depth + 1])
        if parent not in added:
            root.add(parent, folder(mode=mode, uid=uid, gid=gid), override=True)
            added.add(parent)
    added.add(entry.path)
    if entry.symlink is not None:
        mode = entry.written_mode
        link = Entry(Kind.LINK, mode, uid, gid, target=entry.symlink)
        root.add(entry.path, link, override=True)
    else:
        add_own_file(entry, base, root, uids=numbers)
