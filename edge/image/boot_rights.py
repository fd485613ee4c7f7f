"""Who may write the boot state, wherever the driver of a board keeps it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from edge.board.model import Board
from edge.system.parts import Part
from edge.system.resources import Device

BOOT_STATE: Final = "/dev/edge/bootstate"
MENU: Final = "/dev/edge/firmware"


def with_boot_state(parts: Sequence[Part], board: Board) -> tuple[Part, ...]:
    """Return the parts of a system; who has the boot state has it where this board keeps it."""
    if board.boot.driver == "uboot":
        return tuple(parts)
    return tuple(_with_menu(part) for part in parts)


def _with_menu(part: Part) -> Part:
    devices = part.settings.devices
    if BOOT_STATE not in {device.path for device in devices}:
        return part
    menu = Device(path=MENU, type="b", mode="rw")
    settings = part.settings.model_copy(update={"devices": (*devices, menu)})
    return replace(part, settings=settings)
