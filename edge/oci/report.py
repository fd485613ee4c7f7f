"""What a system costs and what its containers may do, for `edge report`."""

from collections.abc import Mapping
from dataclasses import dataclass

from edge.oci.modules import ON_DEVICE
from edge.oci.mounts import CONFINE, mounts
from edge.oci.spec import capabilities
from edge.oci.supervision import Supervised
from edge.oci.tree import Kind, Tree

INIT, MODULES = "init", "kernel modules"
NAMESPACES = ("net", "pid", "ipc", "uts", "cgroupns")


@dataclass(frozen=True, slots=True)
class PartSize:
    """The bytes of one part of the root: `alone_bytes` would be saved by leaving it out."""

    part: str
    alone_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Privileges:
    """What a container may do beyond nothing.

    `landlock` is what it is held to besides, in the words of the launcher; empty if to nothing.
    With `userns` new, `capabilities` hold for what belongs to the container only. `listens` are
    the ports that it says others reach it at, which a firewall lets in.
    """

    name: str
    section: str
    uid: int
    gid: int
    capabilities: tuple[str, ...]
    net: str
    joined: tuple[str, ...]
    writable: tuple[str, ...]
    readable: tuple[str, ...]
    devices: tuple[str, ...]
    seccomp: str
    new_privileges: bool
    writable_root: bool
    landlock: tuple[str, ...] = ()
    userns: str = "host"
    listens: tuple[str, ...] = ()


def part_sizes(root: Tree, places: Mapping[str, str]) -> tuple[PartSize, ...]:
    """Return the sizes of all parts, the largest first.

    Args:
        root: The whole root.
        places: The part that each folder of a container belongs to.
    """
    owners: dict[tuple[str, ...], set[str]] = {}
    sizes: dict[tuple[str, ...], int] = {}
    for path, entry in root:
        if entry.kind is Kind.FILE:
            owners.setdefault(entry.identity(), set()).add(_part(path, places))
            sizes[entry.identity()] = entry.size_bytes
    parts = {INIT, *places.values()}.union(*owners.values())
    found = [
        PartSize(
            part,
            sum(sizes[file] for file, owning in owners.items() if owning == {part}),
            sum(sizes[file] for file, owning in owners.items() if part in owning),
        )
        for part in parts
    ]
    return tuple(sorted(found, key=lambda size: (-size.alone_bytes, size.part)))


def _part(path: str, places: Mapping[str, str]) -> str:
    place = "/".join(path.split("/")[:3])
    if place in places:
        return places[place]
    return MODULES if path.startswith(f"{ON_DEVICE}/") else INIT


def privileges(section: str, container: Supervised) -> Privileges:
    """Return the row of a container in the table of privileges."""
    settings, user = container.settings, container.user
    binds = [point for point in mounts(settings, uid=user.uid, gid=user.gid) if point.is_bind]
    named = {device.path for device in settings.devices}
    shown = [point for point in binds if point.destination not in {*named, CONFINE}]
    return Privileges(
        name=container.name,
        section=str(section),
        uid=user.uid,
        gid=user.gid,
        capabilities=capabilities(settings),
        net=settings.net,
        joined=tuple(name for name in NAMESPACES if getattr(settings, name) not in ("new", "none")),
        writable=tuple(point.source for point in shown if point.is_writable),
        readable=tuple(point.source for point in shown if not point.is_writable),
        devices=tuple(sorted(named)),
        seccomp=settings.seccomp.value,
        new_privileges=not settings.no_new_privileges,
        writable_root=not settings.readonly,
        landlock=container.confined,
        userns=settings.userns,
        listens=settings.listens,
    )
