"""Which build is written when nobody says which."""

import json
import os
from pathlib import Path

from edge.flash.builds import builds


def _build(folder: Path, *, board: str, made_s: int, disk: bool = True) -> None:
    folder.mkdir(parents=True)
    facts = {"format": 1, "board": board, "version": "1.0.0"}
    (folder / "manifest.json").write_text(json.dumps(facts))
    os.utime(folder / "manifest.json", (made_s, made_s))
    if disk:
        (folder / "disk.img").touch()


def test_the_newest_build_of_the_board_comes_first(tmp_path: Path) -> None:
    _build(tmp_path / "out", board="rpi4", made_s=100)
    _build(tmp_path / "out-1.1", board="rpi4", made_s=200)
    _build(tmp_path / "builds" / "qemu", board="qemu-arm64", made_s=300)

    assert [build.folder.name for build in builds(tmp_path, "rpi4")] == ["out-1.1", "out"]
    assert [build.folder.name for build in builds(tmp_path)] == ["qemu", "out-1.1", "out"]


def test_the_folder_itself_may_be_the_build(tmp_path: Path) -> None:
    _build(tmp_path / "out", board="rpi4", made_s=100)

    assert [build.folder for build in builds(tmp_path / "out")] == [tmp_path / "out"]


def test_hidden_damaged_and_deep_folders_are_passed_over(tmp_path: Path) -> None:
    _build(tmp_path / ".cache", board="rpi4", made_s=100)
    _build(tmp_path / "a" / "b" / "c", board="rpi4", made_s=100)
    _build(tmp_path / "no-disk", board="rpi4", made_s=100, disk=False)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "manifest.json").write_text("{")

    assert builds(tmp_path) == ()
