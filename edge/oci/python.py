"""Python in images: packages of this project, and source turned into byte code.

Byte code is made by the tool tree's Python, the same release as on the device (3.13), so that it
is the very bytes: without sources, without docstrings, never checked against a time.
"""

from pathlib import Path

from edge import toolbox
from edge.oci.tree import Entry, Kind, Tree, link, on_disk
from edge.system.content import python_package, tree_files

SITE = "usr/lib/python3/dist-packages"
MODULES = "usr/lib/python3"
LEFT_OUT = (".typed", ".pyi")


def ship(name: str, tree: Tree) -> None:
    """Put a package of this project where the device's Python finds it."""
    for relative, path in tree_files(python_package(name)):
        if not relative.endswith(LEFT_OUT):
            tree.add(f"{SITE}/{name}/{relative}", on_disk(path, mode=0o644), override=True)


def compile_all(tree: Tree, scratch: Path) -> None:
    """Put byte code in the place of all Python sources of a tree.

    A source that may be executed stays where programs are; among modules the mode has no meaning.

    Args:
        tree: The root file system; changed in place.
        scratch: A folder that does not exist yet and lasts as long as the tree is needed.

    Raises:
        ToolError: A source is not valid Python.
    """
    scratch.mkdir()
    for path in [path for path, _ in tree if path.rpartition("/")[2] == "__pycache__"]:
        tree.remove(path)
    sources = [path for path, entry in tree if _is_module(path, entry)]
    known = frozenset(sources)
    links = [path for path, entry in tree if _is_link_to_one(path, entry, tree, known)]
    for path in sources:
        _write(tree, path, scratch / path)
    toolbox.compile_pyc(scratch)
    for path in sources:
        _replace(tree, path, scratch / f"{path}c")
    for path in links:
        _replace_link(tree, path)


def _is_module(path: str, entry: Entry) -> bool:
    program = entry.mode & 0o111 and not path.startswith(MODULES)
    return path.endswith(".py") and entry.kind is Kind.FILE and not program


def _is_link_to_one(path: str, entry: Entry, tree: Tree, sources: frozenset[str]) -> bool:
    linked = path.endswith(".py") and entry.kind is Kind.LINK
    return linked and tree.resolve(path) in sources


def _write(tree: Tree, path: str, target: Path) -> None:
    entry = tree.get(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        for piece in entry.pieces() if entry else ():
            stream.write(piece)


def _replace(tree: Tree, path: str, compiled: Path) -> None:
    entry = tree.get(path)
    if entry is None or not compiled.is_file():
        return
    made = on_disk(compiled, mode=entry.mode & ~0o111, uid=entry.uid, gid=entry.gid)
    tree.remove(path)
    tree.add(f"{path}c", made)


def _replace_link(tree: Tree, path: str) -> None:
    entry = tree.get(path)
    if entry is not None and entry.target.endswith(".py"):
        tree.remove(path)
        tree.add(f"{path}c", link(f"{entry.target}c", uid=entry.uid, gid=entry.gid))
