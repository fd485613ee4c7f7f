"""A backup of a console that runs is a console elsewhere, on either database; damage is told."""

import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from edge.cli.main import main
from edge.console import backup
from edge.console.site import Site
from edge.errors import InputError, RefusedError
from tests.agent.power.system import System
from tests.fakes import console, postgresql
from tests.fakes.console import Console
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def full(site: Console, operator: Operator) -> Console:
    """A console with something of each kind."""
    operator.release(System.make("1", 1))
    site.good("POST", "/releases", operator.bundle("1"))
    site.good("PUT", "/groups/hall", {})
    body = {"device": "unit-1", "tags": ["lab"], "attributes": {"site": "é"}, "groups": ["hall"]}
    site.good("POST", "/imports/devices", {"devices": [body, {"device": "unit-2"}]})
    site.link("unit-1").desired()
    site.good("POST", "/deployments", {"device": "unit-1", "version": "1"})
    return site


@pytest.fixture
def file(full: Console, tmp_path: Path) -> Path:
    place = tmp_path / "saved.tar.zst"
    assert main(["console", "backup", "--dir", str(full.site.folder), "-o", str(place)]) == 0
    return place


def everything(site: Console) -> list[object]:
    paths = ("/devices", "/groups", "/releases", "/audit", "/devices/unit-1/orders", "/tokens")
    found = [site.good("GET", path) for path in paths]
    for device in found[0]["devices"]:
        for name in ("first_seen_s", "last_seen_s", "via"):
            del device[name]
    return found


def test_a_restored_console_is_the_same_and_goes_on(
    full: Console, file: Path, tmp_path: Path, pki: Pki, keys: Path
) -> None:
    before = everything(full)
    ordered = full.link("unit-1").desired()
    folder = tmp_path / "elsewhere"

    assert main(["console", "restore", str(file), "--dir", str(folder)]) == 0

    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "tls/server.key").stat().st_mode & 0o777 == 0o600
    with console.running(folder, pki, keys) as again:
        assert again.token == full.token
        assert everything(again) == before
        assert again.link("unit-1").desired() == ordered
        again.good("POST", "/devices/unit-1/tags", {"add": ["back"]})
        assert again.good("GET", "/objects")["missing"] == []


@pytest.mark.slow
def test_it_moves_to_postgresql_and_back(
    full: Console, file: Path, tmp_path: Path, postgresql_server: str
) -> None:
    url = postgresql.new_database(postgresql_server)
    first = backup.restore(file, tmp_path / "there", url)
    again = tmp_path / "again.tar.zst"
    second = backup.write(Site(tmp_path / "there"), url, again, now=NOW)
    backup.restore(again, tmp_path / "here")

    assert first.rows == second.rows
    with pytest.raises(RefusedError, match="console in it already"):
        backup.restore(file, tmp_path / "third", url)
    assert not (tmp_path / "third").exists()


def test_nothing_is_restored_over_a_console(full: Console, file: Path) -> None:
    with pytest.raises(RefusedError, match="not empty"):
        backup.restore(file, full.site.folder)


@pytest.fixture
def wrong(file: Path, request: pytest.FixtureRequest) -> Path:
    """A backup that something happened to."""
    data = file.read_bytes()
    match request.param:
        case "cut":
            data = data[: len(data) * 2 // 3]
        case "flipped":
            data = data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[-1:]
        case "more":
            data += b"more"
        case "none":
            data = packed(("site/x", "x"), format=None)
        case "later":
            data = packed(version=2)
        case "cut between members":
            data = packed(("site/x", "x"), cut=True)
        case "other":
            data = packed(format="another")
        case name:
            data = packed((name, "x"))
    file.write_bytes(data)
    return file


def packed(*files: tuple[str, str], **manifest: object) -> bytes:
    """Return a backup of these files behind a manifest."""
    said = {"format": backup.FORMAT, "version": 1, "revision": "0001", "created_at_s": 1}
    first = ("manifest.json", json.dumps({**said, "rows": {}, **manifest}))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        last = () if "cut" in manifest else (("end", ""),)
        for name, content in (first, *files, *last) if manifest != {"format": None} else files:
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            tar.addfile(info, io.BytesIO(content.encode()))
    return zstandard.compress(stream.getvalue())


@pytest.mark.parametrize(
    "wrong",
    [
        "cut",
        "flipped",
        "more",
        "cut between members",
        "none",
        "later",
        "other",
        "site/../../evil",
        "/etc/evil",
        "elsewhere/x",
    ],
    indirect=True,
)
def test_a_damaged_or_foreign_backup_leaves_nothing(wrong: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())

    with pytest.raises(InputError, match="saved"):
        backup.restore(wrong, tmp_path / "new")

    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_one_of_an_earlier_version_is_brought_to_this_one(tmp_path: Path) -> None:
    rows = tmp_path / "rows.tar.zst"
    rows.write_bytes(packed(("database/tenants.jsonl", "x")))
    with pytest.raises(InputError):
        backup.restore(rows, tmp_path / "new")
    said = {"tenant": "mine", "keys_folder": "keys", "created_at_s": 7}
    rows.write_bytes(packed(("database/tenants.jsonl", json.dumps(said))))

    found = backup.restore(rows, tmp_path / "new")

    assert (found.revision, (tmp_path / "new/console.db").is_file()) == ("0001", True)
    again = backup.write(Site(tmp_path / "new"), "", tmp_path / "b", now=NOW)
    assert (again.rows["tenants"], again.rows["groups"], again.revision > "0001") == (1, 0, True)
