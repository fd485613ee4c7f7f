"""The launcher on kernels with an older Landlock: what was asked for holds, or nothing runs.

They are an emulation ahead of the host's own Landlock (older_landlock.h).
"""

from pathlib import Path

import pytest

from tests.agent.init.confining import SOURCES, Confine, compiled, needs_landlock

HEADER = Path(__file__).with_name("older_landlock.h")
LATER = "the Landlock of this kernel is too old"

pytestmark = needs_landlock


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Confine]:
    """The program, by the version of Landlock that it meets."""
    folder = tmp_path_factory.mktemp("older")
    made = {}
    for version in (2, 3, 4, 5):
        (folder / str(version)).mkdir()
        options = (f"-DVERSION={version}", f"-I{SOURCES[0].parent}", "-include", str(HEADER))
        made[version] = compiled(folder / str(version), *options)
    return made


def test_files_that_can_not_be_held_run_nothing(on: dict[int, Confine]) -> None:
    done = on[2].shell("echo ran")

    assert (done.stdout, done.returncode) == ("", 126)
    assert f"files: {LATER}" in done.stderr


@pytest.mark.parametrize("word", ["bind", "connect", "bind:80"])
def test_ports_that_can_not_be_held_run_nothing(on: dict[int, Confine], word: str) -> None:
    done = on[3].shell("echo ran", word)

    assert (done.stdout, done.returncode) == ("", 126)
    assert f"ports: {LATER}" in done.stderr


@pytest.mark.parametrize("version", [3, 4, 5])
def test_what_the_kernel_knows_holds(on: dict[int, Confine], version: int, tmp_path: Path) -> None:
    for name in ("mine", "other"):
        (tmp_path / name).write_text("old")
    words = [f"write:{tmp_path}/mine", "no-sockets", *(["bind", "connect"] if version > 3 else [])]
    script = f"cd {tmp_path}; echo new >mine; cat mine; echo x >other; true >other; cat other"

    done = on[version].shell(script, *words)

    assert done.stdout == "new\n"
    assert done.stderr.count("ermission denied") == 3
    assert (tmp_path / "other").read_text() == "old"
