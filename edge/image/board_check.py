"""What is wrong with a board profile once its packages are at hand, each mistake with its place.

A profile that passes here can be built: its files and modules are there, all of them fit, and its
U-Boot has the commands that the boot script needs. Whether it starts, only the board can tell.
"""

import gzip
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import PurePosixPath
from typing import Final

from edge.board.model import Board, Emulator, Script
from edge.errors import InputError, Problem
from edge.image import fat, raw, tryboot
from edge.image.firmware import find_file, firmware_files
from edge.image.plan import MIB, DiskPlan
from edge.image.raw import Placed
from edge.oci.modules import Kernel
from edge.oci.store import Store
from edge.oci.tree import Entry, Kind, Tree
from edge.strict.document import Parsed, Step

Path = tuple[Step, ...]

# What boot.cmd uses, as options of U-Boot 2025.01 (Kconfig), and what each of them is.
NEEDED: Final[Mapping[str, str]] = {
    "CMD_BOOTI": "booti",
    "CMD_EXPORTENV": "env export",
    "CMD_FS_GENERIC": "load",
    "CMD_IMPORTENV": "env import",
    "CMD_ITEST": "itest",
    "CMD_PART": "part",
    "CMD_SETEXPR": "setexpr",
    "CMD_SOURCE": "source",
    "EFI_PARTITION": "partition tables of the kind GPT",
    "HUSH_PARSER": "if and for",
    "LEGACY_IMAGE_FORMAT": "script images",
}
RAMDISK_BYTES: Final = 32 * MIB  # more than any initramfs of ours takes
TREE_BYTES: Final = MIB // 4
_LOADER: Final = re.compile(r"usr/lib/u-boot/([^/]+)/")
# Linux Documentation/arch/arm64/booting.rst: image_size, and the magic number of the header.
_IMAGE_SIZE: Final = slice(16, 24)
_IMAGE_MAGIC: Final = slice(56, 60)


@dataclass(frozen=True, slots=True)
class BoardCheck:
    """One profile with all that it names.

    Attributes:
        board: The profile.
        parsed: Its file, for the places of mistakes.
        disk: Its partitions.
        packages: The trees of its packages, those of the kernel among them.
        store: Where unpacked modules are kept.
    """

    board: Board
    parsed: Parsed
    disk: DiskPlan
    packages: Sequence[Tree]
    store: Store

    def problems(self) -> list[Problem]:
        """Return all mistakes, in the order of the lines."""
        found = list(self._files())
        if not found:  # whether files fit can be told once all of them are there
            found += self._fits()
        found += [*self._modules(), *self._kernel()]
        if self.board.boot.script is not None:
            found += self._commands(self.board.boot.script)
            found += self._addresses(self.board.boot.script)
        return sorted(found, key=lambda one: (one.line, one.column))

    def loaders(self) -> tuple[Placed, ...]:
        """Return the boot loaders outside of partitions.

        Raises:
            InputError: One is missing, or does not fit.
        """
        return raw.placed(self.board, self.disk, self.packages)

    def _files(self) -> Iterator[Problem]:
        for path, pattern in named_files(self.board):
            try:
                find_file(self.packages, pattern, self.board.name)
            except InputError:
                yield self._not_one(path, pattern)

    def _not_one(self, path: Path, pattern: str) -> Problem:
        found = self._matching(lambda one: fnmatchcase(one, pattern))
        if found:
            message = f"{pattern!r} matches {len(found)} files: {', '.join(found[:3])}"
            return self.parsed.problem(path, message, hint="make the pattern longer")
        name = PurePosixPath(pattern).name
        near = self._matching(lambda one: PurePosixPath(one).name == name)
        hint = f"files of that name: {', '.join(near[:5])}" if near else "look at `packages`"
        message = f"{pattern!r} matches no file of the packages"
        return self.parsed.problem(path, message, hint=hint)

    def _matching(self, fits: Callable[[str], bool]) -> list[str]:
        return sorted(
            path for path, entry in self._entries() if entry.kind is Kind.FILE and fits(path)
        )

    def _modules(self) -> Iterator[Problem]:
        trees = [
            tree for tree in self.packages if any(p.startswith("boot/vmlinuz-") for p, _ in tree)
        ]
        if len(trees) != 1:
            message = f"{self.board.kernel.package!r} brings {len(trees)} kernels, not one"
            yield self.parsed.problem(("kernel", "package"), message)
            return
        kernel = Kernel(trees[0], self.store)
        for path, name in named_modules(self.board):
            try:
                kernel.closure([name])
            except InputError as error:
                yield self.parsed.problem(path, str(error), hint=error.hint)

    def _kernel(self) -> Iterator[Problem]:
        images = [entry for path, entry in self._entries() if path.startswith("boot/vmlinuz-")]
        if self.board.boot.driver != "rpi-tryboot" or len(images) != 1:
            return
        try:
            tryboot.require_kernel(self.board, images[0])
        except InputError as error:
            yield self.parsed.problem(("boot", "driver"), str(error), hint=error.hint)

    def _entries(self) -> Iterator[tuple[str, Entry]]:
        return (one for tree in self.packages for one in tree)

    def _commands(self, script: Script) -> Iterator[Problem]:
        """Look up what U-Boot was built with, where its package says so."""
        seen = set()
        for path, pattern in named_files(self.board):
            built = _LOADER.match(pattern)
            if path[0] != "firmware" or built is None or built[1] in seen:
                continue
            seen.add(built[1])
            lacking = self._lacking(built[1], script.devtype)
            if lacking:
                message = f"this U-Boot has no {', '.join(lacking)}: the boot script needs it"
                hint = "take the U-Boot of a board with the same chip, or build one"
                yield self.parsed.problem(path, message, hint=hint)

    def _lacking(self, built: str, medium: str) -> list[str]:
        name = f"usr/share/doc/*/configs/config.{built}.gz"
        found = (entry for path, entry in self._entries() if fnmatchcase(path, name))
        config = next(found, None)
        if config is None:
            return []
        chosen = set(gzip.decompress(config.read()).decode().splitlines())
        needed = {**NEEDED, f"CMD_{medium.upper()}": medium}
        return [what for option, what in needed.items() if f"CONFIG_{option}=y" not in chosen]

    def _addresses(self, script: Script) -> Iterator[Problem]:
        size_bytes = self._kernel_bytes()
        spans = [("kernel", script.kernel_addr, size_bytes)]
        spans.append(("ramdisk", script.ramdisk_addr, RAMDISK_BYTES))
        if script.fdt_addr is not None:
            spans.append(("fdt", script.fdt_addr, TREE_BYTES))
        for (one, start, length), (other, second, more) in combinations(spans, 2):
            if start < second + more and second < start + length:
                message = (
                    f"{one}_addr {start:#x} and {other}_addr {second:#x} are too close:"
                    f" {one} takes {length // MIB or 1} MiB, {other} {more // MIB or 1} MiB"
                )
                path = ("boot", "script", f"{other}_addr")
                yield self.parsed.problem(path, message, hint="leave 64 MiB for each")

    def _kernel_bytes(self) -> int:
        for path, entry in self._entries():
            if path.startswith("boot/vmlinuz-"):
                head = entry.read()[:64]
                if head[_IMAGE_MAGIC] == b"ARM\x64":
                    return int.from_bytes(head[_IMAGE_SIZE], "little")
        return 0

    def _fits(self) -> Iterator[Problem]:
        try:
            self.loaders()
        except InputError as error:
            yield self.parsed.problem(("firmware", "raw"), str(error), hint=error.hint)
        size_bytes = self.disk.partition("firmware").size_bytes
        try:
            files = firmware_files(self.board, self.packages)
            fat.volume(files, size_bytes=size_bytes, label="FIRMWARE", serial=0)
        except InputError as error:
            yield self.parsed.problem(("firmware", "mib"), str(error), hint=error.hint)


def named_files(board: Board) -> Iterator[tuple[Path, str]]:
    """Give each file of packages that a profile names: its place there, and the pattern."""
    for index, file in enumerate(board.firmware.files):
        if file.package_file is not None:
            yield ("firmware", "files", index, "package_file"), file.package_file
    for index, file in enumerate(board.boot.files):
        if file.package_file is not None:
            yield ("boot", "files", index, "package_file"), file.package_file
    for index, loader in enumerate(board.firmware.raw):
        yield ("firmware", "raw", index, "package_file"), loader.package_file
    if board.boot.dtb.package_file is not None:
        yield ("boot", "dtb", "package_file"), board.boot.dtb.package_file
    if board.emulator is not None:
        yield from _of_emulator(board.emulator)


def _of_emulator(emulator: Emulator) -> Iterator[tuple[Path, str]]:
    if emulator.firmware is not None:
        yield ("emulator", "firmware"), emulator.firmware
    if emulator.kernel is not None:
        yield ("emulator", "kernel"), emulator.kernel
    if emulator.dtb is not None:
        yield ("emulator", "dtb", "package_file"), emulator.dtb.package_file


def named_modules(board: Board) -> Iterator[tuple[Path, str]]:
    """Give each kernel module that a profile names, with its place there."""
    for index, name in enumerate(board.modules.initramfs):
        yield ("modules", "initramfs", index), name
    for index, name in enumerate(board.modules.system):
        yield ("modules", "system", index), name
    if board.watchdog is not None:
        yield ("watchdog", "module"), board.watchdog.module
