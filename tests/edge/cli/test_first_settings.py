"""`--config` and `--set`: first settings as users give them to `edge flash` and `edge run`."""

import json
from pathlib import Path

import pytest

from edge import process, toolbox
from edge.emulator import machine
from edge.image import gpt
from tests.edge.conftest import Edge
from tests.fakes.pki import Pki
from tests.fakes.tiny_project import TinyProject

CONFIG = "hostname: gateway-7\ntimezone: UTC\n"


@pytest.fixture
def here(built: TinyProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in a folder with the build of board `tiny` as `out`."""
    monkeypatch.setenv("EDGE_BOARDS", str(built.boards))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(built.folder.parent / "user"))
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "out").symlink_to(built.folder / "out")
    (folder / "device.yml").write_text(CONFIG)
    monkeypatch.chdir(folder)
    return folder


def data_of(disk: Path) -> tuple[bytes, bytes, bytes]:
    """Return what is before, in and behind the data partition of a disk."""
    with disk.open("rb") as stream:
        data = gpt.read(stream, disk_bytes=disk.stat().st_size).partition("data")
    content = disk.read_bytes()
    end_bytes = data.offset_bytes + data.size_bytes
    return content[: data.offset_bytes], content[data.offset_bytes : end_bytes], content[end_bytes:]


def settings_on(disk: Path, name: str) -> str:
    """Return a first setting as debugfs reads it, where e2fsck finds nothing wrong."""
    image = disk.with_name("data.img")
    image.write_bytes(data_of(disk)[1])
    process.run([*toolbox.tool("e2fsck"), "-f", "-n", image])
    asked = process.run([*toolbox.tool("debugfs"), "-R", f"cat first-boot/{name}", image])
    return asked.stdout.decode()


@pytest.mark.tools
def test_a_card_gets_the_image_and_the_settings_and_nothing_else_is_another(
    here: Path, edge: Edge
) -> None:
    words = ["--to", "file:card.img", "--config", "device.yml", "--set", "hostname=other", "--yes"]

    ended = edge("flash", "out", *words)

    card, image = data_of(here / "card.img"), data_of(here / "out" / "disk.img")
    assert ended.status == 0, ended.err
    assert "with   first settings: hostname, timezone" in ended.err
    assert "signed: system 0.1.0 for tiny" in ended.err
    assert (card[0], card[2]) == (image[0], image[2])
    assert settings_on(here / "card.img", "hostname") == "other\n"
    assert settings_on(here / "card.img", "timezone") == "UTC UTC0\n"


@pytest.mark.tools
def test_a_card_is_compared_with_the_same_settings(here: Path, edge: Edge) -> None:
    edge("flash", "out", "--to", "file:card.img", "--config", "device.yml", "--yes")

    same = edge("flash", "verify", "out", "--to", "file:card.img", "--config", "device.yml")
    other = edge("flash", "verify", "out", "--to", "file:card.img", "--set", "hostname=x")
    none = edge("flash", "verify", "out", "--to", "file:card.img")

    assert (same.status, other.status, none.status) == (0, 4, 4)


@pytest.mark.tools
def test_json_names_the_settings_and_not_their_values(here: Path, edge: Edge) -> None:
    ended = edge(
        "flash", "out", "--to", "file:card.img", "--config", "device.yml", "--yes", "--json"
    )

    plan = json.loads(ended.out.splitlines()[0])
    assert plan["first_settings"] == ["hostname", "timezone"]
    assert "gateway-7" not in ended.out


@pytest.mark.tools
def test_a_file_that_everybody_could_read_is_for_its_owner_only(here: Path, edge: Edge) -> None:
    card = here / "card.img"
    card.touch(0o644)
    words = ["flash", "out", "--to", "file:card.img", "--yes"]

    edge(*words)
    without = card.stat().st_mode & 0o777
    edge(*words, "--config", "device.yml")

    assert (without, card.stat().st_mode & 0o777) == (0o644, 0o600)


def test_a_mistake_is_told_before_anything_is_done(here: Path, edge: Edge) -> None:
    (here / "device.yml").write_text("hostname: a b\ntimezone: Nowhere\n")

    ended = edge("flash", "out", "--to", "file:card.img", "--config", "device.yml", "--yes")

    assert ended.status == 2
    assert "device.yml:1:11: hostname: 'a b' is not a host name" in ended.err
    assert "device.yml:2:11: timezone: there is no time zone 'Nowhere'" in ended.err
    assert not (here / "card.img").exists()


def test_a_mistake_is_json_where_json_is_wanted(here: Path, edge: Edge) -> None:
    ended = edge("flash", "out", "--to", "file:x.img", "--set", "hostname=a b", "--json")

    assert ended.status == 2
    assert "--set hostname" in json.loads(ended.out.splitlines()[-1])["error"]


@pytest.mark.tools
def test_a_machine_gets_them_on_a_new_disk_only(
    here: Path, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "arguments", lambda *_words: ["true"])
    words = ["run", "out", "--headless", "--disk", "disk.img", "--set", "hostname=gw-9"]

    with pytest.raises(SystemExit) as first:
        edge(*words)
    again = edge(*words)

    assert first.value.code == 0
    assert settings_on(here / "disk.img", "hostname") == "gw-9\n"
    assert again.status == 5
    assert "the disk is there" in again.err


def test_two_identities_are_refused(here: Path, edge: Edge) -> None:
    folder = Pki.make(here / "pki").device("dev-1")
    (folder / "device.key").chmod(0o600)

    ended = edge("run", "out", "--identity", str(folder), "--set", f"identity={folder}")

    assert ended.status == 2
    assert "--identity and the key identity" in ended.err


def test_the_schema_is_for_editors(edge: Edge) -> None:
    ended = edge("schema", "device")

    assert ended.status == 0
    assert {"hostname", "network", "ssh"} <= set(json.loads(ended.out)["properties"])
