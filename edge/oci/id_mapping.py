"""User namespaces: which numbers of the device stand for those of a container.

`userns: new` without mappings gets some that follow from the container's name alone. The user that
its program runs as is its own number on the device, also if it is root inside; all others are of
a range that nobody else has. Numbers of the device itself, root's above all, are in none.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from edge.errors import InputError
from edge.oci.spec import User, own_uid
from edge.oci.tree import Tree
from edge.system.mounting import IdMapping
from edge.system.settings import Settings

RANGE = 1 << 16
FIRST, RANGES = 1 << 30, 1 << 15
_READ_AND_RUN = 0o5


@dataclass(frozen=True, slots=True)
class Mapped:
    """The settings of a container with all mappings, and its user as the device knows it."""

    settings: Settings
    on_device: User


def mapped(containers: Iterable[tuple[str, Settings]], users: Mapping[str, User]) -> list[Mapped]:
    """Return the containers with the mappings that were not written.

    Args:
        containers: Names and settings.
        users: Whom each name runs as, inside.

    Raises:
        InputError: Two names come to one range, or settings do not go with such a namespace.
    """
    found, ranges = [], dict[int, str]()
    for name, settings in containers:
        if _is_automatic(settings):
            other = ranges.setdefault(_first(name), name)
            if other != name:
                raise InputError(f"{name} and {other} come to the same users", hint="rename one")
            _refuse_clash(name, users)
            settings = _filled(name, settings, users[name])
        found.append(Mapped(settings, _on_device(users[name], settings)))
    return found


def reown(rootfs: Tree, settings: Settings) -> None:
    """Give the files that only their owner may use to those who stand for him on the device.

    All others stay as they are, shared with other containers: inside, they are nobody's.
    """
    for path, entry in list(rootfs):
        closed = entry.mode >> 6 & ~entry.mode & _READ_AND_RUN
        if settings.uid_mappings and (closed or entry.uid or entry.gid):
            uid = _outside(entry.uid, settings.uid_mappings)
            gid = _outside(entry.gid, settings.gid_mappings)
            rootfs.put(path, replace(entry, uid=uid, gid=gid))


def _refuse_clash(name: str, users: Mapping[str, User]) -> None:
    """Refuse a name whose own number is that of another container."""
    same = [other for other, user in users.items() if other != name and user.uid == own_uid(name)]
    if same:
        raise InputError(f"{name} and {same[0]} come to the same users", hint="rename one")


def _is_automatic(settings: Settings) -> bool:
    return settings.userns == "new" and not (settings.uid_mappings or settings.gid_mappings)


def _first(name: str) -> int:
    return FIRST + zlib.crc32(name.encode()) % RANGES * RANGE


def _filled(name: str, settings: Settings, user: User) -> Settings:
    if user.groups:
        hint = "write uidMappings and gidMappings, with the groups in them"
        raise InputError(f"{name}: userns: new: groups of others are not in it", hint=hint)
    if not settings.readonly:
        hint = "leave `readonly` out, and mount what is written with `tmpfs:` or `binds:`"
        raise InputError(f"{name}: userns: new: its root can not be written", hint=hint)
    mappings = {
        "uid_mappings": _around(name, user.uid),
        "gid_mappings": _around(name, user.gid),
    }
    return settings.model_copy(update=mappings)


def _around(name: str, number: int) -> tuple[IdMapping, ...]:
    """Return the whole range, and in the place of one number the container's own."""
    if number >= RANGE:
        hint = f"write a number below {RANGE}, or the mappings"
        raise InputError(f"{name}: userns: new: {number} is not in its users", hint=hint)
    first = _first(name)
    parts = (
        (0, first, number),
        (number, own_uid(name), 1),
        (number + 1, first + number + 1, RANGE - number - 1),
    )
    return tuple(
        IdMapping(container_id=inside, host_id=outside, size=size)
        for inside, outside, size in parts
        if size
    )


def _on_device(user: User, settings: Settings) -> User:
    return User(
        _outside(user.uid, settings.uid_mappings),
        _outside(user.gid, settings.gid_mappings),
        tuple(_outside(group, settings.gid_mappings) for group in user.groups),
    )


def _outside(number: int, mappings: tuple[IdMapping, ...]) -> int:
    """Return what stands for a number on the device; itself, where nothing does."""
    for one in mappings:
        if one.container_id <= number < one.container_id + one.size:
            return one.host_id + number - one.container_id
    return number
