"""What the supervisor of the device reads: s6 service folders, and a `conf` for each container.

`conf` is read by a shell with `. ./conf`: one assignment a line, each value in single quotes, so
that nothing in it is ever run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from edge.errors import InputError
from edge.oci import landlock
from edge.oci.mounts import is_plain
from edge.oci.preparing import FILES_THEMSELVES, PreparedRoot, preparation
from edge.oci.spec import User
from edge.oci.tree import Tree, file, folder, link
from edge.system.order import start_order
from edge.system.settings import Settings, Update
from edge.system.volumes import Volume

PROGRAMS = "/usr/lib/edge/service"
FOLDER = "etc/edge"
READY_DESCRIPTOR = 3
MKDIR_MODE = "0755"


@dataclass(frozen=True, slots=True)
class Supervised:
    """A container as the supervisor knows it.

    Attributes:
        name: Its name.
        settings: Those of image and item, merged.
        user: The numbers of its user.
        root: What init makes its root of.
        confined: What the launcher is told that holds it to its paths.
    """

    name: str
    settings: Settings
    user: User
    root: PreparedRoot = FILES_THEMSELVES
    confined: tuple[str, ...] = ()


def service_conf(service: Supervised) -> bytes:
    """Return the `conf` of a service."""
    settings, health = service.settings, service.settings.health
    values: dict[str, str | int] = {
        "NAME": service.name,
        "UID": service.user.uid,
        "GID": service.user.gid,
        "DEPENDS": " ".join(settings.depends_on),
        "AFTER": " ".join(settings.after),
        "RESTART": settings.restart.value,
        "READY": settings.readiness.value,
        "STOP_TIMEOUT_S": settings.stop_timeout_s,
        "HEALTH_COMMAND": (
            landlock.launched_text(service.confined, health.command) if health else ""
        ),
        "HEALTH_INTERVAL_S": health.interval_s if health else "",
        "HEALTH_TIMEOUT_S": health.timeout_s if health else "",
        "HEALTH_RETRIES": health.retries if health else "",
        "HEALTH_START_S": health.start_s if health else "",
        "MKDIR": _mkdir(service),
        "DEVICES": " ".join(
            _one_word(one.path, service) for one in settings.devices if is_plain(one)
        ),
        **preparation(service.name, settings, service.root),
        **({"UPDATE": settings.update.value} if settings.update is Update.IN_PLACE else {}),
    }
    return assignments(values)


def oneshot_conf(item: Supervised) -> bytes:
    """Return the `conf` of an onboot or onshutdown container."""
    values: dict[str, str | int] = {
        "NAME": item.name,
        "TIMEOUT_S": item.settings.timeout_s,
        "ON_FAILURE": item.settings.on_failure.value,
        **({"BEFORE_DATA": "yes"} if item.settings.before_data else {}),
        "MKDIR": _mkdir(item),
        **preparation(item.name, item.settings, item.root),
    }
    return assignments(values)


def assignments(values: Mapping[str, str | int]) -> bytes:
    """Return shell assignments whose values are taken as they are.

    Raises:
        InputError: A value holds a NUL, which no shell can keep.
    """
    lines = []
    for key, value in values.items():
        text = str(value)
        if "\0" in text:
            raise InputError(f"{key}: a NUL cannot be passed to a shell")
        lines.append(f"{key}={quoted(text)}\n")
    return "".join(lines).encode()


def quoted(text: str) -> str:
    """Return a word that a shell reads as exactly this text."""
    return "'" + text.replace("'", "'\\''") + "'"


def _mkdir(item: Supervised) -> str:
    """Return lines `path mode uid gid`: folders of the device that are the service's own."""
    runtime = item.settings.runtime
    owner = f"{MKDIR_MODE} {item.user.uid} {item.user.gid}"
    paths = (_one_word(path, item) for path in (runtime.mkdir if runtime else ()))
    return "\n".join(f"{path} {owner}" for path in paths)


def _one_word(path: str, item: Supervised) -> str:
    """Return a path as the shell compares it, less double and last slashes.

    Raises:
        InputError: It is more than one word of a line.
    """
    if path.split() != [path]:
        raise InputError(f"{item.name}: {path!r}: a blank in a path is not supported here")
    return "/" + "/".join(PurePosixPath(path).parts[1:])


def add_service(service: Supervised, tree: Tree) -> None:
    """Put the s6 service folder of a service into the root; init copies it to /run."""
    base = f"{FOLDER}/services/{service.name}"
    tree.add(f"{base}/conf", file(service_conf(service)))
    tree.add(f"{base}/notification-fd", file(f"{READY_DESCRIPTOR}\n".encode()))
    tree.add(f"{base}/run", link(f"{PROGRAMS}/run"))
    tree.add(f"{base}/finish", link(f"{PROGRAMS}/finish"))
    tree.add(f"{base}/log/run", link(f"{PROGRAMS}/log"))
    tree.add(f"{base}/data", folder())  # for what the programs above note about it


def add_oneshot(section: str, folder_name: str, item: Supervised, tree: Tree) -> None:
    """Put the `conf` of an onboot or onshutdown container into the root."""
    tree.add(f"{FOLDER}/{section}/{folder_name}.conf", file(oneshot_conf(item)))


def add_order(services: Iterable[Supervised], tree: Tree) -> None:
    """Put the start order of services into the root, one name a line.

    Raises:
        InputError: A service depends on one that is not there.
    """
    settings = {one.name: one.settings for one in services}
    needs = {name: one.waits_for for name, one in settings.items()}
    for name, one in settings.items():
        if missing := set(one.depends_on) - needs.keys():
            unknown = min(missing)
            raise InputError(f"services: {name}: depends_on: there is no service {unknown!r}")
    names = "".join(f"{name}\n" for name in start_order(needs))
    tree.add(f"{FOLDER}/order", file(names.encode()))


def add_volumes(volumes: Iterable[Volume], tree: Tree) -> None:
    """Put what init does with volumes into the root: a line `name memory|kept|fixed` for each."""
    lines = "".join(f"{volume.name} {_keeping(volume)}\n" for volume in volumes)
    if lines:
        tree.add(f"{FOLDER}/volumes", file(lines.encode()))


def _keeping(volume: Volume) -> str:
    if volume.readonly:
        return "fixed"
    return "kept" if volume.persistent else "memory"


def add_ports(services: Iterable[Supervised], tree: Tree) -> None:
    """Put what services listen on into the root, a line `tcp 22` for each port."""
    ports = {port.replace("/", " ") for one in services for port in one.settings.listens}
    tree.add(f"{FOLDER}/ports", file("".join(f"{port}\n" for port in sorted(ports)).encode()))


def add_versions(versions: Mapping[str, str], tree: Tree) -> None:
    """Put the versions of the services' images into the root, a line `service version` for each."""
    lines = "".join(f"{name} {version}\n" for name, version in sorted(versions.items()))
    tree.add(f"{FOLDER}/versions", file(lines.encode()))
