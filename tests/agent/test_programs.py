"""Own programs of an image: asked in turn, for a bounded time, without holding who asks."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.hooks import DeviceHooks
from edge_agent.programs import Round
from tests.fakes.own_programs import answer, put_program


@dataclass
class Clock:
    at_s: float = 0.0

    def __call__(self) -> float:
        return self.at_s


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param("exit 0", "", id="agrees"),
        pytest.param("echo no uplink >&2; exit 3", "own: status 3: no uplink", id="disagrees"),
        pytest.param("echo one; echo two; exit 1", "own: status 1: two", id="the last line"),
        pytest.param("exit 1", "own: status 1", id="says nothing"),
        pytest.param("kill -9 $$", "own: status -9", id="is killed"),
        pytest.param("yes | head -c 300000; echo; exit 1", "own: status 1: y", id="says much"),
        pytest.param("printf '\\377\\n'; exit 1", "own: status 1: \ufffd", id="no text"),
    ],
)
def test_what_a_program_says(tmp_path: Path, script: str, said: str) -> None:
    asked = Round([put_program(tmp_path / "own", script)], Clock())

    found = asked.complaint()
    while found is None:
        found = asked.complaint()

    assert found == said


def test_a_program_that_can_not_be_started_disagrees(tmp_path: Path) -> None:
    missing = Round([tmp_path / "own"], Clock())
    (tmp_path / "noise").write_bytes(b"\0noise")
    (tmp_path / "noise").chmod(0o755)

    assert missing.complaint() == "own: No such file or directory"
    assert Round([tmp_path / "noise"], Clock()).complaint() == "noise: Exec format error"


def test_nobody_is_asked_after_one_that_disagrees(tmp_path: Path) -> None:
    programs = [
        put_program(tmp_path / "1", f"echo 1 >>{tmp_path}/log"),
        put_program(tmp_path / "2", f"echo 2 >>{tmp_path}/log; exit 1"),
        put_program(tmp_path / "3", f"echo 3 >>{tmp_path}/log"),
    ]

    assert answer(Round(programs, Clock()).complaint) == "2: status 1"
    assert (tmp_path / "log").read_text() == "1\n2\n"


def test_a_program_without_an_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    clock, pipe = Clock(), tmp_path / "pipe"
    os.mkfifo(pipe)
    program = put_program(tmp_path / "own", f"exec 9>{pipe}; sleep 600 & wait")
    asked = Round([program], clock, timeout_s=30)
    assert asked.complaint() is None
    with pipe.open("rb") as reader:  # opens when the script has it open
        clock.at_s = 29.9
        assert asked.complaint() is None

        clock.at_s = 30

        assert asked.complaint() == "own: no answer after 30 s"
        assert reader.read() == b""  # ends when nobody has it open any more


def test_a_round_that_is_ended_kills_what_runs(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    asked = Round([put_program(tmp_path / "own", f"exec 9>{pipe}; sleep 600")], Clock())
    assert asked.complaint() is None
    with pipe.open("rb") as reader:
        asked.end()

        assert reader.read() == b""
    assert asked.complaint() == ""


def test_each_program_has_its_own_time(tmp_path: Path) -> None:
    clock = Clock()
    go_on, started = tmp_path / "go-on", tmp_path / "started"
    quick = put_program(tmp_path / "quick", f"until [ -e {go_on} ]; do sleep 0.01; done")
    endless = put_program(tmp_path / "endless", f"touch {started}; exec sleep 600")
    asked = Round([quick, endless], clock, timeout_s=30)
    assert asked.complaint() is None
    clock.at_s = 29
    go_on.touch()
    while not started.exists():
        assert asked.complaint() is None
        time.sleep(0.01)

    clock.at_s = 58
    assert asked.complaint() is None
    clock.at_s = 59
    assert asked.complaint() == "endless: no answer after 30 s"


def test_hooks_are_asked_by_their_moment_and_anew_each_time(tmp_path: Path) -> None:
    battery = put_program(tmp_path / "battery", "echo 12 % left; exit 1")
    room = put_program(tmp_path / "room", "exit 0")
    programs = {"before-install": (str(room),), "before-restart": (str(battery),)}
    hooks = DeviceHooks(programs, Clock())  # type: ignore[arg-type]

    assert answer(lambda: hooks.complaint("before-install")) == ""
    assert answer(lambda: hooks.complaint("before-restart")) == "battery: status 1: 12 % left"
    put_program(battery, "exit 0")
    assert answer(lambda: hooks.complaint("before-restart")) == ""
    assert DeviceHooks({}, Clock()).complaint("before-restart") == ""
