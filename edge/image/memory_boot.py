"""kernel+initrd: a system that runs from memory, as LinuxKit's do: no disk, slot or update.

The initrd holds the whole root, and as `/init` the program of the initramfs: it makes the kernel's
first file system a mount of its own, so that containers can leave it, and read-only. A root that
brings an `/init` (LinuxKit's) starts with that one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from edge.errors import InputError
from edge.image import cpio, initramfs
from edge.image.cpio import CpioEntry
from edge.oci.modules import Module
from edge.oci.tree import Entry, Kind, Tree, file, folder, on_disk

INIT, KERNEL = "init", "boot/kernel"  # the kernel is a file beside the initrd
_TYPES: Final = {Kind.FILE: 0o100000, Kind.FOLDER: 0o040000, Kind.LINK: 0o120000}
_LINK_MODE: Final = 0o777
MOST_FILE_BYTES: Final = (1 << 32) - 1  # eight hex digits


def conf(*, watchdog_s: int | None, clock_s: int) -> bytes:
    """Return /slot.conf of a root that is in memory."""
    watchdog = f"watchdog_s={watchdog_s}\n" if watchdog_s is not None else ""
    return f"root=memory\n{watchdog}clock_s={clock_s}\n".encode()


def started(root: Tree, program: Path, modules: Sequence[Module], settings: bytes) -> Tree:
    """Return a root with what starts it from memory, unless it starts itself.

    Args:
        root: The whole root.
        program: The compiled program of the initramfs.
        modules: Those that it loads, in load order.
        settings: See `conf`.
    """
    tree = root.copy()
    tree.remove(KERNEL)
    if INIT in tree:
        return tree
    for name in initramfs.FOLDERS:
        if name not in tree:
            tree.add(name, folder())
    tree.add(INIT, on_disk(program, mode=0o755))
    names = [f"{module.name}.ko" for module in modules]
    for name, module in zip(names, modules, strict=True):
        tree.add(f"modules/{name}", module.entry)
    tree.add("modules/order", file("".join(f"{name}\n" for name in names).encode()))
    tree.add("slot.conf", file(settings, mode=0o600))
    return tree


def entries(tree: Tree) -> Iterator[CpioEntry]:
    """Give a tree as entries of a cpio archive; equal files are names of one file.

    As cpio(1) writes it, the last name of a file has its content.

    Raises:
        InputError: A file is longer than the format can say.
    """
    names: dict[tuple[str, ...], list[str]] = {}
    for path, entry in tree:
        if entry.kind is Kind.FILE and entry.size_bytes:
            names.setdefault(entry.identity(), []).append(path)
    for path, entry in tree:
        if entry.size_bytes > MOST_FILE_BYTES:
            raise InputError(
                f"/{path}: {entry.size_bytes} bytes are more than a cpio archive can hold",
                hint="use another format: squashfs, erofs, tar",
            )
        yield _entry(path, entry, names.get(entry.identity(), [path]))


def _entry(path: str, entry: Entry, names: Sequence[str]) -> CpioEntry:
    mode = _TYPES[entry.kind] | (_LINK_MODE if entry.kind is Kind.LINK else entry.mode)
    content: bytes | Entry = entry if path == names[-1] else b""
    if entry.kind is Kind.LINK:
        content = entry.target.encode("utf-8", "surrogateescape")
    return CpioEntry(path, mode, content, entry.uid, entry.gid, first=names[0], links=len(names))


def write(stream: cpio.Sink, tree: Tree) -> None:
    """Write a tree as a cpio archive."""
    cpio.write(stream, entries(tree))
