"""Make an image of what the store has: documents, layers over each other, settings of the label."""

from collections.abc import Iterator
from contextlib import contextmanager

from edge.errors import EdgeError, RefusedError, UntrustedError
from edge.oci import blob_tree
from edge.oci.document import Descriptor, coding_of, diff_ids, parse_config
from edge.oci.image import Image, image_config, label_settings
from edge.oci.limits import MIB, SETTING, STANDARD, Limits
from edge.oci.origin import stored_manifest
from edge.oci.overlay import overlaid
from edge.oci.store import Store
from edge.oci.tree import Tree
from edge.oci.unpack import unpack
from edge.progress import SILENT, Progress

UNPACKED = "image-layer"
RECIPE = 1  # another number for each change of what a layer becomes


def stored_image(
    name: str,
    manifest: str,
    store: Store,
    progress: Progress = SILENT,
    *,
    architecture: str = "arm64",
    limits: Limits = STANDARD,
) -> Image:
    """Return an image that is in the store; each of its layers is unpacked once and kept.

    Args:
        name: What errors call it.
        manifest: The digest of its manifest.
        store: Where all of it is.
        progress: Told of what an image of ours does not hold.
        architecture: What it must be for.
        limits: The bounds of an image.

    Raises:
        ThingNotFoundError: Something of it is not in the store.
        UntrustedError: A layer is damaged, or not what the configuration says.
        RefusedError: It is out of all measure, or names what no image may hold.
        InputError: It is for another machine, or holds what we can not keep.
    """
    found = stored_manifest(manifest, name, store, limits)
    config = parse_config(store.read(found.config.digest), found, name, architecture)
    unpacking = _Unpacking(name, store, progress, limits)
    tree = Tree()
    for layer, diff_id in zip(found.layers, diff_ids(config), strict=True):
        with _of(f"{name}: layer {layer.digest}"):
            tree = overlaid(tree, unpacking.layer(layer, diff_id), limits)
    settings = label_settings(config, name)
    return Image(name, manifest, image_config(config), settings, tree, architecture)


class _Unpacking:
    """The layers of one image; what all of them may unpack to grows less with each."""

    def __init__(self, name: str, store: Store, progress: Progress, limits: Limits) -> None:
        self._name = name
        self._store = store
        self._progress = progress
        self._limits = limits
        self._left_bytes = limits.unpacked_bytes

    def layer(self, layer: Descriptor, diff_id: str) -> Tree:
        """Return the tree of a layer."""
        coding = coding_of(layer, self._name)
        key = f"{RECIPE} {layer.digest} {coding} {diff_id}"
        known = self._store.recall(UNPACKED, key)
        found = blob_tree.load(known, self._store) if known else None
        if found is None:
            found = self._unpacked(layer, diff_id)
            self._store.remember(UNPACKED, key, found.index)
        self._left_bytes -= self._store.path(found.blob).stat().st_size
        if self._left_bytes < 0:
            most_mib = self._limits.unpacked_bytes // MIB
            raise RefusedError(
                f"all layers unpack to more than {most_mib} MiB", hint=f"see {SETTING}"
            )
        return found.tree

    def _unpacked(self, layer: Descriptor, diff_id: str) -> blob_tree.BlobTree:
        made = unpack(
            self._store.verify(layer.digest),
            coding_of(layer, self._name),
            self._store,
            self._limits,
            most_bytes=max(self._left_bytes, 0),
        )
        unpacked = made.diff_id or layer.digest
        if unpacked != diff_id:
            raise UntrustedError(f"unpacks to {unpacked} where {diff_id} was said")
        for what in made.left_out:
            self._progress.note(f"{self._name}: left out: {what}")
        return made.tree


@contextmanager
def _of(what: str) -> Iterator[None]:
    """Say what an error is about."""
    try:
        yield
    except EdgeError as error:
        raise type(error)(f"{what}: {error}", hint=error.hint) from error
