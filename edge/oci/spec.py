"""The OCI runtime configuration of a container: what crun reads as `config.json`.

Source: OCI runtime spec 1.0.2, config.md and config-linux.md; crun 1.21. The keys mean what they
mean in LinuxKit (docs/yaml.md); the defaults are the least permission: no capability, all
namespaces new, no new privileges, a filter of system calls, a read-only root, an own user.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.errors import InputError
from edge.oci import landlock, seccomp
from edge.oci.mounts import HOST, is_plain, mounts
from edge.oci.preparing import attach_hook
from edge.oci.unsupported import refuse_mappings, refuse_unsupported
from edge.strict.formats import CAPABILITIES
from edge.system.resources import Device
from edge.system.settings import Limits, Ready, Seccomp, Settings

VERSION = "1.0.2"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CGROUP = "/edge"
STARTED_HOOK = "/usr/lib/edge/service/started"
UNLIMITED = 2**64 - 1
FIRST_UID, UIDS = 10_000, 50_000
DEFAULT_MEMORY_MIB = 256
DEFAULT_PIDS = 512
PERIOD_US = 100_000
NODE_MODE = 0o600
_OCI_NAMES = {"blockio": "blockIO"}

# What tells about, or acts on, the whole machine. As container engines do.
MASKED_PATHS = (
    *("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys"),
    *("/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list"),
    *("/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"),
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image says about how it runs."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    cwd: str = ""


@dataclass(frozen=True, slots=True)
class User:
    """The numbers that a container runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


def own_uid(name: str) -> int:
    """Return the user number of a service that names none: it follows from its name alone."""
    return FIRST_UID + zlib.crc32(name.encode()) % UIDS


def runtime_spec(
    name: str,
    settings: Settings,
    image: ImageConfig,
    user: User,
    *,
    supervised: bool = False,
    confined: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the configuration of one container.

    Args:
        name: Of the container.
        settings: Those of the image and of the system file, merged.
        image: What the image says.
        user: The numbers for `settings.uid` and the like.
        supervised: It is a service, so its start is told to the supervisor.
        confined: What the launcher is told that holds it to its paths (edge.oci.landlock).

    Raises:
        InputError: There is no command, or settings contradict each other.
    """
    _refuse_contradictions(name, settings)
    refuse_mappings(name, settings, user.uid, user.gid)
    points = mounts(settings, uid=user.uid, gid=user.gid)
    spec: dict[str, Any] = {
        "ociVersion": VERSION,
        "process": _process(name, settings, image, user, confined),
        "root": {"path": "rootfs", "readonly": settings.readonly},
        "mounts": [point.spec() for point in points],
        "linux": _linux(name, settings, user),
    }
    if settings.hostname is not None:
        spec["hostname"] = settings.hostname
    if settings.annotations:
        spec["annotations"] = dict(settings.annotations)
    if found := hooks(name, settings, supervised=supervised):
        spec["hooks"] = found
    return spec


def hooks(name: str, settings: Settings, *, supervised: bool) -> dict[str, Any]:
    """Return what the device does for a container while it starts.

    Raises:
        InputError: It asks for what a container like it cannot have.
    """
    found: dict[str, Any] = {}
    if attach := attach_hook(name, settings):
        found["createRuntime"] = [attach]
    if supervised and settings.readiness is Ready.STARTED:
        found["poststart"] = [{"path": STARTED_HOOK, "args": ["started"]}]
    return found


def _refuse_contradictions(name: str, settings: Settings) -> None:
    """Refuse now what the runtime would refuse on the device."""
    refuse_unsupported(name, settings)
    if settings.hostname is not None and settings.uts in HOST:
        raise InputError(f"{name}: hostname: needs a uts namespace of its own")
    if settings.confined is not None and not settings.no_new_privileges:
        hint = "Landlock takes away what set-uid programs would get: leave one of them out"
        raise InputError(f"{name}: landlock: not with noNewPrivileges: false", hint=hint)
    shared = [key for key in settings.sysctl if key.startswith("net.") and settings.net in HOST]
    if shared:
        raise InputError(f"{name}: sysctl: {shared[0]}: needs a network namespace of its own")


def encoded(spec: dict[str, Any]) -> bytes:
    """Return the bytes of `config.json`: the same for the same configuration."""
    return json.dumps(spec, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def capabilities(settings: Settings) -> tuple[str, ...]:
    """Return the capabilities of a container, each once, sorted."""
    names = {*settings.capabilities, *settings.capabilities_add}
    if "all" in names:
        return tuple(sorted(f"CAP_{name}" for name in CAPABILITIES))
    return tuple(sorted(names - {"none"}))


def _process(
    name: str, settings: Settings, image: ImageConfig, user: User, confined: Sequence[str]
) -> dict[str, Any]:
    arguments = settings.command
    if arguments is None:
        arguments = (*image.entrypoint, *image.command)
    if not arguments:
        raise InputError(f"{name}: nothing to run: neither `command` nor the image names a program")
    env = list(settings.env or image.env)
    if not any(variable.startswith("PATH=") for variable in env):
        env.insert(0, PATH)
    process: dict[str, Any] = {
        "terminal": False,
        "user": _user(user),
        "args": landlock.launched(confined, arguments, main=True),
        "env": env,
        "cwd": settings.cwd or image.cwd or "/",
        "capabilities": _capability_sets(settings, user),
        "noNewPrivileges": settings.no_new_privileges,
    }
    if settings.rlimits:
        process["rlimits"] = [_rlimit(text) for text in settings.rlimits]
    if settings.oom_score_adj is not None:
        process["oomScoreAdj"] = settings.oom_score_adj
    return process


def _user(user: User) -> dict[str, Any]:
    numbers: dict[str, Any] = {"uid": user.uid, "gid": user.gid}
    return numbers | ({"additionalGids": list(user.groups)} if user.groups else {})


def _capability_sets(settings: Settings, user: User) -> dict[str, list[str]]:
    """Return all five sets. Only ambient ones outlive the exec of a user that is not root."""
    names = capabilities(settings)
    ambient = set(settings.ambient) - {"none", "all"}
    if user.uid != 0 or "all" in settings.ambient:
        ambient |= set(names)
    held = sorted({*names, *ambient})
    sets = ("bounding", "effective", "inheritable", "permitted")
    return {**{key: list(held) for key in sets}, "ambient": sorted(ambient)}


def _rlimit(text: str) -> dict[str, Any]:
    kind, soft, *hard = text.split(",")
    numbers = [UNLIMITED if word in ("unlimited", "-1") else int(word) for word in (soft, *hard)]
    return {"type": f"RLIMIT_{kind.upper()}", "soft": numbers[0], "hard": numbers[-1]}


def _linux(name: str, settings: Settings, user: User) -> dict[str, Any]:
    masked, readonly = settings.masked_paths, settings.readonly_paths
    linux: dict[str, Any] = {
        **_mappings(settings),
        "namespaces": _namespaces(settings),
        "cgroupsPath": settings.cgroups_path or f"{CGROUP}/{name}",
        "resources": _resources(settings),
        "maskedPaths": list(MASKED_PATHS if masked is None else masked),
        "readonlyPaths": list(READONLY_PATHS if readonly is None else readonly),
    }
    if nodes := [_node(device, user) for device in settings.devices if device.major is not None]:
        linux["devices"] = nodes
    if settings.sysctl:
        linux["sysctl"] = dict(settings.sysctl)
    if settings.rootfs_propagation is not None:
        linux["rootfsPropagation"] = settings.rootfs_propagation.value
    if settings.seccomp is Seccomp.DEFAULT:
        linux["seccomp"] = seccomp.profile(capabilities(settings))
    return linux


def _mappings(settings: Settings) -> dict[str, Any]:
    found = {"uidMappings": settings.uid_mappings, "gidMappings": settings.gid_mappings}
    return {
        key: [one.model_dump(by_alias=True) for one in mappings]
        for key, mappings in found.items()
        if mappings
    }


def _namespaces(settings: Settings) -> list[dict[str, str]]:
    wanted = {
        "pid": settings.pid,
        "network": settings.net,
        "ipc": settings.ipc,
        "uts": settings.uts,
        "user": settings.userns,
        "cgroup": settings.cgroupns,
    }
    found = [{"type": "mount"}]
    for kind, value in wanted.items():
        if value.startswith("/"):
            found.append({"type": kind, "path": value})
        elif value not in HOST:
            found.append({"type": kind})
    return sorted(found, key=lambda namespace: namespace["type"])


def _node(device: Device, user: User) -> dict[str, Any]:
    return {
        "path": device.path,
        "type": device.type or "c",
        "major": device.major,
        "minor": device.minor or 0,
        "fileMode": NODE_MODE if device.node_mode is None else device.node_mode,
        "uid": user.uid,
        "gid": user.gid,
    }


def _resources(settings: Settings) -> dict[str, Any]:
    """Return the cgroup limits; `limits` is written over what `resources` says.

    Memory and processes are limited in any case, so that one service cannot starve the others.
    """
    found: dict[str, Any] = {"devices": [{"allow": False, "access": "rwm"}]}
    # A pipe is no device to the kernel: the mode of its file is all that guards it.
    found["devices"] += [device_rule(one) for one in settings.devices if one.type != "p"]
    if settings.resources is not None:
        given = settings.resources.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude_unset=True
        )
        found["devices"] += [{"allow": False} | rule for rule in given.pop("devices", ())]
        found |= {_OCI_NAMES.get(key, key): value for key, value in given.items()}
    limits = settings.limits or Limits()
    memory = found.setdefault("memory", {})
    if limits.memory_mib is not None or "limit" not in memory:
        memory["limit"] = (limits.memory_mib or DEFAULT_MEMORY_MIB) << 20
    memory.setdefault("swap", 2 * memory["limit"])  # memory and swap: as much again
    if limits.pids is not None or "pids" not in found:
        found["pids"] = {"limit": limits.pids or DEFAULT_PIDS}
    if limits.cpu_percent is not None:
        quota_us = limits.cpu_percent * PERIOD_US // 100
        found.setdefault("cpu", {}).update(quota=quota_us, period=PERIOD_US)
    return found


def device_rule(device: Device) -> dict[str, Any]:
    """Return the rule of the device cgroup that lets a container use a device."""
    access = device.access or "rw"
    if device.path == "all":
        kind = {"type": device.type} if device.type else {}
        return {"allow": True, **kind, "access": device.access or "rwm"}
    rule: dict[str, Any] = {"allow": True, "type": device.type or "c", "access": access}
    if not is_plain(device):
        rule |= {"major": device.major, "minor": device.minor or 0}
    return rule
