"""A whole build of the tiny project, and what foreign tools say of it."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.digest import of_file
from edge.image import disk_check
from edge.image.outputs import NAMES, SERVICES
from edge.process import Completed
from tests.edge.conftest import Edge
from tests.edge.image.foreign import check_disk
from tests.fakes.tiny_project import TinyProject, digests, noise

pytestmark = pytest.mark.tools
Tool = Callable[..., Completed]


def manifest_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return document


def test_a_build_leaves_all_its_outputs_and_nothing_else(built: TinyProject) -> None:
    out = built.folder / "out"

    assert {path.name for path in out.iterdir()} == NAMES - {SERVICES}
    assert {path.name for path in (out / "slot").iterdir()} == {
        "Image",
        "initrd.img",
        "rootfs.img",
        "slot.env",
    }
    assert sorted(path.name for path in (out / "emulator").iterdir()) == [
        "profile.json",
        "u-boot-env.img",
        "u-boot.bin",
    ]
    assert [path.name for path in built.folder.glob(".*")] == []


def move(project: TinyProject, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a project elsewhere, as if just checked out, with a cache that holds only the tools."""
    shutil.copytree(project.folder, folder / "project", copy_function=shutil.copyfile)
    shutil.rmtree(folder / "project" / "out")
    tools = (project.cache / "tools").readlink()
    project.folder, project.cache = folder / "project", folder / "cache"
    project.cache.mkdir()
    (project.cache / "tools").symlink_to(tools)
    monkeypatch.setenv("EDGE_CACHE", str(project.cache))
    monkeypatch.setenv("EDGE_BOARDS", str(project.boards))


def test_the_manifest_names_every_large_file_with_its_digest(built: TinyProject) -> None:
    out = built.folder / "out"
    manifest = manifest_of(out)

    files = manifest["files"]
    found = {name: entry["digest"] for name, entry in files.items() if name != "disk.img"}

    assert {"sbom.spdx.json", "slot/rootfs.img", "slot/Image", "slot/initrd.img"} <= found.keys()
    assert found == {name: of_file(out / name) for name in found}
    assert files["disk.img"] == {
        "bytes": (out / "disk.img").stat().st_size,
        "block_map": of_file(out / "disk.img.bmap"),
    }
    assert disk_check.is_described(out / "disk.img", out / "disk.img.bmap")
    assert (manifest["board"], manifest["system"]) == ("tiny", "system")
    assert manifest["images"].keys() == {"root", "one", "two"}


def test_only_what_an_image_takes_files_from_is_locked_and_fetched(built: TinyProject) -> None:
    items = json.loads(built.lock.read_text())["items"]

    assert items["kernel/linux-image-tiny"]["packages"] == [
        "linux-image-6.1-tiny=1.0-1",
        "linux-image-tiny=1.0-1",
    ]
    assert items["service/one"]["packages"] == ["app-one=1.0-1", "libtiny=1.0-1"]
    assert not any("initramfs-tools" in name for name in built.repository.asked_for())


def test_foreign_tools_agree_on_the_disk(built: TinyProject, tool: Tool, tmp_path: Path) -> None:
    check_disk(built.folder / "out", tool, tmp_path)


def test_a_hybrid_table_is_agreed_on_too(
    project: TinyProject, build: Edge, tool: Tool, tmp_path: Path
) -> None:
    assert build(board="tiny-two").status == 0

    check_disk(project.folder / "out", tool, tmp_path)


def test_two_builds_in_two_places_give_the_same_bytes(
    project: TinyProject,
    ready: dict[str, str],
    build: Edge,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    move(project, tmp_path / "elsewhere", monkeypatch)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", None)
    old_umask = os.umask(0o077)

    try:
        assert build().status == 0
    finally:
        os.umask(old_umask)

    assert digests(project.folder / "out") == ready
    assert list(scratch.iterdir()) == []


@pytest.mark.usefixtures("ready")
def test_a_change_in_one_service_makes_one_layer_anew(project: TinyProject, build: Edge) -> None:
    before = {path.name for path in (project.store / "refs/layer").iterdir()}
    unpacked = {path.name for path in (project.store / "refs/package-tree").iterdir()}
    root = manifest_of(project.folder / "out")["rootfs"]["root_hash"]
    (project.folder / "services/two/two.conf").write_text("changed\n")
    asked = len(project.repository.requests)

    assert build("--offline").status == 0

    after = {path.name for path in (project.store / "refs/layer").iterdir()}
    assert len(before) == 3
    assert len(after - before) == 1
    assert {path.name for path in (project.store / "refs/package-tree").iterdir()} == unpacked
    assert len(project.repository.requests) == asked
    assert manifest_of(project.folder / "out")["rootfs"]["root_hash"] != root


def test_a_build_of_what_did_not_change_adds_nothing_to_the_store_and_gives_the_same(
    project: TinyProject, ready: dict[str, str], build: Edge
) -> None:
    before = set(project.store.rglob("*"))

    assert build().status == 0

    assert set(project.store.rglob("*")) == before
    assert digests(project.folder / "out") == ready


def test_a_build_tells_machines_its_whole_manifest_on_one_line(
    project: TinyProject, build: Edge
) -> None:
    ended = build("--json")

    told = json.loads(ended.out)
    assert told == {"folder": str(project.folder / "out"), **manifest_of(project.folder / "out")}
    assert ended.err == ""


@pytest.mark.usefixtures("ready")
def test_a_second_board_keeps_what_the_first_has_in_the_lock(
    project: TinyProject, build: Edge
) -> None:
    project.board("other", kernel="linux-image-other")
    project.repository.add("linux-image-other", depends="linux-image-6.1-tiny")
    first = json.loads(project.lock.read_text())["items"]

    assert build(board="other").status == 0

    both = json.loads(project.lock.read_text())["items"]
    assert both.keys() - first.keys() == {"board/other", "kernel/linux-image-other"}
    assert {name: both[name] for name in first} == first
    assert build("--locked", board="tiny").status == 0
    assert json.loads(project.lock.read_text())["items"] == both


def test_the_clock_of_the_build_is_that_of_the_documents(
    project: TinyProject, build: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")

    assert build().status == 0

    sbom = json.loads((project.folder / "out/sbom.spdx.json").read_text())
    assert sbom["creationInfo"]["created"] == "2027-01-15T08:00:00Z"
    assert b"clock_s=1800000000" in (project.folder / "out/slot/initrd.img").read_bytes()


def test_a_slot_brings_its_own_device_tree_where_the_board_says_so(
    project: TinyProject, build: Edge, tool: Tool, tmp_path: Path
) -> None:
    file = project.board("tiny")
    text = file.read_text().replace("kernel_addr:", "fdt_addr: 0x43000000, kernel_addr:")
    wanted = "dtb: {from: slot, package_file: usr/lib/u-boot/tiny/u-boot.bin}"
    file.write_text(text.replace("dtb: {from: firmware}", wanted))

    assert build().status == 0

    parts = check_disk(project.folder / "out", tool, tmp_path)
    tool("mcopy", "-i", parts["boot-a"], "::board.dtb", tmp_path / "board.dtb")
    packed = (project.folder / "out/emulator/u-boot.bin").read_bytes()
    assert (tmp_path / "board.dtb").read_bytes() == packed


@pytest.mark.usefixtures("ready")
def test_a_boot_loader_outside_of_partitions_is_on_the_disk_and_in_the_manifest(
    project: TinyProject, build: Edge, tool: Tool, tmp_path: Path
) -> None:
    loader = noise("u-boot", 5000)
    file = project.board("rom", partition_table="partition_table: {start_mib: 3}")
    raw = "raw: [{package_file: usr/lib/u-boot/tiny/u-boot.bin, offset_bytes: 0x100000}]"
    file.write_text(file.read_text().replace("  mib: 8\n", f"  mib: 8\n  {raw}\n", 1))

    assert build(board="rom").status == 0

    out = project.folder / "out"
    assert manifest_of(out)["raw"] == [
        {
            "file": "usr/lib/u-boot/tiny/u-boot.bin",
            "offset_bytes": 0x100000,
            "bytes": len(loader),
            "digest": f"sha256:{hashlib.sha256(loader).hexdigest()}",
        }
    ]
    with (out / "disk.img").open("rb") as stream:
        stream.seek(0x100000)
        assert stream.read(len(loader)) == loader
    check_disk(out, tool, tmp_path)


def test_a_boot_loader_that_does_not_fit_ends_the_build_before_anything_is_written(
    project: TinyProject, build: Edge
) -> None:
    file = project.board("rom")
    raw = "raw: [{package_file: usr/lib/u-boot/tiny/u-boot.bin, offset_bytes: 0xfffe00}]"
    text = file.read_text().replace("  mib: 8\n", f"  mib: 8\n  {raw}\n", 1)
    file.write_text(text.replace("{kind: gpt}", "{kind: gpt, start_mib: 16}"))

    ended = build(board="rom")

    assert ended.status == 2
    assert "ends at byte 16781704, the first partition begins at byte 16777216" in ended.err
    assert "hint: make partition_table.start_mib at least 17 in the board file" in ended.err
    assert not (project.folder / "out").exists()
