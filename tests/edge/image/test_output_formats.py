"""Every output format of the tiny project: what foreign tools find in it, and its bytes again."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edge import process, toolbox
from edge.digest import of_file
from edge.errors import ThingNotFoundError
from edge.oci.layout import read_image
from edge.oci.store import Store
from edge.process import Completed
from edge.release.source import of_build
from tests.edge.conftest import Edge
from tests.edge.image.test_build import move
from tests.fakes.tiny_project import TinyProject, digests, noise

pytestmark = pytest.mark.tools
Tool = Callable[..., Completed]

ROOTS = "tar,kernel+initrd,squashfs,erofs,oci"
KERNEL_BYTES = noise("kernel", 3000)
TWICE = (
    "containers/services/one/rootfs/usr/lib/libtiny.so",
    "containers/services/two/rootfs/usr/lib/libtiny.so",
)


@pytest.fixture
def made(ready: dict[str, str], project: TinyProject, build: Edge) -> Path:
    """The folder of the tiny project in all formats of the root."""
    ended = build("--format", ROOTS, "--offline")
    assert ended.status == 0, ended.err
    return project.folder / "out"


def test_the_manifest_has_the_digest_of_each_output(made: Path) -> None:
    files = json.loads((made / "manifest.json").read_text())["files"]

    assert {"system.tar", "system-erofs.img", "system-initrd.img"} <= files.keys()
    assert {name: one["digest"] for name, one in files.items()} == {
        name: of_file(made / name) for name in files
    }


def names_in(listed: bytes) -> set[str]:
    return {line.strip().removeprefix("./") for line in listed.decode().splitlines()}


def test_foreign_tools_find_the_same_root_in_every_format(
    made: Path, tool: Tool, tmp_path: Path
) -> None:
    plain = tmp_path / "tar"
    plain.mkdir()
    subprocess.run(["tar", "-xf", made / "system.tar", "-C", plain], check=True)
    tool("unsquashfs", "-no-progress", "-d", tmp_path / "squashfs", made / "system-squashfs.img")
    tool("fsck.erofs", f"--extract={tmp_path / 'erofs'}", "--force", made / "system-erofs.img")

    root = digests(plain)

    assert root["boot/kernel"] == f"sha256:{hashlib.sha256(KERNEL_BYTES).hexdigest()}"
    assert (plain / "boot/cmdline").read_text().endswith("console=ttyAMA0")
    assert (plain / "usr/lib/modules/edge/order").read_text().split() == [
        "dm_verity.ko",
        "erofs.ko",
        "dog.ko",
        "net.ko",
    ]
    assert digests(tmp_path / "squashfs") == digests(tmp_path / "erofs") == root
    for folder in (plain, tmp_path / "squashfs", tmp_path / "erofs"):
        assert (folder / TWICE[0]).stat().st_ino == (folder / TWICE[1]).stat().st_ino
        assert folder.stat().st_mode & 0o7777 == 0o755
        assert {path.lstat().st_mtime for path in folder.rglob("*")} == {0.0}


def test_the_initrd_holds_the_root_and_what_starts_it(made: Path, tmp_path: Path) -> None:
    archive = gzip.decompress((made / "system-initrd.img").read_bytes())
    folder = tmp_path / "root"
    folder.mkdir()

    process.run([*toolbox.tool("busybox"), "cpio", "-i", "-d"], input_bytes=archive, cwd=folder)

    assert (made / "system-kernel").read_bytes() == KERNEL_BYTES
    assert (made / "system-cmdline").read_text().endswith("console=ttyAMA0")
    assert (folder / "slot.conf").read_text().splitlines()[:2] == ["root=memory", "watchdog_s=30"]
    assert (folder / "modules/order").read_text().split() == ["dm_verity.ko", "erofs.ko", "dog.ko"]
    assert (folder / "init").read_bytes()[:4] == b"\x7fELF"
    assert (folder / TWICE[0]).stat().st_ino == (folder / TWICE[1]).stat().st_ino
    assert (folder / TWICE[1]).read_bytes() == noise("libtiny", 40_000)
    assert not (folder / "boot/kernel").exists()


def blob(layout: Path, descriptor: dict[str, object]) -> bytes:
    """Return a blob that is as long and has the digest that its descriptor says."""
    kind, _, name = str(descriptor["digest"]).partition(":")
    data = (layout / "blobs" / kind / name).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (descriptor["size"], name)
    return data


def test_the_layout_is_what_the_image_spec_says(made: Path, tmp_path: Path) -> None:
    layout = made / "system-oci"
    plain = (made / "system.tar").read_bytes()

    index = json.loads((layout / "index.json").read_bytes())
    manifest = json.loads(blob(layout, index["manifests"][0]))
    config = json.loads(blob(layout, manifest["config"]))
    (layer,) = manifest["layers"]

    assert json.loads((layout / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    assert index["manifests"][0]["platform"] == {"architecture": "arm64", "os": "linux"}
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    assert gzip.decompress(blob(layout, layer)) == plain
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(plain).hexdigest()}"]
    assert (config["architecture"], config["os"]) == ("arm64", "linux")
    assert len(list((layout / "blobs/sha256").iterdir())) == 3
    image = read_image(f"oci:{layout}:0.1.0", Path(), Store(tmp_path / "store"))
    assert TWICE[0] in image.tree


@pytest.mark.usefixtures("ready")
def test_a_packed_disk_is_the_disk(project: TinyProject, build: Edge, tool: Tool) -> None:
    assert build("--format", "disk.zst", "--offline").status == 0

    out = project.folder / "out"
    tool("zstd", "-q", "-t", out / "disk.img.zst")
    unpacked = tool("zstd", "-q", "-d", "-c", out / "disk.img.zst").stdout
    assert unpacked == (out / "disk.img").read_bytes()
    listed = json.loads((out / "manifest.json").read_text())
    assert listed["files"]["disk.img.zst"]["bytes"] < listed["files"]["disk.img"]["bytes"] / 10


def test_every_format_is_the_same_in_another_place_zone_language_and_with_another_umask(
    project: TinyProject,
    made: Path,
    build: Edge,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    first = digests(made)
    move(project, tmp_path / "elsewhere", monkeypatch)
    for path in project.folder.rglob("*"):
        os.utime(path, (1, 1))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    old_umask = os.umask(0o077)

    try:
        ended = build("--format", "oci", "-f", "erofs,squashfs,kernel+initrd", "-f", "tar")
    finally:
        os.umask(old_umask)

    assert ended.status == 0, ended.err
    different = {"manifest.json"}  # it names the formats as they were asked for
    again = digests(project.folder / "out")
    assert {n: d for n, d in again.items() if n not in different} == {
        n: d for n, d in first.items() if n not in different
    }


@pytest.mark.usefixtures("ready")
def test_no_board_is_needed_where_no_disk_is_made(project: TinyProject, edge: Edge) -> None:
    out = project.folder / "out-root"

    ended = edge("build", project.system, "-f", "tar,squashfs", "-o", out, "--offline", "--json")

    told = json.loads(ended.out)
    assert (ended.status, told["board"], told["kernel"], told["rootfs"]) == (0, "none", None, None)
    assert sorted(path.name for path in out.iterdir()) == [
        "manifest.json",
        "sbom.spdx.json",
        "system-squashfs.img",
        "system.tar",
    ]
    with tarfile.open(out / "system.tar") as archive:
        assert "./etc/motd" in archive.getnames()
        assert "./boot/kernel" not in archive.getnames()
    assert edge("report", out).status == 0


@pytest.mark.usefixtures("ready")
def test_a_tar_goes_to_the_standard_output(
    project: TinyProject, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = project.folder / "out-root"
    assert edge("build", project.system, "-f", "tar", "-o", out, "--offline").status == 0
    command = [sys.executable, "-m", "edge.cli.main", "build", str(project.system)]

    piped = subprocess.run(
        [*command, "-f", "tar", "-o", "-", "--offline"], capture_output=True, check=True
    )

    assert piped.stdout == (out / "system.tar").read_bytes()
    assert not (Path.cwd() / "-").exists()


@pytest.mark.parametrize(
    ("words", "status", "told", "hint"),
    [
        pytest.param(["-f", "tarr"], 2, "'tarr': there is no such format", "one of tar", id="name"),
        pytest.param([], 2, "a disk image is for a board", "--board NAME", id="no board"),
        pytest.param(["-f", "tar,disk"], 2, "a disk image is for a board", "", id="also a disk"),
        pytest.param(
            ["-f", "kernel+initrd"], 2, "the system has no kernel", "with --board", id="no kernel"
        ),
        pytest.param(["-f", "tar,erofs", "-o", "-"], 2, "for --format tar alone", "", id="two"),
        pytest.param(["-f", "tar", "--json", "-o", "-"], 2, "", "give a folder", id="json"),
    ],
)
def test_what_cannot_be_made_is_told(
    project: TinyProject,
    ready: dict[str, str],
    edge: Edge,
    words: list[str],
    status: int,
    told: str,
    hint: str,
) -> None:
    ended = edge("build", project.system, "-o", project.folder / "out", "--offline", *words)

    assert ended.status == status
    assert told in ended.err + ended.out
    assert hint in ended.err + ended.out
    assert digests(project.folder / "out") == ready


@pytest.mark.parametrize(
    "place",
    [
        "edge.image.squashfs.process.fed",
        "edge.image.erofs.process.fed",
        "edge.image.oci_layout.Gzip.finish",
        "edge.image.memory_boot.cpio.write",
        "edge.oci.tar_writer.write_tar",
    ],
)
def test_an_interrupted_build_leaves_the_earlier_outputs(
    project: TinyProject, made: Path, build: Edge, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    before = digests(made)

    def interrupted(*_words: object, **_options: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(place, interrupted)

    assert build("--format", ROOTS, "--offline").status == 130
    assert digests(made) == before
    assert project.droppings() == []


@pytest.mark.usefixtures("ready")
def test_a_build_of_one_format_replaces_those_of_others_but_no_file_of_a_person(
    project: TinyProject, made: Path, build: Edge
) -> None:
    assert build("--format", "tar", "--name", "other", "--offline").status == 0
    assert {path.name for path in made.iterdir()} == {
        "manifest.json",
        "other.tar",
        "sbom.spdx.json",
    }
    (made / "system.tar").write_text("mine")

    ended = build("--format", "tar", "--offline")

    assert ended.status == 5
    assert "what no build made: system.tar" in ended.err


def test_a_release_of_a_build_without_a_disk_is_refused(made: Path) -> None:
    with pytest.raises(ThingNotFoundError, match="no disk image"), of_build(made):
        pass


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("compress", ["none", "lz4hc"])
def test_the_system_file_says_how_roots_are_packed(
    project: TinyProject, build: Edge, tool: Tool, compress: str
) -> None:
    text = project.system.read_text()
    project.system.write_text(f"{text}rootfs: {{compress: {compress}}}\n")

    assert build("--format", "squashfs,erofs,disk", "--offline").status == 0

    out = project.folder / "out"
    told = tool("unsquashfs", "-s", out / "system-squashfs.img").stdout.decode()
    packed = compress != "none"
    assert ("Data is uncompressed" in told) is not packed
    for image in (out / "system-erofs.img", out / "slot/rootfs.img"):
        features = tool("dump.erofs", "-s", image).stdout.decode()
        assert ("lz4_0padding" in features or "compr" in features) is packed, features
