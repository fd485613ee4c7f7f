"""The EFI system partition of boards with `boot.driver: efi`: the menu of systemd-boot, slot A.

The device only ever writes over what is made here: each slot has files of a fixed size, and the
folder of the menu is laid out so that each name has sectors of its own (`edge_agent/boot/efi.py`).
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from edge.board.model import Board, EfiFiles
from edge.errors import InputError
from edge.image.extent import Contents, Extent, length_of
from edge.image.plan import MIB
from edge.image.slot import INITRAMFS, KERNEL, SETTINGS
from edge_agent.boot import fat
from edge_agent.boot.efi import FOLDER, HOMES, PLACES, Menu, Name, entry_text, free_entries
from edge_signing.formats.boot_state import SLOTS

LOADER_CONF: Final = "loader/loader.conf"
# The first entry is started at once; nothing that lies about on the disk becomes one.
LOADER_TEXT: Final = b"timeout 0\neditor no\nauto-entries no\nauto-firmware no\n"
_PLACES_BYTES: Final = 512
_SETTING: Final = "edge_cmdline="


def files(board: Board, slot_folder: Path, scratch: Path) -> dict[str, bytes | Path]:
    """Return what an EFI system partition has besides the board's own files.

    Args:
        board: The profile.
        slot_folder: The files of slot A.
        scratch: A folder for files that are as long as they are on the device.

    Raises:
        InputError: Kernel or initramfs have more bytes than the board leaves room for.
    """
    command_line = (slot_folder / SETTINGS).read_text().strip().removeprefix(_SETTING)
    found: dict[str, bytes | Path] = {
        LOADER_CONF: LOADER_TEXT,
        f"{FOLDER}/{Name('a', 9).text()}": entry_text("a", command_line),
        f"{FOLDER}/{Name('b', 0).text()}": entry_text("b", ""),
        PLACES: b"\n" * _PLACES_BYTES,
    }
    for name, room_bytes in _room(board.boot.room).items():
        _require_room(slot_folder / name, room_bytes)
        for slot in SLOTS:
            path = scratch / f"{slot}-{name}"
            if slot == "a":
                shutil.copyfile(slot_folder / name, path)
            with path.open("ab") as stream:
                stream.truncate(room_bytes)
            found[f"edge/{slot}/{name}"] = path
    return found


def arranged(volume: Contents) -> Contents:
    """Return the volume with the folder of the menu laid out for the device."""
    storage = ExtentStorage(volume)
    menu = Menu(storage)
    folder = menu.volume.find(FOLDER)
    shown = {one.name.slot: one.entry for one in menu.named()}
    places = "".join(f"{slot} {shown[slot].cluster}\n" for slot in SLOTS).encode()
    menu.volume.write_over(menu.volume.find(PLACES), iter((places.ljust(_PLACES_BYTES, b"\n"),)))
    start = menu.volume.spans(folder)[0][0]
    storage.write(start, _laid_out(storage.read(start, fat.SECTOR_BYTES)[: 2 * fat.ENTRY_BYTES]))
    for name in (Name("a", 9), Name("b", 0)):
        menu.name_in(HOMES[name.slot][0], name)
    return storage.contents


def _laid_out(dots: bytes) -> bytes:
    """Return the first sectors of the folder: `.` and `..`, then room for the names of slots."""
    sectors = max(HOMES["b"]) + 1
    free = sectors * fat.SECTOR_BYTES // fat.ENTRY_BYTES - len(dots) // fat.ENTRY_BYTES
    return dots + free_entries(free)


def _room(room: EfiFiles) -> Mapping[str, int]:
    return {KERNEL: room.kernel_mib * MIB, INITRAMFS: room.initramfs_mib * MIB}


def _require_room(path: Path, room_bytes: int) -> None:
    length_bytes = length_of(path)
    if length_bytes > room_bytes:
        key = "kernel_mib" if path.name == KERNEL else "initramfs_mib"
        raise InputError(
            f"{path.name} has {length_bytes} bytes, the EFI system partition has room for"
            f" {room_bytes}",
            hint=f"make boot.efi.{key} at least {-(-length_bytes // MIB)} in the board file",
        )


class ExtentStorage:
    """A volume that is not written yet, as `edge_agent.boot.storage.Storage`.

    Args:
        contents: The volume; what is written goes to `contents`.
    """

    def __init__(self, contents: Contents) -> None:
        self.contents = contents

    def read(self, offset_bytes: int, length_bytes: int) -> bytes:
        """Return what is there; zeros where nothing is."""
        data = bytearray(length_bytes)
        end_bytes = offset_bytes + length_bytes
        for part in self.contents.extents:
            start, end = max(part.offset_bytes, offset_bytes), min(part.end_bytes, end_bytes)
            if start < end:
                data[start - offset_bytes : end - offset_bytes] = _slice(part, start, end)
        return bytes(data)

    def write(self, offset_bytes: int, data: bytes) -> None:
        """Store `data`, which lies in one extent that is held in memory."""
        extents = list(self.contents.extents)
        for index, part in enumerate(extents):
            at = offset_bytes - part.offset_bytes
            if isinstance(part.content, bytes) and 0 <= at <= part.length_bytes - len(data):
                whole = part.content[:at] + data + part.content[at + len(data) :]
                extents[index] = replace(part, content=whole)
                self.contents = replace(self.contents, extents=tuple(extents))
                return
        raise ValueError(f"{len(data)} bytes at {offset_bytes} are in no extent")


def _slice(part: Extent, start_bytes: int, end_bytes: int) -> bytes:
    first, last = start_bytes - part.offset_bytes, end_bytes - part.offset_bytes
    if isinstance(part.content, bytes):
        return part.content[first:last]
    with part.content.open("rb") as stream:
        stream.seek(first)
        return stream.read(last - first)
