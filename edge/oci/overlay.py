"""Layers over each other: what an upper one adds, replaces and takes away.

Source: OCI image spec 1.1, layer.md: whiteouts mean what lower layers hold, never their own.
"""

from edge.errors import RefusedError
from edge.oci.limits import Limits
from edge.oci.tree import Entry, Kind, Tree

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


def overlaid(lower: Tree, upper: Tree, limits: Limits) -> Tree:
    """Return a lower tree with a layer over it: `.wh.NAME` takes away, `.wh..wh..opq` empties.

    Raises:
        ConflictError: A file would lie below what is no folder.
        RefusedError: It replaces full folders without end.
    """
    tree = _without(lower, *_whiteouts(lower, upper))
    replacing = Replacing(tree, limits)
    for path, entry in upper:
        hidden = path.rpartition("/")[2].startswith(WHITEOUT)
        if not hidden and not upper.is_implied(path):
            replacing.lay(path, entry)
    return tree


def _whiteouts(lower: Tree, upper: Tree) -> tuple[set[str], set[str]]:
    """Return the paths that go, and the folders whose contents go."""
    gone: set[str] = set()
    emptied: set[str] = set()
    for path, _ in upper:
        folder, _slash, name = path.rpartition("/")
        if name == OPAQUE:
            emptied.add(lower.resolve(folder))
        elif name.startswith(WHITEOUT):
            hidden = f"{folder}/{name.removeprefix(WHITEOUT)}"
            gone.add(lower.resolve(hidden, last=False))
    return gone, emptied


def _without(lower: Tree, gone: set[str], emptied: set[str]) -> Tree:
    if not gone and not emptied:
        return lower.copy()
    tree = Tree()
    if "" in emptied:
        return tree
    below = ""  # what is left out at present, with all below it: a folder comes before its contents
    for path, entry in lower:
        if below and path.startswith(below):
            continue
        if path in gone or path in emptied:
            below = f"{path}/"
        if path not in gone:
            tree.put(path, entry, implied=lower.is_implied(path))
    return tree


class Replacing:
    """Puts entries into a tree over what is there; its folders may be behind links.

    Args:
        tree: What grows.
        limits: How many full folders may be replaced: each costs a look at the whole tree.
    """

    def __init__(self, tree: Tree, limits: Limits) -> None:
        self._tree = tree
        self._most = limits.replaced
        self._replaced = 0

    def lay(self, path: str, entry: Entry) -> None:
        """Put an entry at a path, instead of what is there; a folder keeps what is in it.

        Raises:
            ConflictError: A part of the way is no folder.
            RefusedError: Too many folders were replaced.
        """
        place = self._tree.resolve(path, last=False)
        if not place:
            return
        old = self._tree.get(place)
        if old is not None and old.kind is entry.kind is Kind.FOLDER:
            self._tree.put(place, entry)
            return
        if old is not None and old.kind is Kind.FOLDER:
            self._replaced += 1
            if self._replaced > self._most:
                raise RefusedError(f"more than {self._most} folders become files in one layer")
        if old is not None:
            self._tree.remove(place)
        parent = self._tree.get(place.rpartition("/")[0])
        if parent is not None and parent.kind is Kind.FOLDER:
            self._tree.put(place, entry)  # the way was resolved already
        else:
            self._tree.add(place, entry)
