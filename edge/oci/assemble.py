"""Put the root of a device together: init, containers, kernel modules, files.

The layout is LinuxKit's: `/containers/{onboot,onshutdown}/NNN-name` and
`/containers/services/name`, each with `config.json` and `rootfs/`. The root is read-only, so every
mount point is made here. Nothing is copied: the result is a `Tree` over the layers in the store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import InputError
from edge.oci import supervision
from edge.oci.image import Image
from edge.oci.modules import Module, modules_tree
from edge.oci.mounts import MADE_ON_DEVICE, add_mount_points, mounts
from edge.oci.own_files import add_own_file
from edge.oci.report import PartSize, Privileges, part_sizes, privileges
from edge.oci.spec import encoded, runtime_spec
from edge.oci.supervision import Supervised
from edge.oci.tree import ConflictError, Tree, file, folder, link
from edge.oci.users import Users, users
from edge.system.files import SystemFile
from edge.system.merge import merge_settings
from edge.system.parts import Part, Section
from edge.system.settings import Settings

MOUNT_POINTS = ("data", "dev", "mnt", "proc", "run", "sys")
RESOLV_CONF = "/run/edge/resolv.conf"
ID = "edge"
CONTAINERS = (Section.ONBOOT, Section.ONSHUTDOWN, Section.SERVICES)


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the system: `settings` are those of its image and its item, merged."""

    section: Section
    name: str
    image: Image
    settings: Settings


def container(part: Part, image: Image) -> Container:
    """Return the container of a part of the system file, which is not of `init`, and its image."""
    settings = merge_settings(image.settings, part.settings)
    return Container(part.section, part.name, image, settings)


@dataclass(frozen=True, slots=True)
class Release:
    """What the system says it is: `/etc/os-release` and `/etc/hostname`.

    `facts` are files below `/etc/edge` that only the build knows; `files:` cannot replace them.
    """

    image_id: str
    version: str
    hostname: str = ID
    facts: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Root:
    """A root of a device and what there is to say about it."""

    tree: Tree
    sizes: tuple[PartSize, ...]
    privileges: tuple[Privileges, ...]
    users: Users


def assemble(
    containers: Sequence[Container],
    init: Sequence[Image],
    release: Release,
    *,
    files: Sequence[SystemFile] = (),
    base: Path = Path(),
    modules: Sequence[Module] = (),
) -> Root:
    """Return the root of a device.

    Args:
        containers: All items, in the order of the system file within each section.
        init: The images that make the root itself.
        release: What the system is called.
        files: `files:` of the system file; they replace what init brings.
        base: The folder where relative sources of `files` begin.
        modules: Kernel modules in load order.

    Raises:
        ConflictError: Two images of init want different files at one path.
        InputError: A container cannot be run as its settings say.
    """
    people = users([(one.name, one.settings) for one in containers])
    root = Tree()
    for image in init:
        _merge_init(image, root)
    _add_system(release, root)
    if modules:
        root.merge("", modules_tree(modules))
    for wanted in files:
        _add_file(wanted, base, root, people)
    for name, data in release.facts.items():
        root.add(f"etc/edge/{name}", file(data), override=True)
    placed = list(_placed(containers))
    _add_supervision(placed, people, root)
    device = root.copy()  # without the containers: what binds can show
    for place, container in placed:
        _add_container(place, container, people, device=device, root=root)
    table = tuple(privileges(one.section, _supervised(one, people)) for one in containers)
    sizes = part_sizes(root, {place: container.name for place, container in placed})
    return Root(root, sizes, table, people)


def _merge_init(image: Image, root: Tree) -> None:
    try:
        root.merge("", image.tree)
    except ConflictError as error:
        raise ConflictError(f"init: {image.name}: {error}") from error


def os_release(release: Release) -> bytes:
    """Return `/etc/os-release` (os-release(5)); the values are quoted for shells."""
    values = {
        "ID": ID,
        "NAME": "Edge",
        "PRETTY_NAME": f"Edge {release.image_id} {release.version}",
        "VERSION_ID": release.version,
        "IMAGE_ID": release.image_id,
        "IMAGE_VERSION": release.version,
    }
    return supervision.assignments(values)


def _add_system(release: Release, root: Tree) -> None:
    for name in MOUNT_POINTS:
        root.add(name, folder())
    root.add("tmp", folder(mode=0o1777), override=True)
    root.add("var", link("run/var"), override=True)
    root.add("etc/resolv.conf", link(RESOLV_CONF), override=True)
    root.add("etc/os-release", file(os_release(release)), override=True)
    root.add("etc/hostname", file(f"{release.hostname}\n".encode()), override=True)


def _add_file(wanted: SystemFile, base: Path, root: Tree, people: Users) -> None:
    first = wanted.path.partition("/")[0]
    if first in MADE_ON_DEVICE:
        hint = "put it below /etc, and bind or copy it from there"
        raise InputError(f"files: /{wanted.path}: /{first} is made anew on the device", hint=hint)
    if wanted.optional and wanted.source and not (base / Path(wanted.source).expanduser()).exists():
        return
    add_own_file(wanted, base, root, uids=people.uids)


def _placed(containers: Sequence[Container]) -> list[tuple[str, Container]]:
    """Return the folder of each container below `/containers`."""
    placed = []
    for section in CONTAINERS:
        found = [one for one in containers if one.section is section]
        for index, one in enumerate(found):
            name = one.name if section is Section.SERVICES else f"{index:03}-{one.name}"
            placed.append((f"containers/{section}/{name}", one))
    return placed


def _supervised(container: Container, people: Users) -> Supervised:
    return Supervised(container.name, container.settings, people.by_name[container.name])


def _add_supervision(placed: Sequence[tuple[str, Container]], people: Users, root: Tree) -> None:
    services = []
    versions = {}
    for place, container in placed:
        one = _supervised(container, people)
        if container.section is Section.SERVICES:
            supervision.add_service(one, root)
            services.append(one)
            versions[container.name] = container.image.tag
        else:
            name = place.rpartition("/")[2]
            supervision.add_oneshot(container.section, name, one, root)
    supervision.add_order(services, root)
    supervision.add_versions(versions, root)


def _add_container(
    place: str, container: Container, people: Users, *, device: Tree, root: Tree
) -> None:
    name, settings, user = container.name, container.settings, people.by_name[container.name]
    supervised = container.section is Section.SERVICES
    spec = runtime_spec(name, settings, container.image.config, user, supervised=supervised)
    rootfs = container.image.tree.copy()
    points = mounts(settings, uid=user.uid, gid=user.gid)
    add_mount_points(rootfs, points, device, who=name)
    root.add(f"{place}/config.json", file(encoded(spec), mode=0o600))
    root.merge(f"{place}/rootfs", rootfs)
