"""Which user number each container runs as.

A container that names none gets one that follows from its name alone, so that what it keeps on
the data partition stays its own in every later version of the system.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge.errors import InputError
from edge.oci.own_files import number
from edge.oci.spec import User, own_uid
from edge.system.settings import Settings


@dataclass(frozen=True, slots=True)
class Users:
    """The users of all containers by name, to be asked for and to be named in files."""

    by_name: Mapping[str, User]

    @property
    def uids(self) -> Mapping[str, int]:
        """Return the user number of each name."""
        return {name: user.uid for name, user in self.by_name.items()}


def users(containers: Iterable[tuple[str, Settings]]) -> Users:
    """Return the users of containers; those with one name (onboot and service) share theirs.

    Raises:
        InputError: Two names come to one number, or a name is used that no container has.
    """
    wanted = list(containers)
    uids = {name: _uid(name, settings) for name, settings in wanted}
    _refuse_clashes(wanted, uids)
    gids = {name: _gid(settings, uids[name]) for name, settings in wanted}
    return Users({name: _user(name, settings, uids, gids) for name, settings in wanted})


def _uid(name: str, settings: Settings) -> int:
    return settings.uid if isinstance(settings.uid, int) else own_uid(name)


def _gid(settings: Settings, uid: int) -> int:
    return settings.gid if isinstance(settings.gid, int) else uid


def _user(name: str, settings: Settings, uids: Mapping[str, int], gids: Mapping[str, int]) -> User:
    uid = uids[name] if settings.uid is None else number(settings.uid, uids)
    if settings.gid is None:
        gid = gids.get(settings.uid, uid) if isinstance(settings.uid, str) else gids[name]
    else:
        gid = number(settings.gid, gids)
    return User(uid, gid, tuple(number(group, gids) for group in settings.additional_gids))


def _refuse_clashes(wanted: list[tuple[str, Settings]], uids: Mapping[str, int]) -> None:
    """Refuse a number that was worked out and is also that of another container.

    Numbers that were written may be shared: somebody meant it.
    """
    for name, settings in wanted:
        same = [other for other, uid in uids.items() if uid == uids[name] and other != name]
        if settings.uid is None and same:
            message = f"{name} and {same[0]} come to the same user number {uids[name]}"
            raise InputError(message, hint=f"write another `uid:` for {name}, or rename it")
