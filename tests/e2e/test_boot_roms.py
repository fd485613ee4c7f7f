"""Disks of boards whose ROM reads a boot loader from outside of partitions, as the ROM reads them.

No board was at hand: what is checked is what the documents of U-Boot say that the ROMs check.
"""

import json
from pathlib import Path

import pytest

from edge import process, toolbox
from edge.cli.main import main
from edge.image import gpt
from tests.e2e.conftest import Build
from tests.fakes import boot_roms
from tests.fakes.boot_roms import SECTOR_BYTES, RefusedByRomError

pytestmark = pytest.mark.slow


def loaders(folder: Path) -> dict[str, tuple[int, int]]:
    """Return where the boot loaders of a build lie, as its manifest says: start and end."""
    listed = json.loads((folder / "manifest.json").read_text())["raw"]
    places = ((one["file"], one["offset_bytes"], one["bytes"]) for one in listed)
    return {Path(file).name: (start, start + length) for file, start, length in places}


def written(disk: Path, start: int, length: int) -> bytes:
    with disk.open("rb") as stream:
        stream.seek(start)
        return stream.read(length)


def test_the_rom_of_rockchip_finds_its_stages_and_the_table_stays_whole(
    build: Build, tmp_path: Path
) -> None:
    disk = build("minimal", board="rock-pi-e") / "disk.img"
    found = loaders(disk.parent)

    with disk.open("rb") as stream:
        stage = boot_roms.rockchip(stream)
        partitions = gpt.read(stream, disk_bytes=disk.stat().st_size).partitions

    assert stage[:4] == b"RK32"  # what the ROM of the RK3328 asks for
    assert found["idbloader.img"][0] == boot_roms.ROCKCHIP_SECTOR * SECTOR_BYTES
    assert found["u-boot.itb"][0] == boot_roms.ROCKCHIP_UBOOT_SECTOR * SECTOR_BYTES
    assert found["u-boot.itb"][1] <= partitions[0].offset_bytes
    first = written(disk, found["u-boot.itb"][0], 4)
    assert first == boot_roms.FLATTENED_TREE
    damaged = tmp_path / "damaged.img"
    damaged.write_bytes(written(disk, 0, found["idbloader.img"][0]) + bytes(1 << 20))
    with damaged.open("rb") as stream, pytest.raises(RefusedByRomError):
        boot_roms.rockchip(stream)


def test_the_rom_of_allwinner_finds_its_stage_behind_the_table(
    build: Build, tmp_path: Path
) -> None:
    disk = build("minimal", board="pine64-plus") / "disk.img"
    start, end = loaders(disk.parent)["u-boot-sunxi-with-spl.bin"]

    with disk.open("rb") as stream:
        sector, stage = boot_roms.allwinner(stream)
        partitions = gpt.read(stream, disk_bytes=disk.stat().st_size).partitions

    assert (sector, sector * SECTOR_BYTES) == (256, start)
    assert stage[20:23] == b"SPL"
    # The first stage takes the second from right behind itself: 32 KiB, whatever place it is at.
    assert written(disk, start + len(stage), 4) == boot_roms.FLATTENED_TREE
    assert end <= partitions[0].offset_bytes
    damaged = bytearray(written(disk, 0, 1 << 20))
    damaged[start + 4096] ^= 1
    (tmp_path / "damaged.img").write_bytes(damaged)
    with (tmp_path / "damaged.img").open("rb") as stream, pytest.raises(RefusedByRomError):
        boot_roms.allwinner(stream)


def test_a_card_that_is_flashed_has_the_boot_loaders(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder, card = build("minimal", board="rock-pi-e"), tmp_path / "card.img"
    copy = tmp_path / "copy.img"

    words = ["-q", "flash", "--board", "rock-pi-e", str(folder), "--to", f"file:{card}", "--yes"]
    assert main(words) == 0
    process.run([*toolbox.tool("bmaptool"), "copy", folder / "disk.img", copy])

    for start, end in loaders(folder).values():
        whole = written(folder / "disk.img", start, end - start)
        assert any(whole)
        assert written(card, start, end - start) == whole
        assert written(copy, start, end - start) == whole


def test_a_kernel_that_does_not_know_the_card_of_a_board_is_refused(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-q", "build", str(work / "minimal.yml"), "--board", "rpi5", "-o", str(work / "no")]

    assert main(words) == 2

    assert "has no module 'sdhci_brcmstb'" in capsys.readouterr().err
    assert not (work / "no").exists()
