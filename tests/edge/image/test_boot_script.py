"""The boot script as boards get it."""

import re
from typing import Any

import pytest

from edge.board.model import Boot
from edge.board.search import boards, find
from edge.image.boot_script import boot_script

SCRIPT = {"devtype": "mmc", "kernel_addr": 0x1000_0000, "ramdisk_addr": 0x2000_0000}


def boot(dtb: dict[str, str], **script: Any) -> Boot:
    return Boot.model_validate({"driver": "uboot", "script": {**SCRIPT, **script}, "dtb": dtb})


WITH_U_BOOT = [
    name
    for name in sorted(boards(environment={}))
    if find(name, environment={}).boot.driver == "uboot"
]


@pytest.mark.parametrize("name", WITH_U_BOOT)
def test_every_board_gets_a_script_without_gaps_or_comments(name: str) -> None:
    text = boot_script(find(name, environment={}).boot)

    assert not re.search(r"@\w+@", text)
    assert "#" not in text
    assert "\n\n" not in text
    assert text.count("if ") - text.count("elif ") == len(re.findall(r"\bfi\b", text))


def test_the_device_tree_of_the_firmware_is_handed_on() -> None:
    text = boot_script(boot({"from": "firmware"}))

    assert "booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr}\n" in text
    assert "board.dtb" not in text


def test_a_board_names_the_variable_of_its_device_tree() -> None:
    text = boot_script(boot({"from": "firmware"}, fdt_variable="fdtcontroladdr"))

    assert "${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}\n" in text


def test_a_device_tree_of_the_slot_is_loaded_or_the_slot_does_not_start() -> None:
    wanted = boot({"from": "slot", "package_file": "x.dtb"}, fdt_addr=0x3000_0000)

    text = boot_script(wanted)

    loading = "${boot_part} 0x30000000 board.dtb; then true; else reset; fi"
    assert 0 < text.index(loading) < text.index("initrd.img")
    assert "${ramdisk_addr_r}:${filesize} 0x30000000\n" in text
