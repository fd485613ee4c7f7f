"""Put the root of a device together: init, containers, kernel modules, files.

The layout is LinuxKit's: `/containers/{onboot,onshutdown}/NNN-name` and
`/containers/services/name`, each with `config.json` and `rootfs/`. The root is read-only, so every
mount point is made here. Nothing is copied: the result is a `Tree` over the layers in the store.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge.errors import InputError
from edge.oci import in_place, landlock, supervision
from edge.oci.id_mapping import mapped, reown
from edge.oci.image import Image
from edge.oci.modules import Module, modules_tree
from edge.oci.mounts import (
    MADE_ON_DEVICE,
    add_mount_points,
    add_relative_mounts,
    mounts,
    without_absent,
)
from edge.oci.own_files import add_own_file
from edge.oci.preparing import FILES_THEMSELVES, PreparedRoot, RootKind
from edge.oci.report import PartSize, Privileges, part_sizes, privileges
from edge.oci.spec import encoded, runtime_spec
from edge.oci.supervision import Supervised
from edge.oci.tree import ConflictError, Tree, file, folder, link
from edge.oci.users import Users, users
from edge.oci.volumes import LOWER, UPPER, FilledVolume, add_folders
from edge.system.files import SystemFile
from edge.system.merge import merge_settings
from edge.system.parts import CONTAINERS, Part, Section, volume_part
from edge.system.reference import complete
from edge.system.settings import Settings
from edge.system.volumes import Volume, resolved

MOUNT_POINTS = ("data", "dev", "mnt", "proc", "run", "sys")
RESOLV_CONF = "/run/edge/resolv.conf"
VAR = "usr/share/edge"  # /var is made anew at each start, and begins with what is in `var` here
ID = "edge"
NO_VOLUMES: Mapping[str, Volume] = {}


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the system: `settings` are those of its image and its item, merged.

    `origin` names the image: containers with one origin have the same files.
    """

    section: Section
    name: str
    image: Image
    settings: Settings
    origin: str = ""


def container(part: Part, image: Image, volumes: Mapping[str, Volume] = NO_VOLUMES) -> Container:
    """Return the container of a part of the system file that runs, and its image.

    Raises:
        InputError: It names a volume that is not there, or would write to one that is only read.
    """
    settings = resolved(merge_settings(image.settings, part.settings), volumes, part.name)
    origin = complete(part.image) if part.image else str(part.folder.path if part.folder else "")
    return Container(part.section, part.name, image, settings, origin)


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
    volumes: Sequence[FilledVolume] = (),
    kernel: Tree | None = None,
) -> Root:
    """Return the root of a device.

    Args:
        containers: All items, in the order of the system file within each section.
        init: The images that make the root itself.
        release: What the system is called.
        files: `files:` of the system file; they replace what init brings.
        base: The folder where relative sources of `files` begin.
        modules: Kernel modules in load order.
        volumes: What containers share by name.
        kernel: What the image of a kernel puts at the root.

    Raises:
        ConflictError: Two images of init want different files at one path.
        InputError: A container cannot be run as its settings say.
    """
    containers, inside, people = _mapped(containers)
    root = Tree()
    for image in init:
        _merge_init(image, root)
    if kernel is not None:
        root.merge("", kernel)
    _add_system(release, root)
    if modules:
        root.merge("", modules_tree(modules))
    for wanted in files:
        _add_file(wanted, base, root, people)
    _add_facts(release, root)
    containers = with_what_is_there(containers, lambda path: root.find(path) is not None)
    places = placed(containers)
    _add_supervision(places, people, root, prepared_roots(places))
    add_volumes(volumes, root)
    device = root.copy()  # without the containers: what binds can show
    for place, container in places:
        _add_container(place, container, inside, device=device, root=root)
    in_place.add_list([(one.name, one.section, one.settings) for one in containers], root)
    return described(root, containers, people, volumes)


def with_what_is_there(
    containers: Sequence[Container], has: Callable[[str], bool]
) -> list[Container]:
    """Return containers without the `optional` binds of what the root has not."""
    return [replace(one, settings=without_absent(one.settings, has)) for one in containers]


def _mapped(containers: Sequence[Container]) -> tuple[list[Container], Users, Users]:
    """Return containers with all mappings, and their users: inside, and on the device."""
    named = [(one.name, one.settings) for one in containers]
    inside = users(named)
    found = mapped(named, inside.by_name)
    pairs = list(zip(containers, found, strict=True))
    people = Users({one.name: its.on_device for one, its in pairs})
    return [replace(one, settings=its.settings) for one, its in pairs], inside, people


def add_edge(
    containers: Sequence[Container],
    people: Users,
    release: Release,
    root: Tree,
    *,
    roots: Mapping[str, PreparedRoot],
    volumes: Sequence[FilledVolume],
    modules: Sequence[Module] = (),
) -> None:
    """Put what Edge's init reads into a root that is laid out otherwise.

    Args:
        containers: With their defaults written out.
        people: Whom they run as.
        release: What the system is called.
        root: Changed.
        roots: Where the files of containers are, by their place.
        volumes: What containers share by name.
        modules: Kernel modules in load order.
    """
    _add_system(release, root)
    if modules:
        root.merge("", modules_tree(modules))
    _add_facts(release, root)
    _add_supervision(placed(containers), people, root, roots)
    supervision.add_volumes([one.volume for one in volumes], root)


def described(
    root: Tree, containers: Sequence[Container], people: Users, volumes: Sequence[FilledVolume]
) -> Root:
    """Return a root with the sizes of its parts and what its containers may do."""
    table = tuple(privileges(one.section, _supervised(one, people)) for one in containers)
    parts = {place: container.name for place, container in placed(containers)}
    parts |= {one.place: volume_part(one.volume) for one in volumes}
    return Root(root, part_sizes(root, parts), table, people)


def _add_facts(release: Release, root: Tree) -> None:
    for name, data in release.facts.items():
        root.add(f"etc/edge/{name}", file(data), override=True)


def add_volumes(volumes: Sequence[FilledVolume], root: Tree) -> None:
    """Put volumes into a root, and what init reads about them."""
    for one in volumes:
        add_folders(one, root)
        if one.contents is not None:
            root.merge(f"{one.place}/{LOWER}", one.contents)
    supervision.add_volumes([one.volume for one in volumes], root)


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


def on_device(wanted: SystemFile) -> SystemFile:
    """Return a file with the path at which a device finds it.

    Raises:
        InputError: What is there is made anew on the device.
    """
    first = wanted.path.partition("/")[0]
    if first == "var":
        return wanted.model_copy(update={"path": f"{VAR}/{wanted.path}"})
    if first in MADE_ON_DEVICE:
        hint = "put it below /etc, and bind or copy it from there"
        raise InputError(f"files: /{wanted.path}: /{first} is made anew on the device", hint=hint)
    return wanted


def _add_file(wanted: SystemFile, base: Path, root: Tree, people: Users) -> None:
    wanted = on_device(wanted)
    if wanted.optional and wanted.source and not (base / Path(wanted.source).expanduser()).exists():
        return
    add_own_file(wanted, base, root, uids=people.uids)


def placed(containers: Sequence[Container]) -> list[tuple[str, Container]]:
    """Return the folder of each container below `/containers`."""
    places = []
    for section in CONTAINERS:
        found = [one for one in containers if one.section is section]
        for index, one in enumerate(found):
            name = one.name if section is Section.SERVICES else f"{index:03}-{one.name}"
            places.append((f"containers/{section}/{name}", one))
    return places


def _supervised(
    container: Container, people: Users, root: PreparedRoot = FILES_THEMSELVES
) -> Supervised:
    name, settings = container.name, container.settings
    confined = landlock.words(name, settings, container.image.tree)
    return Supervised(name, settings, people.by_name[name], root, confined)


def prepared_roots(placed: Sequence[tuple[str, Container]]) -> dict[str, PreparedRoot]:
    """Return where the files of each container are, by its place: its own, under an overlay."""
    overlay = RootKind.OVERLAY
    return {
        place: PreparedRoot(overlay, f"/{place}/{LOWER}")
        for place, container in placed
        if not container.settings.readonly
    }


def _add_supervision(
    placed: Sequence[tuple[str, Container]],
    people: Users,
    root: Tree,
    roots: Mapping[str, PreparedRoot],
) -> None:
    services = []
    versions = {}
    for place, container in placed:
        one = _supervised(container, people, roots.get(place, FILES_THEMSELVES))
        if container.section is Section.SERVICES:
            supervision.add_service(one, root)
            services.append(one)
            versions[container.name] = container.image.tag
        else:
            name = place.rpartition("/")[2]
            supervision.add_oneshot(container.section, name, one, root)
    supervision.add_order(services, root)
    supervision.add_ports(services, root)
    supervision.add_versions(versions, root)


def _add_container(
    place: str, container: Container, inside: Users, *, device: Tree, root: Tree
) -> None:
    name, settings, user = container.name, container.settings, inside.by_name[container.name]
    supervised = container.section is Section.SERVICES
    confined = landlock.words(name, settings, container.image.tree)
    spec = runtime_spec(
        *(name, settings, container.image.config, user), supervised=supervised, confined=confined
    )
    rootfs = container.image.tree.copy()
    add_relative_mounts(rootfs, settings)
    points = mounts(settings, uid=user.uid, gid=user.gid)
    add_mount_points(rootfs, points, device, who=name)
    reown(rootfs, settings)
    written = in_place.encoded if in_place.is_in_place(container.section, settings) else encoded
    root.add(f"{place}/config.json", file(written(spec), mode=0o600))
    root.add(f"{place}/rootfs", folder())
    if not settings.readonly:
        root.add(f"{place}/{UPPER}", folder())
    root.merge(f"{place}/{'rootfs' if settings.readonly else LOWER}", rootfs)
