"""Make the one layer of a service: packages, compiled programs, Python, files, in that order.

The rules: no script of a package ever runs; no set-uid or set-gid bit and no device survives;
two packages may not want different files at one path, while the service's own `files` replace
what packages bring. A layer is kept in the store under a hash of all that went into it.
"""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from edge import digest, toolbox
from edge.debian import deb
from edge.debian.archive import Package
from edge.errors import InputError
from edge.oci import blob_tree, python
from edge.oci.blob_tree import BlobTree
from edge.oci.own_files import add_own_file
from edge.oci.select import Selection
from edge.oci.store import Store
from edge.oci.tree import ConflictError, Entry, Kind, Tree, link, on_disk
from edge.system.content import included
from edge.system.packaging import Program
from edge.system.service import ServiceFolder, content_key

# The code that decides what the bytes are: a layer made by another version is made again.
RECIPE = (
    "layer.py",
    "select.py",
    "python.py",
    "own_files.py",
    "tree.py",
    "tar_writer.py",
    "blob_tree.py",
)
MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
KEPT_MODE = 0o1777  # all bits that are kept: set-uid and set-gid are not
PACKAGE, LAYER = "package-tree", "layer"


def package_tree(package: Package, store: Store) -> BlobTree:
    """Return all files of a package in the store, unpacked once and kept.

    Raises:
        InputError: The package is not in the store, or damaged.
    """
    if not store.has(package.digest):
        raise InputError(
            f"package {package.key} is not in the store", hint="fetch the packages first"
        )
    known = store.recall(PACKAGE, package.digest)
    tree = blob_tree.load(known, store) if known else None
    if tree is None:
        tree = blob_tree.spool(deb.members(store.verify(package.digest)), store)
        store.remember(PACKAGE, package.digest, tree.index)
    return tree


def service_layer(service: ServiceFolder, packages: Sequence[Package], store: Store) -> BlobTree:
    """Return the layer of a service folder; made only if any input changed.

    Args:
        service: The folder; its settings are not part of the layer.
        packages: What its packages resolved to; their files are in the store.
        store: Where packages are and the layer goes.

    Raises:
        ConflictError: Two packages want different files at one path.
        InputError: A file or source that `service.yml` names is not there.
    """
    key = _key(service, packages)
    known = store.recall(LAYER, key)
    layer = blob_tree.load(known, store) if known else None
    if layer is None:
        with tempfile.TemporaryDirectory(prefix="edge-layer-") as scratch:
            tree = _contents(service, packages, store, Path(scratch))
            layer = blob_tree.write_layer(tree, store)
        store.remember(LAYER, key, layer.index)
    return layer


def _key(service: ServiceFolder, packages: Sequence[Package]) -> str:
    packaging = service.packaging
    compiles = packaging.python.compile or packaging.build.c
    inputs = [
        _recipe(),
        content_key(service),
        sorted(package.digest for package in packages),
        toolbox.stamp() if compiles else "",
    ]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


@cache
def _recipe() -> tuple[str, ...]:
    return tuple(digest.of_file(Path(__file__).with_name(name)) for name in RECIPE)


def _contents(
    service: ServiceFolder, packages: Sequence[Package], store: Store, scratch: Path
) -> Tree:
    packaging = service.packaging
    tree = from_packages(
        [(package.name, package_tree(package, store).tree) for package in packages],
        Selection(exclude=packaging.exclude, include=packaging.include),
    )
    for number, program in enumerate(packaging.build.c):
        built = _compiled(service, program, scratch / f"program{number}")
        tree.add(program.output, built, override=True)
    for name in packaging.python.packages:
        python.ship(name, tree)
    for wanted in packaging.files:
        add_own_file(wanted, service.path, tree)
    if packaging.python.compile:
        python.compile_all(tree, scratch / "python")
    return tree


def _compiled(service: ServiceFolder, program: Program, output: Path) -> Entry:
    named = [service.source(source) for source in program.sources]
    sources = dict.fromkeys(path for source in named for path in included(source))
    toolbox.compile_c(list(sources), output, static=program.static, flags=program.flags)
    return on_disk(output, mode=0o755)


def from_packages(packages: Sequence[tuple[str, Tree]], selection: Selection) -> Tree:
    """Return what is kept of packages, with Debian's merged /usr and no set-uid bits.

    Raises:
        ConflictError: Two packages want different things at one path; it names both.
    """
    tree = Tree()
    origins: dict[str, str] = {}
    emptied: set[str] = set()
    for name, contents in sorted(packages, key=lambda package: package[0]):
        for path, entry in contents:
            place = merged(path)
            if not selection.keeps(place):
                emptied.add(place.rpartition("/")[0])
            elif place not in MERGED:
                _add_from(name, place, _harmless(entry), tree, origins)
    _prune(tree, emptied)
    for old, new in MERGED.items():
        if new in tree:
            tree.add(old, link(new))
    return tree


def merged(path: str) -> str:
    """Return where a package's path is on a system with a merged /usr (`bin/x` -> `usr/bin/x`)."""
    first, slash, rest = path.partition("/")
    return f"{MERGED[first]}/{rest}" if slash and first in MERGED else path


def _add_from(name: str, path: str, entry: Entry, tree: Tree, origins: dict[str, str]) -> None:
    try:
        place = tree.add(path, entry)
    except ConflictError as error:
        other = origins.get(tree.resolve(path, last=False), "another package")
        hint = "leave the file of one of them out with `without` or `exclude`"
        raise ConflictError(f"packages {other} and {name}: {error}", hint=hint) from error
    origins.setdefault(place, name)


def _harmless(entry: Entry) -> Entry:
    return replace(entry, mode=entry.mode & KEPT_MODE)


def _prune(tree: Tree, emptied: set[str]) -> None:
    """Take away the folders that hold nothing because all in them was left out."""
    holds: dict[str, int] = {}
    for path, _ in tree:
        parent = path.rpartition("/")[0]
        holds[parent] = holds.get(parent, 0) + 1
    todo = sorted(emptied - {""}, key=lambda path: path.count("/"))
    while todo:
        path = todo.pop()
        entry = tree.get(path) if path else None
        if entry is None or entry.kind is not Kind.FOLDER or holds.get(path):
            continue
        tree.remove(path)
        parent = path.rpartition("/")[0]
        holds[parent] -= 1
        todo.append(parent)
