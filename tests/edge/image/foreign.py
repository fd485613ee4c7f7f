"""What programs that are not ours say about a build folder."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from edge.process import Completed
from edge_signing.formats import boot_state

Tool = Callable[..., Completed]
FAT = ("firmware", "boot-a")


def check_disk(folder: Path, tool: Tool, scratch: Path) -> dict[str, Path]:
    """Check the disk image of a build folder; return its partitions, cut out, by name."""
    disk = folder / "disk.img"
    manifest = json.loads((folder / "manifest.json").read_text())
    parts = _partitions(disk, tool, scratch)
    _check_table(disk, tool)
    for name in FAT:
        tool("fsck.vfat", "-n", parts[name])
    _check_firmware(parts["firmware"], tool, scratch)
    listed = tool("mdir", "-b", "-i", parts["boot-a"], "::").stdout.decode()
    assert {"::/Image", "::/initrd.img", "::/slot.env"} <= set(listed.split())
    _check_root(parts["rootfs-a"], manifest["rootfs"], tool, scratch)
    _check_boot_state(parts["bootstate"], tool, scratch)
    _check_block_map(disk, tool, scratch)
    return parts


def _partitions(disk: Path, tool: Tool, scratch: Path) -> dict[str, Path]:
    table = json.loads(tool("sfdisk", "--json", disk).stdout)["partitiontable"]
    found = {}
    with disk.open("rb") as image:
        for row in table["partitions"]:
            path = scratch / row["name"]
            image.seek(row["start"] * 512)
            path.write_bytes(image.read(row["size"] * 512))
            found[row["name"]] = path
    return found


def _check_table(disk: Path, tool: Tool) -> None:
    assert b"No errors detected" in tool("sfdisk", "--verify", disk).stdout
    assert b"No problems found" in tool("sgdisk", "-v", disk).stdout


def _check_firmware(volume: Path, tool: Tool, scratch: Path) -> None:
    tool("mcopy", "-n", "-o", "-i", volume, "::boot.scr", scratch / "boot.scr")
    assert b"AArch64 Linux Script" in tool("mkimage", "-l", scratch / "boot.scr").stdout


def _check_root(partition: Path, rootfs: dict[str, str], tool: Tool, scratch: Path) -> None:
    data_blocks = int(rootfs["data_blocks"])
    data_bytes = data_blocks * 4096
    root = scratch / "root.erofs"
    with partition.open("rb") as stream:
        root.write_bytes(stream.read(data_bytes))
    tool("fsck.erofs", root)
    options = [f"--hash-offset={data_bytes}", f"--data-blocks={data_blocks}", "--no-superblock"]
    options += [f"--salt={rootfs['salt']}", "--hash=sha256"]
    tool("veritysetup", "verify", *options, partition, partition, rootfs["root_hash"])


def _check_boot_state(partition: Path, tool: Tool, scratch: Path) -> None:
    config = scratch / "fw_env.config"
    for offset_bytes, seq in zip(boot_state.COPY_OFFSETS_BYTES, ("2", "1"), strict=True):
        config.write_text(f"{partition} {offset_bytes:#x} 0x1000\n")
        printed = tool("fw_printenv", "-c", config).stdout.decode()
        assert dict(re.findall(r"^(\w+)=(.*)$", printed, re.MULTILINE)) == {
            "BOOT_SEQ": seq,
            "BOOT_ORDER": "a",
            "BOOT_A_LEFT": "9",
            "BOOT_B_LEFT": "0",
        }


def _check_block_map(disk: Path, tool: Tool, scratch: Path) -> None:
    copy = scratch / "copy.img"
    tool("bmaptool", "copy", disk, copy)
    with disk.open("rb") as first, copy.open("rb") as second:
        while piece := first.read(1 << 22):
            assert piece == second.read(1 << 22)
        assert not second.read(1)
