"""The kernel of an image: a kernel, a tar with its modules, perhaps microcode.

Source: src/cmd/linuxkit/moby/build/build.go of LinuxKit (`kernelFilter`).
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from edge.errors import InputError
from edge.oci import blob_tree
from edge.oci.image import Image
from edge.oci.store import Store
from edge.oci.tree import Entry, Kind, Tree, file, on_disk
from edge.system.model import Kernel

_BINARY, _TAR = "kernel", "kernel.tar"
_UNPACKED, _PLAIN = "kernel-tar", "kernel-plain"
NO_VERSION = "unknown"  # of a kernel that brings no modules
_NO_MODULES = f"lib/modules/{NO_VERSION}/modules.builtin"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class KernelImage:
    """What a kernel's image holds: `root` is what goes to the root, modules above all."""

    binary: Entry
    root: Tree
    ucode: Entry | None


def kernel_image(wanted: Kernel, image: Image, store: Store) -> KernelImage:
    """Return what an image of a kernel holds.

    Raises:
        InputError: The image has no such kernel or tar, or the tar cannot be read.
    """
    name = wanted.binary or _BINARY
    tar_name = _TAR if wanted.tar is None else wanted.tar
    binary = _file(image, name)
    if binary is None:
        hint = "name it with `kernel.binary`"
        raise InputError(f"{image.name}: the image has no file {name!r}", hint=hint)
    root = Tree()
    if tar_name:
        packed = _file(image, tar_name)
        if packed is None:
            hint = "name it with `kernel.tar`, or write `tar: none`"
            raise InputError(f"{image.name}: the image has no file {tar_name!r}", hint=hint)
        root = _unpacked(packed, f"{image.name}: {tar_name}", store)
    return KernelImage(binary, root, _file(image, wanted.ucode) if wanted.ucode else None)


def as_package(found: KernelImage, store: Store) -> Tree:
    """Return a kernel and its modules where a Debian package of a kernel has them.

    Without modules nothing tells its version, nor what is built in: it has none to give.

    Raises:
        InputError: The kernel is compressed, and damaged.
    """
    builtin = next((path for path, _ in found.root if path.endswith("/modules.builtin")), None)
    tree = found.root.copy()
    if builtin is None:
        builtin = _NO_MODULES
        tree.add(builtin, file(b""))
    tree.add(f"boot/vmlinuz-{PurePosixPath(builtin).parent.name}", _plain(found.binary, store))
    return tree


def _plain(binary: Entry, store: Store) -> Entry:
    """Return a kernel that is not compressed: U-Boot starts no other."""
    if next(binary.pieces(), b"")[:2] != _GZIP:
        return binary
    known = store.recall(_PLAIN, binary.sha256)
    if known is None or not store.has(known):
        try:
            known = store.add_bytes(gzip.decompress(binary.read()))
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"the kernel cannot be decompressed: {error}") from error
        store.remember(_PLAIN, binary.sha256, known)
    return on_disk(store.path(known), mode=binary.mode)


def add_kernel(found: KernelImage, command_line: str, root: Tree) -> None:
    """Put a kernel into a root where LinuxKit has it."""
    root.add("boot/cmdline", file(command_line.encode()), override=True)
    root.add("boot/kernel", replace(found.binary, uid=0, gid=0), override=True)
    if found.ucode is not None:
        root.add("boot/ucode.cpio", replace(found.ucode, uid=0, gid=0), override=True)


def _file(image: Image, name: str) -> Entry | None:
    entry = image.tree.get(name)
    return entry if entry is not None and entry.kind is Kind.FILE else None


def _unpacked(packed: Entry, what: str, store: Store) -> Tree:
    known = store.recall(_UNPACKED, packed.sha256)
    tree = blob_tree.load(known, store) if known else None
    if tree is None:
        try:
            with tarfile.open(fileobj=io.BufferedReader(_Pieces(packed)), mode="r|") as archive:
                tree = blob_tree.spool(_members(archive), store)
        except (tarfile.TarError, EOFError) as error:
            raise InputError(f"{what}: {error}") from error
        store.remember(_UNPACKED, packed.sha256, tree.index)
    return tree.tree


def _members(archive: tarfile.TarFile) -> Iterator[blob_tree.Member]:
    for header in archive:
        yield header, archive.extractfile(header) if header.isreg() else None


class _Pieces(io.RawIOBase):
    """The content of an entry as a stream that is only read."""

    def __init__(self, entry: Entry) -> None:
        self._pieces: Iterator[bytes] = entry.pieces()
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        if not self._left:
            self._left = next(self._pieces, b"")
        data, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)
