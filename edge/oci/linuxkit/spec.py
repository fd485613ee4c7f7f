"""`config.json` and `runtime.json` of a container, with LinuxKit's defaults.

The host's network, ipc and uts namespaces; user 0; a root that can be written; no filter of system
calls; nothing masked. `docs/linuxkit.md` tells where this is stricter or more exact than LinuxKit.

Source: docs/yaml.md of LinuxKit and what it makes of its own examples; OCI runtime spec 1.2.1.
"""

from collections.abc import Mapping
from typing import Any

from edge.errors import InputError
from edge.oci.linuxkit.golang import sorted_map, without_empty
from edge.oci.linuxkit.resources import resources
from edge.oci.mounts import is_plain
from edge.oci.seccomp import profile
from edge.oci.spec import NODE_MODE, UNLIMITED, ImageConfig
from edge.oci.volumes import UPPER
from edge.strict.formats import CAPABILITIES
from edge.system.mounting import IdMapping, Mount, Runtime
from edge.system.resources import Device
from edge.system.settings import Seccomp, Settings

VERSION = "1.2.1"
FIRST_UID = 100
HOST = ("host", "root", "")
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")

_MOUNTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "/dev": ("tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    "/dev/pts": ("devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620")),
    "/proc": ("proc", ("nosuid", "nodev", "noexec", "relatime")),
    "/sys": ("sysfs", ("nosuid", "noexec", "nodev")),
    "/sys/fs/cgroup": ("cgroup", ("nosuid", "noexec", "nodev", "relatime", "ro")),
}
_READ_ONLY_WITH_ROOT = ("/dev", "/sys")


def writable_root(settings: Settings) -> bool:
    """Say whether the root of a container can be written: unless somebody wrote `readonly`."""
    return not (settings.readonly and "readonly" in settings.model_fields_set)


def config(
    name: str, settings: Settings, image: ImageConfig, uids: Mapping[str, int]
) -> dict[str, Any]:
    """Return `config.json` of one container, keys in LinuxKit's order.

    Args:
        name: Of the container, for messages.
        settings: Those of the label and of the system file, merged.
        image: What the image says.
        uids: The number of each container's name.

    Raises:
        InputError: A name stands for no number.
    """
    root = without_empty({"path": "rootfs", "readonly": not writable_root(settings)})
    return without_empty(
        {
            "ociVersion": VERSION,
            "process": _process(name, settings, image, uids),
            "root": root,
            "hostname": settings.hostname,
            "mounts": _mounts(settings),
            "annotations": sorted_map(settings.annotations),
            "linux": _linux(name, settings),
        }
    )


def _process(
    name: str, settings: Settings, image: ImageConfig, uids: Mapping[str, int]
) -> dict[str, Any]:
    command = settings.command
    process = {
        "user": _user(name, settings, uids),
        "args": list((*image.entrypoint, *image.command) if command is None else command),
        "env": list(settings.env if "env" in settings.model_fields_set else image.env),
        "cwd": settings.cwd or image.cwd or "/",
        "capabilities": _capabilities(settings),
        "rlimits": [_rlimit(text) for text in settings.rlimits],
        "noNewPrivileges": settings.no_new_privileges
        and "no_new_privileges" in settings.model_fields_set,
    }
    process = without_empty(process) | {"capabilities": process["capabilities"]}
    if settings.oom_score_adj is not None:
        process["oomScoreAdj"] = settings.oom_score_adj
    return process


def numbers(
    name: str, settings: Settings, uids: Mapping[str, int]
) -> tuple[int, int, tuple[int, ...]]:
    """Return user, group and more groups of a container.

    Raises:
        InputError: A name stands for no number.
    """
    groups = tuple(_number(name, group, uids) for group in settings.additional_gids)
    return _number(name, settings.uid, uids), _number(name, settings.gid, uids), groups


def _user(name: str, settings: Settings, uids: Mapping[str, int]) -> dict[str, Any]:
    uid, gid, groups = numbers(name, settings, uids)
    user: dict[str, Any] = {"uid": uid, "gid": gid}
    return user | ({"additionalGids": list(groups)} if groups else {})


def _number(name: str, user: int | str | None, uids: Mapping[str, int]) -> int:
    if isinstance(user, str):
        if user not in uids:
            hint = "name a container, or write a number"
            raise InputError(f"{name}: no container is called {user!r}", hint=hint)
        return uids[user]
    return user or 0


def _capabilities(settings: Settings) -> dict[str, list[str]]:
    effective = _named(settings.capabilities)
    ambient = _named(settings.ambient)
    bounding = sorted({*effective, *ambient})
    return without_empty(
        {
            "bounding": bounding,
            "effective": effective,
            "inheritable": bounding,
            "permitted": bounding,
            "ambient": ambient,
        }
    )


def _named(capabilities: tuple[str, ...]) -> list[str]:
    if "all" in capabilities:
        return [f"CAP_{name}" for name in CAPABILITIES]
    return [name for name in capabilities if name != "none"]


def _rlimit(text: str) -> dict[str, Any]:
    kind, soft, *hard = text.split(",")
    numbers = [UNLIMITED if word in ("unlimited", "-1") else int(word) for word in (soft, *hard)]
    return {"type": f"RLIMIT_{kind.upper()}", "hard": numbers[-1], "soft": numbers[0]}


def _mounts(settings: Settings) -> list[dict[str, Any]]:
    """Return one mount for each destination: tmpfs, then binds, then mounts win, then sorted."""
    wanted: dict[str, dict[str, Any]] = {}
    for destination, (kind, options) in _MOUNTS.items():
        if destination in _READ_ONLY_WITH_ROOT and not writable_root(settings):
            options = (*options, "ro")
        wanted[destination] = _point(destination, kind, kind, options)
    for text in settings.tmpfs:
        destination, colon, words = text.partition(":")
        options = tuple(words.split(",")) if colon else ()
        wanted[destination] = _point(destination, "tmpfs", "tmpfs", options)
    for text in (*settings.binds, *settings.binds_add):
        source, destination, *more = text.split(":")
        options = (*more[0].split(","), "rbind") if more else ("rw", "rbind", "rshared")
        wanted[destination] = _point(destination, "bind", source, options)
    for mount in settings.mounts:
        kind, place = mount.kind or "", mount.place or ""
        point = _point(place, kind, mount.source or kind, mount.options)
        wanted[place] = point | _mappings(mount.uidmappings, mount.gidmappings)
    for device in settings.devices:
        if is_plain(device):  # known by its path only, as Edge's own services name them
            options = ("bind", "nosuid", "noexec", "rw")
            wanted[device.path] = _point(device.path, "bind", device.path, options)
    return [wanted[destination] for destination in sorted(wanted)]


def _point(destination: str, kind: str, source: str, options: tuple[str, ...]) -> dict[str, Any]:
    return without_empty(
        {"destination": destination, "type": kind, "source": source, "options": list(options)}
    )


def _mappings(uids: tuple[IdMapping, ...], gids: tuple[IdMapping, ...]) -> dict[str, Any]:
    found = {"uidMappings": _ranges(uids), "gidMappings": _ranges(gids)}
    return without_empty(found)


def _ranges(mappings: tuple[IdMapping, ...]) -> list[dict[str, int]]:
    return [
        {"containerID": one.container_id, "hostID": one.host_id, "size": one.size}
        for one in mappings
    ]


def _linux(name: str, settings: Settings) -> dict[str, Any]:
    given = settings.model_fields_set
    nodes = [_node(one) for one in settings.devices if one.path != "all" and not is_plain(one)]
    filtered = "seccomp" in given and settings.seccomp is Seccomp.DEFAULT
    propagation = settings.rootfs_propagation
    linux = {
        **_mappings(settings.uid_mappings, settings.gid_mappings),
        "sysctl": sorted_map(settings.sysctl),
        "resources": resources(settings),
        "cgroupsPath": settings.cgroups_path,
        "namespaces": _namespaces(settings),
        "devices": nodes,
        "seccomp": profile(tuple(_named(settings.capabilities))) if filtered else None,
        "rootfsPropagation": propagation.value if propagation else None,
        "maskedPaths": list(settings.masked_paths or ()),
        "readonlyPaths": list(settings.readonly_paths or ()),
    }
    found = without_empty(linux)
    return {key: linux[key] for key in linux if key in found or key == "resources"}


def _namespaces(settings: Settings) -> list[dict[str, str]]:
    given = settings.model_fields_set
    wanted = {
        "network": settings.net if "net" in given else "root",
        "ipc": settings.ipc if "ipc" in given else "root",
        "uts": settings.uts if "uts" in given else "root",
        "pid": settings.pid,
        "user": settings.userns if "userns" in given else "root",
        "cgroup": settings.cgroupns if "cgroupns" in given else "root",
    }
    found = []
    for kind, value in wanted.items():
        if value.startswith("/"):
            found.append({"type": kind, "path": value})
        elif value not in HOST:
            found.append({"type": kind})
    last = [one for one in found if one["type"] == "cgroup"]
    return [one for one in found if one["type"] != "cgroup"] + [{"type": "mount"}] + last


def _node(device: Device) -> dict[str, Any]:
    return {
        "path": device.path,
        "type": device.type or "",
        "major": device.major or 0,
        "minor": device.minor or 0,
        "fileMode": NODE_MODE if device.node_mode is None else device.node_mode,
    }


def runtime(place: str, settings: Settings, lower: str) -> dict[str, Any]:
    """Return `runtime.json`: what is made ready on the device before the container starts.

    Args:
        place: The folder of the container.
        settings: Those of the label and of the system file, merged.
        lower: The folder with the files of its image, which may be that of another container.
    """
    given = settings.runtime or Runtime()
    bound = given.bind_ns
    return {
        "cgroups": list(given.cgroups),
        "mounts": [*_root_mounts(place, settings, lower), *map(_runtime_mount, given.mounts)],
        "mkdir": list(given.mkdir),
        "interfaces": [
            without_empty({"name": one.name, "add": one.add, "peer": one.peer})
            | {"createInRoot": one.create_in_root}
            for one in given.interfaces
        ],
        "bindNS": {name: getattr(bound, name) or "" if bound else "" for name in NAMESPACES},
        "namespace": given.namespace or "",
    }


def _root_mounts(place: str, settings: Settings, lower: str) -> list[dict[str, Any]]:
    rootfs, tmp = f"/{place}/rootfs", f"/{place}/{UPPER}"
    if not writable_root(settings):
        return [{"destination": rootfs, "source": f"/{lower}", "options": ["bind"]}]
    layers = [f"lowerdir=/{lower}", f"upperdir={tmp}/upper", f"workdir={tmp}/work"]
    return [
        {"destination": tmp, "type": "tmpfs", "source": "tmpfs"},
        {"destination": tmp, "options": ["remount", "private"]},
        {"destination": rootfs, "type": "overlay", "source": "overlay", "options": layers},
    ]


def _runtime_mount(mount: Mount) -> dict[str, Any]:
    point = _point("", mount.type or "", mount.source or "", mount.options)
    ids = _mappings(mount.uidmappings, mount.gidmappings)
    return {"destination": mount.destination or "", **point, **ids}
