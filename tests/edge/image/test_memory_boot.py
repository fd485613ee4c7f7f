"""What starts a root from memory, and the root as a cpio archive."""

from pathlib import Path

import pytest

from edge.errors import InputError
from edge.image import memory_boot
from edge.oci.modules import Module
from edge.oci.tree import Slice, Tree, file, folder, link

SETTINGS = memory_boot.conf(watchdog_s=None, clock_s=7)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_bytes(b"program")
    return path


def root(**files: bytes) -> Tree:
    tree = Tree()
    for name, data in files.items():
        tree.add(f"usr/{name}", file(data))
    return tree


def test_the_program_is_told_that_the_root_is_in_memory() -> None:
    assert memory_boot.conf(watchdog_s=30, clock_s=7) == b"root=memory\nwatchdog_s=30\nclock_s=7\n"
    assert SETTINGS == b"root=memory\nclock_s=7\n"


def test_modules_load_in_their_order_and_the_kernel_is_left_out(program: Path) -> None:
    tree = root(one=b"1")
    tree.add("boot/kernel", file(b"kernel"))
    modules = [Module("b", file(b"second")), Module("a", file(b"first"))]

    started = memory_boot.started(tree, program, modules, SETTINGS)

    found = {entry.path: entry for entry in memory_boot.entries(started)}
    order = started.get("modules/order")
    assert order is not None
    assert order.read() == b"b.ko\na.ko\n"
    assert {"init", "slot.conf", "modules/a.ko", "root", "proc", "usr/one"} <= found.keys()
    assert "boot/kernel" not in found
    assert "boot/kernel" in tree


def test_a_root_with_an_init_of_its_own_starts_itself(program: Path) -> None:
    tree = root(one=b"1")
    tree.add("init", file(b"#!/bin/sh\n", mode=0o755))

    started = memory_boot.started(tree, program, [Module("b", file(b"x"))], SETTINGS)

    assert {path for path, _entry in started} == {"init", "usr", "usr/one"}


def test_equal_files_are_names_of_one_and_the_last_has_the_content() -> None:
    tree = root(a=b"same", b=b"same", c=b"other", d=b"", e=b"")
    tree.add("usr/f", link("a"))
    tree.add("usr/g", folder(mode=0o1777))
    tree.add("usr/z", file(b"same", mode=0o755))

    found = {entry.path: entry for entry in memory_boot.entries(tree)}

    assert [found[f"usr/{name}"].links for name in "abcdez"] == [2, 2, 1, 1, 1, 1]
    assert found["usr/a"].content == b""
    assert found["usr/b"].first == "usr/a"
    assert found["usr/b"].content == tree.get("usr/b")
    assert (found["usr/f"].mode, found["usr/f"].content) == (0o120777, b"a")
    assert found["usr/g"].mode == 0o041777


def test_a_file_that_the_format_cannot_hold_is_refused() -> None:
    tree = Tree()
    tree.add("huge", file(Slice(Path("/dev/zero"), 0, 1 << 32), sha256="0" * 64))

    with pytest.raises(InputError, match="/huge: 4294967296 bytes are more than a cpio"):
        list(memory_boot.entries(tree))
