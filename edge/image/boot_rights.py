"""Who may write the boot state, wherever the driver of a board keeps it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from edge.board import none
from edge.board.model import Board
from edge.oci.image import Image
from edge.system.merge import merge_settings
from edge.system.parts import Part
from edge.system.resources import Device

BOOT_STATE: Final = "/dev/edge/bootstate"
MENU: Final = "/dev/edge/firmware"


def with_boot_state(
    images: Sequence[tuple[Part, Image]], board: Board
) -> tuple[tuple[Part, Image], ...]:
    """Return the parts of a system; who has the boot state has it where this board keeps it.

    Args:
        images: Each part with its image, whose own settings count too.
        board: The profile.
    """
    if board.name == none.NAME or board.boot.driver == "uboot":
        return tuple(images)
    return tuple((_with_menu(part, image), image) for part, image in images)


def _with_menu(part: Part, image: Image) -> Part:
    devices = merge_settings(image.settings, part.settings).devices
    if BOOT_STATE not in {device.path for device in devices}:
        return part
    menu = Device(path=MENU, type="b", mode="rw")
    settings = part.settings.model_copy(update={"devices": (*devices, menu)})
    return replace(part, settings=settings)
