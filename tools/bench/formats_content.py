"""Content for the benchmark of the output formats: ten images as an OCI layout with gzip layers.

Of Debian's packages for arm64: a kernel with all its modules, busybox, runc and containerd for the
root, and six services that each bring a libc of their own, as images of different builds do.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from edge import digest, paths
from edge.debian.archive import Archive
from edge.debian.mirror import mirror
from edge.image.packed import Gzip, Hashed
from edge.oci.document import REF_NAME
from edge.oci.layer import from_packages, package_tree
from edge.oci.select import Selection
from edge.oci.store import LAYOUT, Store
from edge.oci.tar_writer import write_tar
from edge.oci.tree import Entry, Tree, file
from edge.progress import SILENT

ROOT: Final = {
    "kernel": ("linux-image-cloud-arm64",),
    "busybox": ("busybox-static",),
    "runc": ("runc",),
    "containerd": ("containerd",),
}
SERVICES: Final = {
    "ssh": ("dropbear-bin",),
    "web": ("lighttpd",),
    "time": ("chrony",),
    "mqtt": ("mosquitto-clients",),
    "python": ("python3-minimal",),
    "shell": ("bash", "coreutils", "curl"),
}
DROPPED: Final = ("usr/share/doc/**", "usr/share/man/**", "usr/share/locale/**")
BOARD, ROOTFS = "bench", "rootfs_mib: 384"
CHANGED: Final = "time"  # the service of which a second version is made
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def prepare(folder: Path) -> None:
    """Write the layout `images` and the system files into a folder.

    Raises:
        EdgeError: The mirror cannot be reached, or has not got a package.
    """
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(paths.cache_folder() / "store")
    place = paths.cache_folder() / "apt" / "device-arm64"
    archive = Archive(mirror(None), architecture="arm64", suite="trixie", folder=place)
    archive.refresh()
    layout = _Layout(folder / "images")
    for name, wanted in (ROOT | SERVICES).items():
        tree = _tree(name, wanted, archive, store)
        layout.add(name, tree)
        if name == CHANGED:
            path = next(path for path, entry in tree if entry.size_bytes > 100_000)
            data = bytearray(_there(tree, path).read())
            data[1000] ^= 1
            tree.add(path, file(bytes(data), mode=0o755), override=True)
            layout.add(f"{name}-changed", tree)
    layout.finish()
    board = (paths.PROJECT / "boards" / "qemu-arm64" / "board.yml").read_text()
    target = folder / "boards" / BOARD / "board.yml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(
        board.replace("name: qemu-arm64", f"name: {BOARD}").replace("rootfs_mib: 128", ROOTFS)
    )
    for name, changed in (("system", CHANGED), ("changed", f"{CHANGED}-changed")):
        (folder / f"{name}.yml").write_text(_system(changed))


def _there(tree: Tree, path: str) -> Entry:
    entry = tree.get(path)
    assert entry is not None
    return entry


def _system(changed: str) -> str:
    lines = ["init:", *(f"  - oci:images:{name}" for name in ROOT), "services:"]
    for name in SERVICES:
        image = changed if name == CHANGED else name
        lines.append(f"  - {{name: {name}, image: 'oci:images:{image}', command: [/usr/bin/true]}}")
    return "\n".join(lines) + "\n"


def _tree(name: str, wanted: Sequence[str], archive: Archive, store: Store) -> Tree:
    """Return an image: of the root only what is named, of services with all it depends on."""
    packages = archive.resolve(wanted)
    if name in ROOT:
        packages = tuple(one for one in packages if one.name.startswith(wanted[0].split("-c")[0]))
    archive.fetch(packages, store, SILENT)
    trees = [(one.name, package_tree(one, store).tree) for one in packages]
    tree = from_packages(trees, Selection(exclude=DROPPED, include=()))
    if name == "kernel":
        kernel = next(path for path, _entry in tree if path.startswith("boot/vmlinuz-"))
        tree.put("boot/kernel", _there(tree, kernel))
        for path in [path for path, _entry in tree if path.startswith("boot/")]:
            if path != "boot/kernel":
                tree.remove(path)
    return tree


class _Layout:
    """An OCI layout while it is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._manifests: list[dict[str, Any]] = []

    def add(self, name: str, tree: Tree) -> None:
        beside = self._blobs / ".layer"
        with beside.open("wb") as stream:
            packed = Hashed(stream)
            gzip = Gzip(packed)
            plain = Hashed(gzip)
            write_tar(tree, plain)
            gzip.finish()
        beside.rename(self._blobs / packed.digest.partition(":")[2])
        rootfs = {"type": "layers", "diff_ids": [plain.digest]}
        config = {"architecture": "arm64", "os": "linux", "config": {}, "rootfs": rootfs}
        layer = {"mediaType": _LAYER, "digest": packed.digest, "size": packed.size_bytes}
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._blob(config, _CONFIG),
            "layers": [layer],
        }
        listed = self._blob(manifest, _MANIFEST)
        self._manifests.append(listed | {"annotations": {REF_NAME: name}})

    def finish(self) -> None:
        index = {"schemaVersion": 2, "manifests": self._manifests}
        (self._folder / "index.json").write_text(json.dumps(index))
        (self._folder / "oci-layout").write_bytes(LAYOUT)

    def _blob(self, document: dict[str, Any], media_type: str) -> dict[str, Any]:
        data = json.dumps(document, sort_keys=True).encode()
        name = digest.of_bytes(data)
        (self._blobs / name.partition(":")[2]).write_bytes(data)
        return {"mediaType": media_type, "digest": name, "size": len(data)}
