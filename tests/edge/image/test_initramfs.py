"""What the initramfs is told, and what it holds."""

from pathlib import Path

from edge.image.initramfs import FOLDERS, entries, slot_conf
from edge.oci.modules import Module
from edge.oci.tree import file
from edge_agent.verity import Verity

OPENED = Verity(root_hash="ab" * 32, salt="cd" * 32, data_blocks=7, total_bytes=8 * 4096)


def test_all_that_opens_the_root_is_told() -> None:
    assert slot_conf(OPENED, watchdog_s=30, clock_s=0).decode() == (
        f"root_hash={'ab' * 32}\nsalt={'cd' * 32}\ndata_blocks=7\nwatchdog_s=30\nclock_s=0\n"
    )
    assert b"watchdog" not in slot_conf(OPENED, watchdog_s=None, clock_s=1)


def test_modules_are_listed_in_the_order_in_which_they_load(tmp_path: Path) -> None:
    init = tmp_path / "init"
    init.write_bytes(b"init")
    modules = [Module("b", file(b"second")), Module("a", file(b"first"))]

    found = {entry.path: entry for entry in entries(init, modules, b"conf")}

    assert found["modules/order"].content == b"b.ko\na.ko\n"
    assert set(FOLDERS) <= found.keys()
    assert {"init", "slot.conf", "modules/a.ko", "modules/b.ko"} <= found.keys()
