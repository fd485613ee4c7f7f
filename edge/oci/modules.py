"""Kernel modules: which files a list of names needs, and in what order they load.

Without depmod and modprobe: `depends=` and `softdep=` are read from the modules themselves. A
soft dependency is often an alias (`crc32c` for `crc32c_generic`) and, as with modprobe, may be
missing; leaving it out when it is there makes drivers fail at run time.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from edge.errors import InputError
from edge.oci import modinfo
from edge.oci.modinfo import ModInfo
from edge.oci.store import Store
from edge.oci.tree import Entry, Slice, Tree, file

FOLDER = "usr/lib/modules"
ON_DEVICE = "usr/lib/modules/edge"
ORDER = f"{ON_DEVICE}/order"
UNPACKED = "kernel-module"
_FILE_NAME = re.compile(r"\.ko(\.[a-z0-9]+)?$")


@dataclass(frozen=True, slots=True)
class Module:
    """One module that is not built in; `entry` is its uncompressed `.ko`."""

    name: str
    entry: Entry


@dataclass(slots=True)
class Kernel:
    """The modules of one kernel package.

    Args:
        tree: All files of the package.
        store: Where unpacked modules are kept.
    """

    tree: Tree
    store: Store
    version: str = field(init=False)
    _paths: dict[str, str] = field(init=False)
    _builtin: frozenset[str] = field(init=False)
    _known: dict[str, tuple[Entry, ModInfo]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        files = [path for path, _ in self.tree if path.startswith((f"{FOLDER}/", "lib/modules/"))]
        self._paths = {name_of(path): path for path in files if _FILE_NAME.search(path)}
        folder = next((path for path in files if path.endswith("/modules.builtin")), None)
        if folder is None:
            raise InputError("the kernel package has no modules.builtin: it is no kernel package")
        self.version = PurePosixPath(folder).parent.name
        self._builtin = frozenset(self._names_built_in(folder))

    def config(self) -> bytes | None:
        """Return the configuration that the package brings, if it does."""
        entry = self.tree.get(f"boot/config-{self.version}")
        return entry.read() if entry else None

    def closure(self, names: Iterable[str]) -> tuple[Module, ...]:
        """Return what the modules need and themselves, each after all that it needs.

        Modules that are built in need no file and are left out.

        Raises:
            InputError: A module, or one that a module depends on, is nowhere.
        """
        done: dict[str, Module | None] = {}
        for name in names:
            self._load(normal(name), done, wanted_by="")
        return tuple(module for module in done.values() if module is not None)

    def image(self) -> Entry:
        """Return the kernel itself (`/boot/vmlinuz-<version>`)."""
        entry = self.tree.get(f"boot/vmlinuz-{self.version}")
        if entry is None:
            raise InputError(f"the kernel package has no boot/vmlinuz-{self.version}")
        return entry

    def _load(self, name: str, done: dict[str, Module | None], *, wanted_by: str) -> None:
        if name in done or name in self._builtin:
            return
        if name not in self._paths:
            raise self._missing(name, wanted_by)
        done[name] = None  # a circle ends here
        entry, info = self._read(name)
        before, after = _soft(info)
        for needed in self._providers(before):
            self._load(needed, done, wanted_by=name)
        for needed in _names(info.get("depends", ())):
            self._load(needed, done, wanted_by=name)
        del done[name]
        done[name] = Module(name, entry)
        for needed in self._providers(after):
            self._load(needed, done, wanted_by=name)

    def _missing(self, name: str, wanted_by: str) -> InputError:
        near = difflib.get_close_matches(name, [*self._paths, *self._builtin], n=3)
        reason = f", which {wanted_by} needs" if wanted_by else ""
        hint = f"did you mean {', '.join(near)}?" if near else None
        return InputError(f"kernel {self.version} has no module '{name}'{reason}", hint=hint)

    def _providers(self, names: Iterable[str]) -> Iterator[str]:
        """Give the modules behind names or aliases; those that are nowhere are left out."""
        for name in names:
            if name in self._paths:
                yield name
            elif name not in self._builtin:
                yield from (other for other in self._paths if self._answers_to(other, name))

    def _answers_to(self, module: str, alias: str) -> bool:
        # Only modules that carry the alias in their name are opened: to read all 4000 takes a
        # minute, and the algorithm modules that softdeps name are all called like that.
        if alias not in module:
            return False
        aliases = self._read(module)[1].get("alias", ())
        return any(normal(found) in (alias, f"crypto_{alias}") for found in aliases)

    def _read(self, name: str) -> tuple[Entry, ModInfo]:
        if name not in self._known:
            packed = self.tree.get(self._paths[name])
            if packed is None:
                raise self._missing(name, "")
            entry = self._unpacked(self._paths[name], packed)
            self._known[name] = entry, modinfo.modinfo(entry.read())
        return self._known[name]

    def _unpacked(self, path: str, packed: Entry) -> Entry:
        digest = self.store.recall(UNPACKED, packed.sha256)
        if digest is None:
            digest = self.store.add_bytes(modinfo.decompress(path, packed.read()))
            self.store.remember(UNPACKED, packed.sha256, digest)
        blob = self.store.path(digest)
        content = Slice(blob, 0, blob.stat().st_size)
        return file(content, sha256=digest.removeprefix("sha256:"))

    def _names_built_in(self, path: str) -> Iterator[str]:
        entry = self.tree.get(path)
        for line in entry.read().decode().split() if entry else ():
            yield name_of(line)


def modules_tree(modules: Iterable[Module]) -> Tree:
    """Return modules and their load order as they are on the device."""
    tree = Tree()
    names = []
    for module in modules:
        tree.add(f"{ON_DEVICE}/{module.name}.ko", module.entry)
        names.append(f"{module.name}.ko\n")
    tree.add(ORDER, file("".join(names).encode()))
    return tree


def normal(name: str) -> str:
    """Return a module's name as the kernel tells it: `-` and `_` are one."""
    return name.strip().replace("-", "_")


def name_of(path: str) -> str:
    """Return the name of the module in a file."""
    return normal(_FILE_NAME.sub("", path.rpartition("/")[2]))


def _names(values: Iterable[str]) -> list[str]:
    return [normal(name) for value in values for name in value.split(",") if name.strip()]


def _soft(info: ModInfo) -> tuple[list[str], list[str]]:
    """Return what to load before and after: `softdep=pre: a b post: c`."""
    wanted: dict[str, list[str]] = {"pre:": [], "post:": []}
    for value in info.get("softdep", ()):
        place = "pre:"
        for word in value.split():
            if word in wanted:
                place = word
            else:
                wanted[place].append(normal(word))
    return wanted["pre:"], wanted["post:"]
