"""`edge factory` as its users run it: a line is set up, devices are made, records are merged."""

import io
import itertools
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509

from edge import process, toolbox
from edge.factory import demo, ids, line
from edge.factory.identity import prints
from edge.factory.simulated import Lot
from edge.image import gpt
from tests.edge.conftest import Edge
from tests.fakes.pki import Authority
from tests.fakes.tiny_project import TinyProject
from tests.source_tree import PROJECT


@pytest.fixture
def here(built: TinyProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in a folder with the build of board `tiny` as `out`, nothing on standard input."""
    monkeypatch.setenv("EDGE_BOARDS", str(built.boards))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(built.folder.parent / "user"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "out").symlink_to(built.folder / "out")
    monkeypatch.chdir(folder)
    return folder


def set_up(edge: Edge, here: Path) -> None:
    """Make a line with one station."""
    ids_words = ("--ids", "gw-01..gw-99", "--ca", "file:ca.key")
    words = ("--board", "tiny", "--product", "gateway", *ids_words)
    assert edge("factory", "init", "line", *words).status == 0
    (here / "line/ca/server.crt").write_bytes(Authority.make(here, "server-ca").file.read_bytes())
    assert edge("factory", "station", "add", "line", "S1", "--count", 10).status == 0


def run(edge: Edge, *words: object) -> tuple[int, list[dict[str, object]], str]:
    ended = edge(
        *("factory", "run", "line", "--station", "S1", "--port", "file:cards/{device}.img"),
        *("--once", "--json", *words),
    )
    return ended.status, [json.loads(one) for one in ended.out.splitlines()], ended.err


def on_card(card: Path, name: str) -> bytes:
    """Return a first setting as debugfs reads it."""
    with card.open("rb") as stream:
        data = gpt.read(stream, disk_bytes=card.stat().st_size).partition("data")
        stream.seek(data.offset_bytes)
        image = card.with_suffix(".data")
        image.write_bytes(stream.read(data.size_bytes))
    return process.run([*toolbox.tool("debugfs"), "-R", f"cat first-boot/{name}", image]).stdout


def test_a_new_line_says_whether_its_key_is_a_new_one(here: Path, edge: Edge) -> None:
    words = ("--board", "tiny", "--product", "gateway", "--ca", "file:ca.key")

    new, known = edge("factory", "init", "one", *words), edge("factory", "init", "two", *words)

    assert "ca.key: a new key" in new.out
    assert (known.status, "new key" in known.out) == (0, False)


def test_a_station_that_can_have_no_ids_is_not_made(here: Path, edge: Edge) -> None:
    set_up(edge, here)

    ended = edge("factory", "station", "add", "line", "S2", "--count", 90)

    assert (ended.status, "89 are left" in ended.err) == (2, True)
    assert not (here / "line/stations/S2").exists()
    assert not list((here / "line/ca/stations").glob("S2.*"))


def test_a_port_that_is_none_is_told_by_its_option(here: Path, edge: Edge) -> None:
    set_up(edge, here)

    ended = edge("factory", "run", "line", "--station", "S1", "--port", "tape:1")

    assert (ended.status, ended.err.splitlines()[0]) == (2, "edge: --port 'tape:1' is not a target")


@pytest.mark.tools
def test_a_device_is_made_with_its_identity_and_its_key_is_nowhere_else(
    here: Path, edge: Edge
) -> None:
    set_up(edge, here)
    checked = edge("factory", "check", "line", "--station", "S1")
    assert (checked.status, "✗" in checked.out) == (0, False), checked.out

    status, events, err = run(edge, "--order", "4711", "--operator", "Zoë")

    assert status == 0, err
    assert events[-1] == {"event": "done", "good": 1, "failed": 0}
    lights = [one["light"] for one in events if one["event"] == "port"]
    assert (lights[0], lights[-1]) == ("empty", "good")
    chain = on_card(here / "cards/gw-01.img", "identity/device.crt")
    key = on_card(here / "cards/gw-01.img", "identity/device.key")
    assert b"PRIVATE KEY" in key
    holders = [
        one for one in here.rglob("*") if one.is_file() and key.splitlines()[1] in one.read_bytes()
    ]
    assert {one.suffix for one in holders} == {".img", ".data"}
    device, _station = x509.load_pem_x509_certificates(chain)
    ledger = (here / "line/stations/S1/ledger.jsonl").read_text().splitlines()
    (good,) = [one for line in ledger if (one := json.loads(line))["kind"] == "end"]
    assert good["device"] == "gw-01"
    assert good["details"]["key"] == prints.of_key(device.public_key())
    assert good["details"]["certificate"].encode() == chain
    assert (good["details"]["order"], good["operator"]) == ("4711", "Zoë")
    assert edge("factory", "verify", "line").status == 0
    assert (here / "line/labels/gw-01.pdf").read_bytes().startswith(b"%PDF")
    label = json.loads(edge("--json", "factory", "label", "line", "gw-01", "-o", "label.zpl").out)
    assert label["code"] == f"edge:1/gateway/gw-01/{good['details']['key'][:24]}"
    assert (here / "label.zpl").read_text().startswith("^XA")
    edge("factory", "label", "line", "gw-01", "--printer", "file:again.png")
    assert (here / "again.png").read_bytes().startswith(b"\x89PNG")
    assert edge("factory", "label", "line", "gw-02").status == 3
    assert edge("factory", "label", "line", "gw-01", "-o", "label.bin").status == 2


@pytest.mark.tools
def test_files_are_made_one_after_the_other_by_themselves(here: Path, edge: Edge) -> None:
    set_up(edge, here)
    words = ("factory", "run", "line", "--station", "S1", "--port", "file:cards/{device}.img")

    endless = edge(*words)
    counted = edge(*words, "--count", 2)

    assert (endless.status, "--count" in endless.err) == (2, True)
    assert (counted.status, counted.out.strip()) == (0, "2 good, 0 failed")
    assert sorted(one.name for one in (here / "cards").iterdir()) == ["gw-01.img", "gw-02.img"]


@pytest.mark.tools
def test_a_station_where_nobody_changes_boards_ends(here: Path, edge: Edge) -> None:
    set_up(edge, here)
    words = ("factory", "run", "line", "--station", "S1", "--port", "serial:socket:127.0.0.1:9")

    ended = edge(*words, "--count", 2)

    assert ended.status == 1
    assert "0 of 2 made" in ended.err


@pytest.mark.tools
def test_a_device_whose_own_test_fails_is_not_good_and_says_why(here: Path, edge: Edge) -> None:
    set_up(edge, here)
    file = here / "line/line.yml"
    own = "- {step: modem, run: [./modem]}\n- {step: register}"
    file.write_text(file.read_text().replace("- {step: register}", own))
    modem = here / "line/modem"
    modem.write_text("#!/bin/sh\necho no SIM >&2\nexit 1\n")
    modem.chmod(0o755)

    status, _events, err = run(edge)
    modem.write_text('#!/bin/sh\nread asked; echo "{\\"dbm\\": -51.5, \\"sim\\": true}"\n')
    again, _events, _err = run(edge)

    assert (status, again) == (1, 0), err
    report = json.loads(edge("factory", "report", "line", "--json").out)
    (failure,) = report["failures"]
    assert (failure["step"], failure["reason"]) == ("modem", "modem: status 1 (no SIM)")
    ledger = (here / "line/stations/S1/ledger.jsonl").read_text()
    assert '"tests":{"modem.dbm":"-51.5","modem.sim":"true"}' in ledger
    # A file says no serial number: each run is another board, with another id.
    assert {one.name for one in (here / "cards").iterdir()} == {"gw-01.img", "gw-02.img"}


@pytest.mark.tools
def test_what_is_wrong_is_said_before_any_board_is_there(here: Path, edge: Edge) -> None:
    set_up(edge, here)
    (here / "line/ca/server.crt").unlink()

    without_server = edge(
        "factory", "run", "line", "--station", "S1", "--port", "serial:socket:h:9"
    )
    other = edge("factory", "run", "line", "--station", "S2", "--port", "serial:socket:h:9")
    one_file = edge("factory", "run", "line", "--station", "S1", "--port", "file:card.img")
    again = edge("factory", "init", "line", "--board", "tiny", "--product", "g", "--ca", "file:k")
    too_many = edge("factory", "station", "add", "line", "S1", "--count", 1000)

    ended = (without_server, other, one_file, again, too_many)
    assert [one.status for one in ended] == [3, 3, 2, 5, 2]
    assert "devices trust their server by" in without_server.err
    assert "there are: S1" in other.err


@pytest.fixture(scope="session")
def demo_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A line on which simulated boards were made; not to be changed."""
    clock = itertools.count(1_700_000_000_000)
    folder = tmp_path_factory.mktemp("demo") / "line"
    demo.run(
        folder,
        Lot(4, 12, 50),
        4,
        now_ms=lambda: next(clock),
        look_on=lambda _event: None,
        look_every_s=0.002,
    )
    return folder


@pytest.fixture
def shown(demo_line: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(demo_line, tmp_path / "line")


def test_the_demo_ends_with_a_line_of_json(edge: Edge) -> None:
    ended = edge("factory", "demo", "--boards", 6, "--step-seconds", 0, "--ports", 3)

    assert ended.status == 0
    found = json.loads(ended.out.splitlines()[-1])
    assert (found["boards"], found["good"], found["ledger_ok"]) == (6, 6, True)


def test_a_changed_ledger_is_found(shown: Path, edge: Edge) -> None:
    file = shown / "stations/S1/ledger.jsonl"
    whole = edge("factory", "verify", shown)
    file.write_text(file.read_text().replace('"operator":"demo"', '"operator":"nobody"', 1))

    changed = edge("factory", "verify", shown)

    assert (whole.status, changed.status) == (0, 4)
    assert "it was changed" in changed.err


def test_the_report_is_text_a_table_and_a_picture(shown: Path, edge: Edge, tmp_path: Path) -> None:
    text = edge("factory", "report", shown, "--chart", tmp_path / "chart.svg")
    rows = edge("factory", "report", shown, "--csv").out.splitlines()
    wrong = edge("factory", "report", shown, "--since", "yesterday")

    assert text.out.startswith("12 of 12 devices are good (100 %)")
    assert rows[0].startswith("at_s,station,port,operator,unit,device,board_serial")
    assert sum(",good," in one for one in rows) == 12
    assert (tmp_path / "chart.svg").read_text().startswith("<svg")
    assert wrong.status == 2


def test_a_device_is_reworked_and_scrapped_by_command(shown: Path, edge: Edge) -> None:
    words = ("--station", "S1", "--reason", "dead port")

    again = edge("factory", "rework", shown, "gw-000001", *words)
    scrapped = edge("factory", "scrap", shown, "gw-000001", *words)
    late = edge("factory", "rework", shown, "gw-000001", *words)
    unknown = edge("factory", "scrap", shown, "gw-000999", *words)

    assert [one.status for one in (again, scrapped, late, unknown)] == [0, 0, 5, 3]
    assert edge("factory", "verify", shown).status == 0


def grown(folder: Path, station: str, seed: int) -> None:
    """Let a station of a line make some boards."""
    from edge.factory import simulated
    from edge.factory.books import open_books
    from edge.factory.shift import Shift
    from edge.factory.simulated import Bench
    from edge.factory.station import Station

    model = line.read(folder)
    (folder / line.STATIONS / station).mkdir(parents=True, exist_ok=True)
    clock = itertools.count(1_800_000_000_000)

    def now_ms() -> int:
        return next(clock)

    books = open_books(folder, model, station, now_ms=now_ms)
    bench = Bench(("1", "2"), Lot(seed, 3, 0).boards())
    found = Station(
        model,
        Shift(station, now_ms, look_every_s=0.002),
        books,
        bench,
        simulated.steps(model, bench, lambda device: books.index.devices[device].certificates),
        bench.listen,
    )
    bench.stop = found.stop
    found.run()


def test_two_stations_work_apart_and_are_merged(shown: Path, edge: Edge, tmp_path: Path) -> None:
    model = line.read(shown)
    assert model.ids.span is not None
    for station in ("S1", "S2"):
        ids.hand_out(shown, model.ids.span, station, 10)
    (shown / line.STATIONS / "S2").mkdir()
    copy = tmp_path / "copy"
    shutil.copytree(shown, copy)
    grown(shown, "S1", 5)
    grown(copy, "S2", 6)

    merged = edge("--json", "factory", "merge", shown, copy)
    again = edge("--json", "factory", "merge", shown, copy)

    assert merged.status == again.status == 0, merged.out
    assert json.loads(merged.out)["added"]["S1"] == 0
    assert json.loads(merged.out)["added"]["S2"] > 20
    assert set(json.loads(again.out)["added"].values()) == {0}
    assert json.loads(edge("factory", "report", shown, "--json").out)["good"] == 18


def test_what_two_copies_have_twice_is_told_and_nothing_is_lost(
    shown: Path, edge: Edge, tmp_path: Path
) -> None:
    model = line.read(shown)
    assert model.ids.span is not None
    copy = tmp_path / "copy"
    shutil.copytree(shown, copy)
    ids.hand_out(shown, model.ids.span, "S1", 10)
    ids.hand_out(copy, model.ids.span, "S2", 10)  # two masters: the same numbers
    grown(shown, "S1", 5)
    grown(copy, "S2", 6)
    grown(copy, "S2", 5)  # the same boards
    grown(copy, "S1", 7)  # and one station at two places

    merged = edge("--json", "factory", "merge", shown, copy)

    found, error = (json.loads(one) for one in merged.out.splitlines())
    told = "\n".join(found["findings"])
    assert (merged.status, error["status"]) == (4, 4)
    for words in ("overlap", "was made at S1 too", "the board with serial number", "two ledgers"):
        assert words in told
    kept = shown / "stations/S1" / found["diverged"]["S1"]
    assert kept.read_bytes() == (copy / "stations/S1/ledger.jsonl").read_bytes()


def test_a_line_that_is_interrupted_has_whole_records(edge: Edge, tmp_path: Path) -> None:
    words = ("factory", "demo", "--step-seconds", "20", "--dir", str(tmp_path / "line"), "--json")
    code = "import sys; from edge.cli.main import main; sys.exit(main())"
    child = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    ledger = tmp_path / "line/stations/S1/ledger.jsonl"
    deadline_s = time.monotonic() + 30
    while not (ledger.exists() and ledger.read_text().count('"kind":"start"') == 8):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)

    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=20)

    assert child.returncode == 130
    assert ledger.read_text().count('"reason":"the station was stopped"') >= 8
    assert edge("factory", "verify", tmp_path / "line").status == 0
