"""`edge console demo`: a bad release is found by the canaries, and leaves by itself."""

import json
from pathlib import Path

import pytest

from edge.cli.main import main

pytestmark = pytest.mark.tools


@pytest.mark.parametrize(
    ("words", "state", "version"),
    [
        (("--speed", "40"), "reverted", "1.1.0"),
        (("--speed", "40", "--fails", "0", "--devices", "10", "--no-mqtt"), "finished", "1.2.0"),
    ],
)
def test_the_last_line_says_how_it_ended(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    state: str,
    version: str,
) -> None:
    status = main(["console", "demo", "--dir", str(tmp_path / "demo"), *words])

    said = capfd.readouterr()
    assert status == 0, said.err
    facts = json.loads(said.out.splitlines()[-1])
    assert facts["state"] == state
    assert facts["running"] == {version: facts["devices"]}
    assert state == "finished" or (facts["wave"] == 1 and facts["reached"] == 10)


def test_a_folder_with_something_in_it_is_left_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("precious")

    assert main(["console", "demo", "--dir", str(tmp_path)]) != 0

    assert "not empty" in capfd.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["mine"]
