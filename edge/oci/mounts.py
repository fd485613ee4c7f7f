"""The mounts of a container, and the mount points that its read-only root must have.

As LinuxKit: one mount for each destination, the last that names it wins, sorted by destination.
Stricter: a bind does not send its mounts back (`rslave`, LinuxKit `rshared`), a tmpfs belongs to
the user of the service, and sees no set-uid files and devices unless its options say so.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from edge.errors import InputError
from edge.oci.tree import ConflictError, Entry, Kind, Tree, file, folder
from edge.system.mounting import IdMapping
from edge.system.resources import Device
from edge.system.settings import Settings

HOST = ("host", "root")
OPTIONAL = "optional"
RESOLV_CONF = "/etc/resolv.conf"
RESOLV_CONF_SOURCE = "/run/edge/resolv.conf"
CONFINE = "/.edge-confine"  # what holds a container to its paths (edge.oci.landlock)
ALWAYS_THERE = ("proc", "sys", "dev", "tmp", "run", "etc")
# What is mounted over, or made, on the device: a bind source there cannot be known now.
MADE_ON_DEVICE = ("data", "dev", "mnt", "proc", "run", "sys", "tmp", "var", "containers")
DEVICE_FOLDERS = frozenset(
    ("bus", "disk", "dri", "edge", "input", "mapper", "mqueue", "net", "pts", "shm", "snd", "usb")
)
_SUFFIX = re.compile(r"[^.]\.[A-Za-z0-9]+$")


@dataclass(frozen=True, slots=True)
class MountPoint:
    """One mount of the OCI runtime spec; `uids` and `gids` are ranges for an id-mapped one."""

    destination: str
    type: str
    source: str
    options: tuple[str, ...] = ()
    uids: tuple[tuple[int, int, int], ...] = ()
    gids: tuple[tuple[int, int, int], ...] = ()

    @property
    def is_bind(self) -> bool:
        """Say whether it shows a file or folder of the device."""
        return self.type == "bind" or "bind" in self.options or "rbind" in self.options

    @property
    def is_writable(self) -> bool:
        """Say whether the container may write there."""
        return "ro" not in self.options

    def spec(self) -> dict[str, object]:
        """Return it as the runtime spec writes it."""
        point: dict[str, object] = {
            "destination": self.destination,
            "type": self.type,
            "source": self.source,
            "options": list(self.options),
        }
        if self.uids:
            point["uidMappings"] = id_ranges(self.uids)
        if self.gids:
            point["gidMappings"] = id_ranges(self.gids)
        return point


def id_ranges(ranges: Sequence[tuple[int, int, int]]) -> list[dict[str, int]]:
    """Return ranges of numbers (of the container, of the device, how many) as the spec has them."""
    return [
        {"containerID": inside, "hostID": outside, "size": size} for inside, outside, size in ranges
    ]


DEFAULT = (
    MountPoint("/proc", "proc", "proc", ("nosuid", "nodev", "noexec", "relatime")),
    MountPoint("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    MountPoint(
        *("/dev/pts", "devpts", "devpts"),
        ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
    ),
    MountPoint(
        *("/dev/shm", "tmpfs", "shm"),  # noqa: S108 - a mount point, not a temporary file
        ("nosuid", "noexec", "nodev", "mode=1777", "size=25%"),
    ),
    MountPoint("/sys", "sysfs", "sysfs", ("nosuid", "noexec", "nodev", "ro")),
    MountPoint(
        *("/sys/fs/cgroup", "cgroup", "cgroup"), ("nosuid", "noexec", "nodev", "relatime", "ro")
    ),
    MountPoint(
        *("/tmp", "tmpfs", "tmpfs"),  # noqa: S108 - a mount point, not a temporary file
        ("nosuid", "nodev", "mode=1777", "size=25%"),
    ),
)

LAUNCHER = MountPoint(CONFINE, "bind", "/usr/lib/edge/confine", ("ro", "bind", "nosuid", "nodev"))


def mounts(settings: Settings, *, uid: int, gid: int) -> tuple[MountPoint, ...]:
    """Return all mounts of a container, sorted by destination.

    Raises:
        InputError: A mount has no destination, or a bind names a volume.
    """
    wanted = {mount.destination: mount for mount in DEFAULT}
    if settings.net in HOST:
        options = ("ro", "rbind", "rslave")
        wanted[RESOLV_CONF] = MountPoint(RESOLV_CONF, "bind", RESOLV_CONF_SOURCE, options)
    for found in (*_tmpfs(settings, uid, gid), *_binds(settings), *_mounts(settings)):
        wanted[found.destination] = found
    for device in settings.devices:
        if is_plain(device):
            node = MountPoint(device.path, "bind", device.path, ("bind", "nosuid", "noexec", "rw"))
            wanted[device.path] = node
    if settings.confined is not None:
        wanted[CONFINE] = LAUNCHER
    return tuple(wanted[destination] for destination in sorted(wanted))


def is_plain(device: Device) -> bool:
    """Say whether a device is known by its path only, so that the node itself is shown."""
    return device.path != "all" and device.major is None


def _mounts(settings: Settings) -> list[MountPoint]:
    found = []
    for mount in settings.mounts:
        if mount.place is None or mount.kind is None:
            raise InputError("mounts: an entry has no destination")
        if not mount.source_is_path and mount.kind == "bind":
            raise InputError(f"mounts: {mount.source}: there is no such volume")
        source = mount.source or mount.kind
        ids = (_ids(mount.uidmappings), _ids(mount.gidmappings))
        found.append(MountPoint(_clean(mount.place), mount.kind, source, mount.options, *ids))
    return found


def _ids(mappings: tuple[IdMapping, ...]) -> tuple[tuple[int, int, int], ...]:
    return tuple((one.container_id, one.host_id, one.size) for one in mappings)


def _tmpfs(settings: Settings, uid: int, gid: int) -> list[MountPoint]:
    found = []
    for text in settings.tmpfs:
        destination, _, options = text.partition(":")
        words = [word for word in options.split(",") if word]
        keys = {word.partition("=")[0] for word in words}
        words += [f"no{word}" for word in ("suid", "dev") if not {word, f"no{word}"} & keys]
        defaults = {"mode": "0755", "uid": str(uid), "gid": str(gid)}
        words += [f"{key}={value}" for key, value in defaults.items() if key not in keys]
        found.append(MountPoint(_clean(destination), "tmpfs", "tmpfs", tuple(words)))
    return found


def _binds(settings: Settings) -> list[MountPoint]:
    found = []
    for text in (*settings.binds, *settings.binds_add):
        source, destination, *options = text.split(":")
        if not source.startswith("/"):
            raise InputError(f"binds: {text}: there is no such volume")
        words = options[0].split(",") if options else ["rw", "rbind", "rslave"]
        if not {"bind", "rbind"} & set(words):
            words.append("rbind")
        found.append(MountPoint(_clean(destination), "bind", source, tuple(words)))
    return found


def without_absent(settings: Settings, has: Callable[[str], bool]) -> Settings:
    """Return settings without the `optional` binds of paths that the root of the device has not.

    A service has its own default in that place of its image, which is then seen.
    """
    binds = tuple(
        left
        for text in (*settings.binds, *settings.binds_add)
        if (left := _if_there(text, has)) is not None
    )
    if binds == (*settings.binds, *settings.binds_add):
        return settings
    return settings.model_copy(update={"binds": binds, "binds_add": ()})


def _if_there(text: str, has: Callable[[str], bool]) -> str | None:
    source, destination, *options = text.split(":")
    words = options[0].split(",") if options else []
    if OPTIONAL not in words:
        return text
    if not has(source.strip("/")):
        return None
    left = [word for word in words if word != OPTIONAL]
    return ":".join([source, destination, *([",".join(left)] if left else [])])


def _clean(destination: str) -> str:
    return str(PurePosixPath(destination))


def add_mount_points(rootfs: Tree, points: Sequence[MountPoint], root: Tree, *, who: str) -> None:
    """Make the folders and empty files that mounts need in a container's root.

    What is there already stays. Below a mount that covers it, the runtime makes them itself.

    Args:
        rootfs: The container's root; changed.
        points: Its mounts.
        root: The root of the device, to look at the sources of binds.
        who: The container, for messages.

    Raises:
        InputError: A bind shows a path of the read-only root where nothing is.
    """
    for name in ALWAYS_THERE:
        if rootfs.find(name) is None:
            rootfs.add(name, folder())
    covered: list[str] = []
    for point in sorted(points, key=lambda one: one.destination.count("/")):
        entry = _wanted(point, root, who)
        inside = any(point.destination.startswith(f"{other}/") for other in covered)
        covered.append(point.destination)
        if not inside and rootfs.find(point.destination) is None:
            rootfs.add(point.destination, entry)


def add_relative_mounts(rootfs: Tree, settings: Settings) -> None:
    """Make the folders in a container's root for mounts that `runtime` makes there."""
    for mount in settings.runtime.mounts if settings.runtime else ():
        place = mount.place or ""
        if place and not place.startswith("/") and rootfs.find(place) is None:
            rootfs.add(place, folder())


def _wanted(point: MountPoint, root: Tree, who: str) -> Entry:
    if not point.is_bind:
        return folder()
    source = point.source.strip("/")
    there = root.find(source) if source else folder()
    if there is not None:
        return folder() if there.kind is Kind.FOLDER else file(b"")
    source = _behind_links(source, root)
    if source.partition("/")[0] not in MADE_ON_DEVICE:
        hint = f"add it to the system with `files: [{{path: {point.source}, ...}}]`"
        raise InputError(f"{who}: binds: there is no {point.source} in the system", hint=hint)
    return file(b"") if names_file(f"/{source}") else folder()


def _behind_links(path: str, root: Tree) -> str:
    """Return where a path of the device leads: `/etc/resolv.conf` is a file made on the device."""
    try:
        return root.resolve(path)
    except ConflictError:
        return path


def names_file(path: str) -> bool:
    """Say whether a path that is made on the device is taken for a file.

    The rule: below /dev all is a node but the known folders there; elsewhere a name with a suffix
    (`resolv.conf`, `api.sock`) is a file, but for `.d`, and any other is a folder.
    """
    parts = PurePosixPath(path).parts
    if parts[1:2] == ("dev",):
        return len(parts) > 3 or (len(parts) == 3 and parts[2] not in DEVICE_FOLDERS)
    return bool(_SUFFIX.search(parts[-1])) and not parts[-1].endswith(".d")
