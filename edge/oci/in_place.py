"""Services that are updated in place: what their images hold, and what the root says of them.

The image of such a service is a folder `rootfs` as the root has it, with the `config.json` and the
`conf` that go with it. Init starts it only if `conf` is the one of the verified root, and
`config.json` differs from that of the root in args, env and cwd of its process alone; that is why
both are written one word a line (device-agent/init/files/usr/lib/edge/in-place).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from edge.errors import InputError
from edge.oci.tree import Tree, file
from edge.oci.volumes import LOWER
from edge.system.parts import Section
from edge.system.settings import Settings, Update
from edge_signing.running import SERVICES_MOST

LIST: Final = "etc/edge/in-place"
LOOP_MODULE: Final = "loop"
REQUEST_PIPE: Final = "/dev/edge/request"
_PLACE: Final = "containers/services"


def is_in_place(section: Section, settings: Settings) -> bool:
    """Say whether a container is a service that is updated in place."""
    return section is Section.SERVICES and settings.update is Update.IN_PLACE


def encoded(spec: dict[str, Any]) -> bytes:
    """Return the bytes of `config.json`, one word a line."""
    return json.dumps(spec, sort_keys=True, indent=1).encode() + b"\n"


def add_list(containers: Iterable[tuple[str, Section, Settings]], root: Tree) -> None:
    """Put into a root which services are updated in place, a line `service digest` for each.

    Raises:
        InputError: One of them updates the others, or nothing does.
    """
    known = list(containers)
    names = [name for name, section, settings in known if is_in_place(section, settings)]
    if not names:
        return
    if len(names) > SERVICES_MOST:
        raise InputError(
            f"services: {len(names)} are updated in place: at most {SERVICES_MOST} can be",
            hint="let others come with the whole system: update: image",
        )
    updaters = [name for name, _section, settings in known if _updates(settings)]
    for name in names:
        if name in updaters:
            raise InputError(
                f"services: {name}: update: what updates others is not updated in place",
                hint="it comes with the whole system: update: image",
            )
    if not updaters:
        raise InputError(
            f"services: {names[0]}: update: in-place needs a service that does it",
            hint="add `- service: agent`",
        )
    lines = [f"{name} {digest(image_tree(root, name))}\n" for name in sorted(names)]
    root.add(LIST, file("".join(lines).encode()), override=True)


def digests(root: Tree) -> Mapping[str, str]:
    """Return what names the root's own version of each service that is updated in place."""
    entry = root.get(LIST)
    lines = entry.read().decode().splitlines() if entry else []
    return {name: found for name, _blank, found in (line.partition(" ") for line in lines)}


def image_tree(root: Tree, name: str) -> Tree:
    """Return what the image of a service holds, out of the root that has it."""
    place, image = f"{_PLACE}/{name}", Tree()
    files = f"{place}/{LOWER}" if f"{place}/{LOWER}" in root else f"{place}/rootfs"
    for source, target in (
        (f"{place}/config.json", "config.json"),
        (f"etc/edge/services/{name}/conf", "conf"),
        (files, "rootfs"),
    ):
        entry = root.get(source)
        if entry is None:
            raise InputError(f"{name}: /{source} is not in the root")
        image.add(target, entry)
        for path in root.below(source):
            below = root.get(path)
            if below is not None:
                image.put(f"{target}{path.removeprefix(source)}", below)
    return image


def digest(tree: Tree) -> str:
    """Return what names a tree: equal for equal files, modes and owners."""
    found = hashlib.sha256()
    for path, entry in tree:
        found.update(json.dumps([path, *entry.identity()]).encode() + b"\n")
    return found.hexdigest()


def _updates(settings: Settings) -> bool:
    return any(one.path == REQUEST_PIPE for one in settings.devices)
