"""`edge flash` as its users run it: on files, and on disks of a machine that is made up."""

import json
import os
import pty
from collections.abc import Sequence
from pathlib import Path

import pytest
import zstandard

from edge import process
from edge.cli.main import main
from edge.flash.disks import sysfs
from edge.flash.disks.disk import Disk, Transport, Volume
from edge.flash.transports import storage
from tests.edge.conftest import Edge
from tests.fakes.file_server import FileServer, file_server
from tests.fakes.tiny_project import TinyProject

GB = 10**9
_STICK = Disk(
    "sdz",
    "/dev/sdz",
    32 * GB,
    Transport.USB,
    vendor="SanDisk",
    model="Ultra",
    serial="4C530001",
    port="1-1.2",
    partitions=(Volume("sdz1", GB, "PHOTOS", "vfat"),),
)
_BIG = Disk("sdy", "/dev/sdy", 900 * GB, Transport.USB, model="Archive", serial="ARC9")


@pytest.fixture
def here(built: TinyProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in a folder with the build of board `tiny` as `out`."""
    monkeypatch.setenv("EDGE_BOARDS", str(built.boards))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(built.folder.parent / "user"))
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "out").symlink_to(built.folder / "out")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def disks(monkeypatch: pytest.MonkeyPatch) -> list[Disk]:
    """The disks of this machine, which can be changed."""
    found: list[Disk] = []
    monkeypatch.setattr(sysfs, "disks", lambda *_root: tuple(found))
    return found


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, here: Path) -> Path:
    """A file that stands behind every device file."""
    file = here / "medium.img"
    real = storage.OpenStorage

    def opened(path: str, *, size_bytes: int | None = None, read_only: bool = False) -> object:
        del path, size_bytes
        return real(str(file), size_bytes=1 << 30, read_only=read_only)

    monkeypatch.setattr("edge.flash.methods.block.OpenStorage", opened)
    return file


def _lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def _same(image: Path, target: Path) -> bool:
    return image.read_bytes() == target.read_bytes()[: image.stat().st_size]


def test_a_file_gets_the_image(here: Path, edge: Edge) -> None:
    ended = edge("flash", "--board", "tiny", "out", "--to", "file:card.img", "--yes")

    assert ended.status == 0, ended.err
    assert _same(here / "out" / "disk.img", here / "card.img")
    assert "signed: system 0.1.0 for tiny" in ended.err
    assert "read back and right" in ended.err


def test_json_lines_tell_of_every_step(here: Path, edge: Edge) -> None:
    ended = edge("flash", "out", "--to", "file:a.img", "--to", "file:b.img", "--yes", "--json")

    events = _lines(ended.out)
    assert ended.status == 0
    assert events[0]["event"] == "plan"
    assert events[0]["targets"] == ["file:a.img", "file:b.img"]
    assert {"phase", "progress", "done"} <= {event["event"] for event in events}
    done = [event for event in events if event["event"] == "done"]
    assert {event["target"] for event in done} == {"file:a.img", "file:b.img"}
    assert all(event["verified_bytes"] == events[0]["mapped_bytes"] for event in done)


def test_a_dry_run_checks_and_writes_nothing(here: Path, edge: Edge) -> None:
    ended = edge("flash", "out", "--to", "file:card.img", "--dry-run")

    assert ended.status == 0
    assert not (here / "card.img").exists()


def test_without_an_image_the_newest_build_is_taken(
    here: Path, built: TinyProject, edge: Edge
) -> None:
    (here / "out").unlink()
    _copy_of(built, here / "older")

    ended = edge("flash", "--board", "tiny", "--to", "file:card.img", "--yes")

    assert ended.status == 0, ended.err
    assert "older/disk.img" in ended.err


def _copy_of(built: TinyProject, folder: Path) -> None:
    process.run(["cp", "-a", "--sparse=always", built.folder / "out", folder])


def test_without_a_build_the_hint_is_how_to_make_one(here: Path, edge: Edge) -> None:
    (here / "out").unlink()

    ended = edge("flash", "--board", "tiny", "--yes")

    assert ended.status == 3
    assert "edge build SYSTEM.yml --board tiny" in ended.err


def test_an_image_for_another_board_is_refused(here: Path, edge: Edge) -> None:
    ended = edge("flash", "--board", "rpi4", "out", "--to", "file:card.img", "--yes")

    assert ended.status == 5
    assert "it is for tiny, not for rpi4" in ended.err
    assert not (here / "card.img").exists()


def test_an_image_without_a_signature_needs_a_word(
    here: Path, built: TinyProject, edge: Edge
) -> None:
    _copy_of(built, here / "bare")
    (here / "bare" / "disk.edge").unlink()

    refused = edge("flash", "bare", "--to", "file:card.img", "--yes")
    taken = edge("flash", "bare", "--to", "file:card.img", "--yes", "--unsigned")

    assert (refused.status, taken.status) == (4, 0)
    assert "--unsigned" in refused.err
    assert "NOT SIGNED" in taken.err


def test_a_wrong_signature_is_refused_whatever_the_user_says(
    here: Path, built: TinyProject, edge: Edge, tmp_path: Path
) -> None:
    _copy_of(built, here / "bad")
    assert edge("keys", "init", "--dir", tmp_path / "others").status == 0

    ended = edge(
        "flash", "bad", "--to", "file:x.img", "--yes", "--unsigned", "--keys", tmp_path / "others"
    )

    assert ended.status == 4
    assert not (here / "x.img").exists()


def test_the_one_card_that_is_here_is_written(
    here: Path, disks: list[Disk], device: Path, edge: Edge
) -> None:
    disks += [_STICK]

    ended = edge("flash", "--board", "tiny", "out", "--yes")

    assert ended.status == 0, ended.err
    assert "/dev/sdz: SanDisk Ultra, 32.0 GB, usb, serial 4C530001, USB port 1-1.2" in ended.err
    assert "sdz1  953.7 MiB  vfat  PHOTOS" in ended.err
    assert _same(here / "out" / "disk.img", device)


def test_nothing_is_written_without_a_yes(
    here: Path, disks: list[Disk], device: Path, edge: Edge
) -> None:
    disks += [_STICK]

    ended = edge("flash", "out")

    assert ended.status == 5
    assert "add --yes" in ended.err
    assert not device.exists()


def test_two_cards_are_told_and_not_written(here: Path, disks: list[Disk], edge: Edge) -> None:
    disks += [_STICK, Disk("sdx", "/dev/sdx", GB, Transport.SD)]

    ended = edge("flash", "out", "--yes")

    assert ended.status == 5
    assert "--to /dev/sdz, or --all" in ended.err


def test_a_large_disk_is_written_only_by_its_serial_number(
    here: Path, disks: list[Disk], device: Path, edge: Edge
) -> None:
    disks += [_BIG]

    refused = edge("flash", "out", "--to", "/dev/sdy", "--yes")
    forced = edge("flash", "out", "--to", "/dev/sdy", "--yes", "--force", "ARC9")

    assert (refused.status, forced.status) == (5, 0)
    assert "--force ARC9" in refused.err


def test_a_forced_disk_asks_for_its_serial_number(
    here: Path, disks: list[Disk], device: Path
) -> None:
    disks += [_BIG]

    wrong = _typed(["flash", "out", "--to", "/dev/sdy", "--force", "ARC9"], "ARC8\n")
    assert not device.exists()
    right = _typed(["flash", "out", "--to", "/dev/sdy", "--force", "ARC9"], "ARC9\n")

    assert (wrong, right) == (5, 0)


def test_a_yes_at_the_terminal_is_enough(here: Path, disks: list[Disk], device: Path) -> None:
    disks += [_STICK]

    assert _typed(["flash", "out"], "n\n") == 130
    assert not device.exists()
    assert _typed(["flash", "out"], "y\n") == 0
    assert device.exists()


def _typed(words: Sequence[str], text: str) -> int:
    """Run `edge` with a terminal as its input, at which something was typed."""
    ours, theirs = pty.openpty()
    os.write(ours, text.encode())
    try:
        with os.fdopen(theirs, closefd=True) as terminal, pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", terminal)
            return main([*words])
    finally:
        os.close(ours)


def test_every_card_is_written_and_one_that_fails_is_told(
    here: Path, disks: list[Disk], edge: Edge
) -> None:
    disks += [_STICK, Disk("sdx", "/dev/sdx", 64 * GB, Transport.SD)]

    ended = edge("flash", "out", "--all", "--yes", "--json")  # there are no such device files

    assert ended.status == 1
    failed = [event for event in _lines(ended.out) if event.get("event") == "failed"]
    assert {event["target"] for event in failed} == {"/dev/sdz", "/dev/sdx"}


def test_a_card_is_verified(here: Path, edge: Edge) -> None:
    edge("flash", "out", "--to", "file:card.img", "--yes")

    right = edge("flash", "verify", "out", "--to", "file:card.img")
    with (here / "card.img").open("r+b") as stream:
        stream.seek(1 << 20)
        stream.write(b"changed")
    wrong = edge("flash", "verify", "out", "--to", "file:card.img")

    assert (right.status, wrong.status) == (0, 4)
    assert f"at byte {1 << 20}" in wrong.err


def test_the_list_says_why_a_disk_is_not_to_be_written(disks: list[Disk], edge: Edge) -> None:
    disks += [_STICK, _BIG]

    text = edge("flash", "list")
    found = json.loads(edge("flash", "list", "--json").out)

    assert "900 GB, not at most 256 GB (--force ARC9)" in text.out
    assert [disk["offered"] for disk in found["disks"]] == [True, False]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--to", "card.img"], 2, "--to file:card.img"),
        (["--to", "/dev/none"], 3, "edge flash list"),
        (["--to", "usb:9-9"], 3, "USB port 9-9"),
        (["--to", "file:x", "--all"], 2, "leave one of them out"),
        (["--to", "file:none/x.img"], 3, "none/x.img"),
    ],
)
def test_what_is_no_target_is_told(
    here: Path, disks: list[Disk], edge: Edge, words: list[str], status: int, told: str
) -> None:
    ended = edge("flash", "out", "--yes", *words)

    assert ended.status == status
    assert told in ended.err


def test_udev_rules_are_printed(edge: Edge) -> None:
    ended = edge("udev", "show")

    assert ended.status == 0
    assert 'TAG+="uaccess"' in ended.out


@pytest.mark.parametrize(
    ("word", "what"), [("--yes", "go on where it was"), ("--no-verify", "start again")]
)
def test_an_interrupt_says_how_to_go_on(
    here: Path, edge: Edge, monkeypatch: pytest.MonkeyPatch, word: str, what: str
) -> None:
    def interrupted(*_words: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("edge.flash.jobs.flash_all", interrupted)
        ended = edge("flash", "out", "--to", "file:my card.img", "--yes", word)

    assert ended.status == 130
    assert f"to {what}: edge flash out --to 'file:my card.img' --yes {word}" in ended.err


@pytest.mark.parametrize("packed", [False, True], ids=[".img", ".img.zst"])
def test_a_card_is_written_from_a_url(here: Path, edge: Edge, packed: bool) -> None:
    out = here / "out"
    image = (out / "disk.img").read_bytes()
    name = "disk.img.zst" if packed else "disk.img"
    files = {part: (out / part).read_bytes() for part in ("disk.img.bmap", "disk.edge")}
    files[name] = zstandard.compress(image) if packed else image

    with file_server(FileServer(files, cut_bytes=25_000_000)) as server:
        ended = edge("flash", "-b", "tiny", server.url + name, "--to", "file:card.img", "--yes")

    assert ended.status == 0, ended.err
    assert "signed: system 0.1.0 for tiny" in ended.err
    assert _same(out / "disk.img", here / "card.img")


def test_what_is_not_built_yet_is_built_and_json_has_the_events_of_flashing_alone(
    project: TinyProject, edge: Edge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(project.folder)
    words = ["flash", "--board", "tiny", "--to", "file:card.img", "--json"]

    refused = edge(*words)
    ended = edge(*words, "--yes")

    assert refused.status == 3
    assert ended.status == 0, ended.err
    assert all("event" in event for event in _lines(ended.out))
    assert _same(project.folder / "out-tiny" / "disk.img", project.folder / "card.img")
