"""What is made ready on the device before a container starts, as lines that its shell reads.

`runtime:` of LinuxKit, and a root that can be written: an overlay whose upper layer is in memory,
new at each start. `device-agent/init/files/usr/lib/edge/bundle` and `attach` carry it out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from edge.errors import InputError
from edge.oci.mounts import HOST
from edge.system.mounting import BoundNamespaces, Interface, Mount, Runtime
from edge.system.settings import Settings

ATTACH_HOOK = "/usr/lib/edge/attach"
NOTHING = "-"  # an empty word of a line
OVERLAY_MODULE = "overlay"
_VETH = "veth"
# Kinds of interfaces whose module is called otherwise.
_MODULES = {"vlan": "8021q", "bond": "bonding"}


class RootKind(StrEnum):
    """What `rootfs` of a container is on the device."""

    FILES = ""
    OVERLAY = "overlay"
    BIND = "bind"


@dataclass(frozen=True, slots=True)
class PreparedRoot:
    """Where the files of a container are: in its `rootfs`, or in `lower` of it or of another."""

    kind: RootKind = RootKind.FILES
    lower: str = ""


FILES_THEMSELVES = PreparedRoot()


def preparation(name: str, settings: Settings, root: PreparedRoot) -> dict[str, str | int]:
    """Return the lines for the `conf` of a container.

    Raises:
        InputError: A word of a line holds a blank.
    """
    runtime = settings.runtime or Runtime()
    return {
        "ROOT": root.kind.value,
        "LOWER": root.lower,
        "CGROUPS": "\n".join(_inside(name, group.strip("/")) for group in runtime.cgroups),
        "MOUNTS": "\n".join(_mount(name, mount) for mount in runtime.mounts),
    }


def attach_hook(name: str, settings: Settings) -> dict[str, Any] | None:
    """Return the hook that gives a container interfaces and binds its namespaces, if it needs one.

    Raises:
        InputError: An interface is given to a container that has no network of its own, or a word
            holds a blank.
    """
    runtime = settings.runtime or Runtime()
    interfaces = "\n".join(_interface(name, one) for one in runtime.interfaces)
    bound = "\n".join(_bound(name, runtime.bind_ns or BoundNamespaces()))
    if not interfaces and not bound:
        return None
    if interfaces and settings.net in HOST:
        hint = "write `net: new`"
        raise InputError(f"{name}: runtime.interfaces: needs a network of its own", hint=hint)
    return {"path": ATTACH_HOOK, "args": ["attach", interfaces, bound]}


def modules(settings: Settings) -> list[str]:
    """Return the kernel modules that the preparation of a container needs."""
    runtime = settings.runtime or Runtime()
    kinds = [_kind(one) for one in runtime.interfaces]
    found = [_MODULES.get(kind, kind) for kind in kinds if kind != NOTHING]
    if not settings.readonly or any(mount.kind == OVERLAY_MODULE for mount in runtime.mounts):
        found.append(OVERLAY_MODULE)
    return found


def _mount(name: str, mount: Mount) -> str:
    """Return `type source destination options`."""
    if mount.place is None:
        raise InputError(f"{name}: runtime.mounts: an entry has no destination")
    if mount.uidmappings or mount.gidmappings:
        hint = "write them in `mounts` of the container"
        raise InputError(f"{name}: runtime.mounts: mappings are not supported yet", hint=hint)
    options = ",".join(mount.options)
    words = (
        mount.kind or "",
        mount.source or mount.kind or "",
        _inside(name, mount.place),
        options,
    )
    return " ".join(_word(name, word) for word in words)


def _interface(name: str, one: Interface) -> str:
    """Return `name type peer yes|no`: the last whether it is made in the device's network."""
    kind = _kind(one)
    if kind == _VETH and not one.peer:
        raise InputError(f"{name}: runtime.interfaces: {one.name}: a veth needs a `peer`")
    in_root = "yes" if one.create_in_root or kind == _VETH else "no"
    words = (one.name, kind, one.peer or "", in_root)
    return " ".join(_word(name, word) for word in words)


def _kind(one: Interface) -> str:
    return one.add or (_VETH if one.peer else NOTHING)


def _bound(name: str, bound: BoundNamespaces) -> Iterator[str]:
    """Give `kind path` for each namespace that is bound."""
    for kind in BoundNamespaces.model_fields:
        if path := getattr(bound, kind):
            yield f"{kind} {_word(name, path)}"


def _inside(name: str, path: str) -> str:
    """Return a path that leaves nothing.

    Raises:
        InputError: It holds '..', or a blank.
    """
    if ".." in path.split("/"):
        raise InputError(f"{name}: runtime: {path!r}: a path may hold no '..'")
    return _word(name, path)


def _word(name: str, text: str) -> str:
    """Return a word of a line.

    Raises:
        InputError: It is more than one word.
    """
    if text and text.split() != [text]:
        raise InputError(f"{name}: {text!r}: a blank is not supported here")
    return text or NOTHING
