"""The U-Boot script that chooses the slot, filled in for a board.

Source: `boot.cmd` beside this file; docs/formats.md for the state that it keeps.
"""

from pathlib import Path

from edge.board.model import Boot

TREE = "board.dtb"  # in the boot partition of a slot that brings its own device tree
_LOAD_TREE = (
    "  if load ${{devtype}} ${{devnum}}:${{boot_part}} {address} {file}; then true; else reset; fi"
)


def boot_script(boot: Boot) -> str:
    """Return the script's text for a board, without comments.

    Raises:
        ValueError: The board has none.
    """
    script = boot.script
    if script is None:
        raise ValueError(f"boards of the driver {boot.driver} have no boot script")
    values = {
        "devtype": script.devtype,
        "devnum": str(script.devnum),
        "kernel_addr": hex(script.kernel_addr),
        "ramdisk_addr": hex(script.ramdisk_addr),
        "load_tree": "",
        "tree": f"${{{script.fdt_variable}}}",
    }
    if boot.dtb.source == "slot" and script.fdt_addr is not None:
        values["tree"] = hex(script.fdt_addr)
        values["load_tree"] = _LOAD_TREE.format(address=values["tree"], file=TREE)
    text = (Path(__file__).parent / "boot.cmd").read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return "".join(f"{line}\n" for line in text.splitlines() if line and line[0] != "#")
