"""Read back what a boot loader with fastboot wrote: by `fetch`, or by commands of U-Boot.

U-Boot gives no data back. But where it runs commands for us it reads its disk into memory, puts
the CRC-32 of that into a variable, and tells that one.

Source: Android's fastboot/README.md (fetch); U-Boot 2025.01, doc/android/fastboot.rst (oem run) and
drivers/fastboot/fb_getvar.c (a variable `fastboot.NAME` of the environment is what it tells).
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.errors import LinkError, RefusedError
from edge.flash.protocols import fastboot
from edge.flash.protocols.fastboot import FastbootRefusedError
from edge.flash.protocols.steps import Dialog
from edge.flash.sources.buffers import SECTOR_BYTES
from edge.flash.sparse import Part

VARIABLE: Final = "edgecrc"
PROBE: Final = 0x5EDE0017
MOST_FETCH_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class UbootDisk:
    """Where the U-Boot of a board reads its disk to.

    Attributes:
        disk: As its commands name it: `mmc 0`.
        address: Of memory that is free for 1 MiB and 8 bytes.
    """

    disk: str
    address: int


Differs = Callable[[Part], Dialog[bool]]
"""Reads a part of an image back and says whether the disk holds something else."""


def way(disk: str, uboot: UbootDisk | None) -> Dialog[Differs | None]:
    """Return how the board gives back what is on its disk; None when it can not.

    Args:
        disk: What the boot loader calls the whole disk.
        uboot: How its U-Boot reads it, where the profile says so.

    Raises:
        RefusedError: The profile says so, and the boot loader runs no commands.
    """
    said = yield from fastboot.variable("max-fetch-size")
    most_bytes = fastboot.number(said) if said else None
    if most_bytes:
        return _Fetch(disk, min(most_bytes, MOST_FETCH_BYTES)).differs
    if uboot is None:
        return None
    crc = _Crc(uboot)
    yield from crc.begin()
    return crc.differs


@dataclass(frozen=True, slots=True)
class _Fetch:
    """A boot loader that gives bytes back."""

    disk: str
    most_bytes: int

    def differs(self, part: Part) -> Dialog[bool]:
        for start in range(0, len(part.data), self.most_bytes):
            wanted = part.data[start : start + self.most_bytes]
            words = f"fetch:{self.disk}:{part.offset_bytes + start:#x}:{len(wanted):#x}"
            found = yield from fastboot.upload(words, len(wanted))
            if found != wanted:
                return True
        return False


@dataclass(frozen=True, slots=True)
class _Crc:
    """A U-Boot that runs commands."""

    place: UbootDisk

    def begin(self) -> Dialog[None]:
        """See that commands are run and variables told, and choose the disk."""
        try:
            yield from _run(f"setexpr.l fastboot.{VARIABLE} {PROBE:#x}")
            told = yield from self._told()
        except FastbootRefusedError as error:
            raise _runs_nothing(str(error)) from error
        if told != PROBE:
            raise _runs_nothing("it did not tell the variable that was set")
        kind, _space, number = self.place.disk.partition(" ")
        yield from _run(f"{kind} dev {number}")

    def differs(self, part: Part) -> Dialog[bool]:
        """Compare by CRC-32."""
        kind, at = self.place.disk.partition(" ")[0], self.place.address
        block, blocks = part.offset_bytes // SECTOR_BYTES, -(-len(part.data) // SECTOR_BYTES)
        result = at + blocks * SECTOR_BYTES
        yield from _run(f"{kind} read {at:x} {block:x} {blocks:x}")
        yield from _run(f"crc32 {at:x} {len(part.data):x} {result:x}")
        yield from _run(f"setexpr.l fastboot.{VARIABLE} *{result:x}")
        # The sum is in memory as big endian, and read as the number of a little endian processor.
        found = (yield from self._told()).to_bytes(4, "little")
        return found != zlib.crc32(part.data).to_bytes(4, "big")

    def _told(self) -> Dialog[int]:
        said = yield from fastboot.variable(VARIABLE)
        try:
            return int(said or "", 16)
        except ValueError as error:
            raise LinkError(f"fastboot: {VARIABLE} is {said!r}, and not a number") from error


def _run(words: str) -> Dialog[None]:
    yield from fastboot.oem(f"run:{words}", tells=False)


def _runs_nothing(why: str) -> RefusedError:
    return RefusedError(
        f"its boot loader runs no commands, so nothing can be read back: {why}",
        hint="U-Boot needs CONFIG_FASTBOOT_OEM_RUN; or --no-verify",
    )
