"""The words with which `edge-confine` holds a container to its paths and ports, by Landlock.

The launcher (device-agent/init/src/confine.c) is shown in the container and runs its program. It
follows no links, as a service could put one where it may write: those of the image are followed
here, at the build.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence

from edge.errors import InputError
from edge.oci.mounts import ALWAYS_THERE, CONFINE, MountPoint, mounts
from edge.oci.tree import Kind, Tree
from edge.system.settings import Settings

USED = ("/dev", "/proc")  # written and given commands, by whom the files there let
OF_THE_KERNEL = ("proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue")


def words(name: str, settings: Settings, image: Tree) -> tuple[str, ...]:
    """Return what the launcher is told; nothing if the container is not confined.

    Args:
        name: Of the container, for messages.
        settings: Its settings.
        image: Its root as the image has it.

    Raises:
        InputError: A path is neither in the image nor mounted.
    """
    wanted = settings.confined
    if wanted is None:
        return ()
    places = _Places(name, mounts(settings, uid=0, gid=0), image)
    writable = places.writable() if settings.readonly else ["/"]
    found = [
        *places.told("read", wanted.read, ["/"]),
        *places.told("execute", wanted.execute, places.programs()),
        *places.told("write", wanted.write, writable),
        "use:/dev",
    ]
    found += ["use:/proc"] if wanted.read is None else []
    return (*found, *_ports("bind", wanted.tcp_bind), *_ports("connect", wanted.tcp_connect))


def launched(confined: Sequence[str], command: Sequence[str], *, main: bool) -> list[str]:
    """Return a command as the launcher runs it; the command itself if nothing confines it.

    Args:
        confined: What `words` returned.
        command: Program and arguments.
        main: It is the container's own, whose sockets no health check has to reach.
    """
    if not confined:
        return list(command)
    return [CONFINE, *confined, *(["no-sockets"] if main else []), "--", *command]


def launched_text(confined: Sequence[str], command: Sequence[str]) -> str:
    """Return the command of a health check as a shell reads it."""
    return shlex.join(launched(confined, command, main=False))


def _ports(kind: str, ports: Sequence[int] | None) -> list[str]:
    return [] if ports is None else [kind, *(f"{kind}:{port}" for port in sorted(set(ports)))]


class _Places:
    """The paths of one container: where they are, with the links of its image followed."""

    def __init__(self, name: str, points: Sequence[MountPoint], image: Tree) -> None:
        self._name, self._image = name, image
        self._mounted = {
            f"/{image.resolve(point.destination)}": point
            for point in points
            if point.destination != CONFINE
        }

    def told(self, key: str, paths: Sequence[str] | None, default: Iterable[str]) -> list[str]:
        """Return a word for each path, each once."""
        if paths is not None:
            default = [self._place(key, path) for path in paths]
        return [f"{key}:{path}" for path in dict.fromkeys(default)]

    def writable(self) -> list[str]:
        """Return what is mounted to be written."""
        return [
            path
            for path, point in sorted(self._mounted.items())
            if point.is_writable and point.type not in OF_THE_KERNEL and path not in USED
        ]

    def programs(self) -> list[str]:
        """Return the fewest paths that hold all programs of the image, and nothing mounted."""
        above = {parent for path in self._mounted for parent in _parents(path)}
        found: dict[str, None] = {}
        for name, entry in self._image:
            if entry.kind is not Kind.FILE or not entry.mode & 0o111:
                continue
            path = f"/{name}"
            chain = [*_parents(path), path]
            whole = next((one for one in chain if one not in above), None)
            if whole is not None and whole not in self._mounted:
                found[whole] = None
        return list(found)

    def _place(self, key: str, path: str) -> str:
        """Return a path with the links of the image followed, and those of no mount."""
        mounted = [one for one in self._destinations() if one == path or path.startswith(f"{one}/")]
        if mounted:
            covered = max(mounted, key=len)
            return _clean(f"/{self._image.resolve(covered)}{path.removeprefix(covered)}")
        place = f"/{self._image.resolve(path)}"
        if self._is_there(place):
            return place
        hint = "name a path of the image, or mount something there with `binds:` or `tmpfs:`"
        raise InputError(f"{self._name}: landlock: {key}: there is no {path}", hint=hint)

    def _destinations(self) -> Iterator[str]:
        """Give where mounts are, as written and with links followed."""
        yield from self._mounted
        yield from (point.destination for point in self._mounted.values())

    def _is_there(self, place: str) -> bool:
        name = place.lstrip("/")
        return (
            name in ("", *ALWAYS_THERE)
            or self._image.get(name) is not None
            or any(
                one.startswith(f"{place}/") or place.startswith(f"{one}/") or one == place
                for one in self._mounted
            )
        )


def _parents(path: str) -> list[str]:
    """Return the folders above a path, the root first."""
    parts = path.strip("/").split("/")
    return ["/", *("/" + "/".join(parts[:count]) for count in range(1, len(parts)))]


def _clean(path: str) -> str:
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
