"""`edge run` over a machine that is a shell script: what it tells, and how it ends."""

import json
from pathlib import Path

import pytest

from edge.cli import run
from edge.cli.main import main
from edge.emulator import machine

TABLE = "NAME STATE"
READY = "edge: slot b: all 4 services ready after 3.5 s"
NOT_READY = "edge: slot a: not all services are ready"


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "make_disk", lambda _build, disk: disk.touch())
    monkeypatch.setattr(run, "TABLE_S", 0.2)


def console(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(machine, "arguments", lambda *_words: ["sh", "-c", script])


@pytest.mark.parametrize(
    ("script", "timeout_s", "status"),
    [
        pytest.param(f"echo '{READY}'; echo '{TABLE}'; exec sleep 60", 30, 0, id="ready"),
        pytest.param(f"echo '{NOT_READY}'; exec sleep 60", 30, 1, id="not all ready"),
        pytest.param("echo Linux; exit 0", 30, 1, id="off before ready"),
        pytest.param("echo Linux; exec sleep 60", 0.2, 6, id="too late"),
    ],
)
@pytest.mark.usefixtures("plays")
def test_until_ready_ends_well_only_when_all_are_ready(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, timeout_s: float, status: int
) -> None:
    console(monkeypatch, script)

    assert ended(["run", str(tmp_path), "--until-ready", "--timeout", str(timeout_s)]) == status


@pytest.mark.usefixtures("plays")
def test_a_time_out_is_status_6_without_until_ready_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    console(monkeypatch, f"echo '{READY}'; exec sleep 60")

    assert ended(["run", str(tmp_path), "--headless", "--timeout", "0.2"]) == 6


@pytest.mark.usefixtures("plays")
def test_json_tells_slot_and_readiness(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = "edge: slot b, order b a, tries left a=9 b=2"
    console(monkeypatch, f"echo '{chosen}'; echo '{READY}'; exit 0")

    assert ended(["run", str(tmp_path), "--json"]) == 0

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["slot", "ready"]
    assert events[0]["order"] == ["b", "a"]
    assert (events[1]["slot"], events[1]["services"], events[1]["kernel_s"]) == ("b", 4, 3.5)


def test_a_bad_forward_is_a_usage_error(tmp_path: Path) -> None:
    assert ended(["run", str(tmp_path), "--forward", "22"]) == 2


def ended(words: list[str]) -> int:
    """Return the exit status of a command, however it ends."""
    try:
        return main(words)
    except SystemExit as error:
        return int(error.code or 0)


def test_a_folder_without_a_build_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["run", str(tmp_path), "--headless"]) == 3

    assert f"edge: {tmp_path}: no build is here" in capsys.readouterr().err
