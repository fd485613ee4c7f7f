"""`edge flash` where two names lead to one place: neither the image itself nor twice."""

import json
import os
from pathlib import Path

import pytest

from edge.flash.disks import sysfs
from edge.flash.disks.disk import Disk, Transport
from tests.edge.conftest import Edge

GB = 10**9
_STICK = Disk(
    "sdz", "/dev/sdz", 32 * GB, Transport.USB, model="Ultra", serial="4C530001", port="1-1.2"
)


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image that nobody has signed, in the folder we are in."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "disk.img"
    file.write_bytes(b"\x5a" * (2 << 20))
    return file


@pytest.fixture
def disks(monkeypatch: pytest.MonkeyPatch) -> list[Disk]:
    """The disks of this machine, which can be changed."""
    found: list[Disk] = []
    monkeypatch.setattr(sysfs, "disks", lambda *_root: tuple(found))
    return found


@pytest.mark.parametrize("how", ["by its name", "by a link", "by a hard link"])
@pytest.mark.parametrize("more", [[], ["--dry-run"]], ids=["written", "dry run"])
def test_an_image_is_not_written_to_itself(
    image: Path, edge: Edge, how: str, more: list[str]
) -> None:
    target = image.with_name("card.img")
    match how:
        case "by its name":
            target = image
        case "by a link":
            target.symlink_to(image)
        case _:
            os.link(image, target)

    ended = edge("flash", str(image), "--unsigned", "--to", f"file:{target}", "--yes", *more)

    assert ended.status == 5
    assert "it is the image itself" in ended.err
    assert image.read_bytes() == b"\x5a" * (2 << 20)


def test_an_image_is_not_written_to_a_loop_device_on_it(
    image: Path, disks: list[Disk], edge: Edge
) -> None:
    disks.append(Disk("loop7", "/dev/loop7", 2 << 20, Transport.LOOP, backing=str(image)))

    ended = edge("flash", str(image), "--unsigned", "--to", "/dev/loop7", "--dry-run")

    assert ended.status == 5
    assert "it is the image itself" in ended.err


def test_a_target_with_two_names_is_written_once(
    image: Path, disks: list[Disk], edge: Edge
) -> None:
    disks.append(_STICK)
    names = ["/dev/sdz", "usb:1-1.2", "file:card.img", "file:./card.img"]
    words = [word for name in names for word in ("--to", name)]

    ended = edge("flash", str(image), "--unsigned", *words, "--dry-run", "--json")

    (plan,) = [json.loads(line) for line in ended.out.splitlines()]
    assert plan["targets"] == ["/dev/sdz", "file:card.img"]
