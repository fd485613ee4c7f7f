"""The U-Boot script that chooses the slot, filled in for a board.

Source: `boot.cmd` beside this file; docs/formats.md for the state that it keeps.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ScriptSettings:
    """Where U-Boot finds the disk, and where it loads to; addresses are physical."""

    devtype: str
    devnum: int
    kernel_addr: int
    ramdisk_addr: int


def boot_script(settings: ScriptSettings) -> str:
    """Return the script's text for a board, without comments."""
    text = (Path(__file__).parent / "boot.cmd").read_text(encoding="utf-8")
    text = text.replace("@devtype@", settings.devtype).replace("@devnum@", str(settings.devnum))
    text = text.replace("@kernel_addr@", hex(settings.kernel_addr))
    text = text.replace("@ramdisk_addr@", hex(settings.ramdisk_addr))
    return "".join(line + "\n" for line in text.splitlines() if not line.startswith("#"))
