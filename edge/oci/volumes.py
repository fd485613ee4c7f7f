"""The contents of volumes: the files of an image, or the image itself as an OCI layout."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.errors import InputError
from edge.oci.image import MANIFEST_TYPE, Image
from edge.oci.store import LAYOUT, Store
from edge.oci.tree import Slice, Tree, file, folder
from edge.system.reference import ARCHIVE as ARCHIVE_PREFIX
from edge.system.reference import LAYOUT as LAYOUT_PREFIX
from edge.system.reference import complete
from edge.system.volumes import FOLDER, Volume

BASE = FOLDER.strip("/")
LOWER = "lower"  # what the image brings
UPPER = "tmp"  # where what is written goes: upper and work folders of an overlay


@dataclass(frozen=True, slots=True)
class FilledVolume:
    """A volume and what it begins with: nothing, or the files of its image."""

    volume: Volume
    contents: Tree | None = None

    @property
    def place(self) -> str:
        """Its folder in the root."""
        return f"{BASE}/{self.volume.name}"


def filled(volume: Volume, images: Sequence[Image], store: Store) -> FilledVolume:
    """Return a volume with what its image puts in it.

    Raises:
        InputError: Another platform is asked for than the one that is built for.
    """
    if not images:
        return FilledVolume(volume)
    built = {f"linux/{image.architecture}" for image in images}
    for platform in volume.platforms:
        if "/".join(platform.split("/")[:2]) not in built:
            raise InputError(
                f"volumes: {volume.name}: platforms: {platform}: not supported yet",
                hint=f"a volume holds what the device runs: {', '.join(sorted(built))}",
            )
    contents = images[0].tree if volume.format == "filesystem" else layout_tree(images, store)
    return FilledVolume(volume, contents)


def add_folders(wanted: FilledVolume, root: Tree) -> None:
    """Make the folders of a volume; one that is only read, or kept elsewhere, has no `tmp`."""
    for name in (LOWER, "merged"):
        root.add(f"{wanted.place}/{name}", folder())
    if not wanted.volume.readonly and not wanted.volume.persistent:
        root.add(f"{wanted.place}/{UPPER}", folder())


def layout_tree(images: Sequence[Image], store: Store) -> Tree:
    """Return an OCI image layout of images that are in the store."""
    tree = Tree()
    manifests: list[dict[str, Any]] = []
    for image in images:
        manifest = json.loads(store.read(image.manifest))
        for one in (manifest["config"], *manifest["layers"]):
            _add_blob(one["digest"], store, tree)
        _add_blob(image.manifest, store, tree)
        manifests.append(_described(image, manifest, store))
    index = {"schemaVersion": 2, "manifests": manifests}
    data = json.dumps(index, sort_keys=True, separators=(",", ":")).encode()
    tree.add("index.json", file(data))
    tree.add("oci-layout", file(LAYOUT))
    return tree


def _described(image: Image, manifest: dict[str, Any], store: Store) -> dict[str, Any]:
    return {
        "mediaType": manifest.get("mediaType", MANIFEST_TYPE),
        "digest": image.manifest,
        "size": store.path(image.manifest).stat().st_size,
        "platform": {"architecture": image.architecture, "os": "linux"},
        "annotations": {"org.opencontainers.image.ref.name": _public_name(image)},
    }


def _public_name(image: Image) -> str:
    """Return the name of an image; that of a layout on this machine is the hash of its content."""
    is_path = image.name.startswith((LAYOUT_PREFIX, ARCHIVE_PREFIX))
    return image.tag if is_path else complete(image.name)


def _add_blob(digest: str, store: Store, tree: Tree) -> None:
    path = store.path(digest)
    algorithm, _, sha256 = digest.partition(":")
    content = Slice(path, 0, path.stat().st_size)
    tree.add(f"blobs/{algorithm}/{sha256}", file(content, sha256=sha256))
