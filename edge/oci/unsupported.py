"""What is understood, and refused because a device would not carry it out.

Devices have control groups of version 2 only, and crun says no to limits that only version 1 knew.

Source: crun 1.21, src/libcrun/cgroup-resources.c; Linux 6.12, admin-guide/cgroup-v2.rst.
"""

from collections.abc import Iterator

from edge.errors import InputError
from edge.system.resources import BlockIo, Cpu, Memory, Network, Resources
from edge.system.settings import Settings

_VERSION_2 = "devices have control groups of version 2, which know no such limit"
_MEMORY = ("kernel", "kernel_tcp", "swappiness", "disable_oom_killer")
_CPU = ("realtime_runtime", "realtime_period")
_NETWORK = ("class_id", "priorities")


def refuse_unsupported(name: str, settings: Settings) -> None:
    """Refuse the settings of a container that a device does not carry out.

    Raises:
        InputError: There is one.
    """
    for key, hint in _found(settings):
        raise InputError(f"{name}: {key}: not supported yet", hint=hint)


def refuse_mappings(name: str, settings: Settings, uid: int, gid: int) -> None:
    """Refuse mappings that the runtime would refuse: of no user namespace, or without the user.

    Raises:
        InputError: They are of no use.
    """
    given = (
        ("uidMappings", settings.uid_mappings, uid),
        ("gidMappings", settings.gid_mappings, gid),
    )
    for key, mappings, number in given:
        if mappings and settings.userns != "new":
            raise InputError(f"{name}: {key}: needs a user namespace", hint="write `userns: new`")
        if settings.userns == "new" and not mappings:
            hint = f"write {key}: [{{containerID: 0, hostID: 100000, size: 65536}}]"
            raise InputError(f"{name}: userns: new: {key} is missing", hint=hint)
        held = [one for one in mappings if one.container_id <= number < one.container_id + one.size]
        if mappings and not held:
            raise InputError(f"{name}: {key}: the number {number}, which it runs as, is in none")


def _found(settings: Settings) -> Iterator[tuple[str, str | None]]:
    if settings.runtime is not None and settings.runtime.namespace:
        yield "runtime.namespace", "there is no containerd on a device: take it out"
    resources = settings.resources or Resources()
    for key in _version_1(resources):
        yield f"resources.{key}", _VERSION_2


def _version_1(resources: Resources) -> Iterator[str]:
    for group, model, keys in (
        ("memory", Memory, _MEMORY),
        ("cpu", Cpu, _CPU),
        ("network", Network, _NETWORK),
        ("blockio", BlockIo, ("leaf_weight",)),
    ):
        given = getattr(resources, group)
        for key in keys:
            if given is not None and getattr(given, key) not in (None, ()):
                yield f"{group}.{_alias(model, key)}"
    if resources.blockio and any(one.leaf_weight for one in resources.blockio.weight_device):
        yield "blockio.weightDevice.leafWeight"


def _alias(model: type[Memory | Cpu | Network | BlockIo], key: str) -> str:
    return model.model_fields[key].alias or key
