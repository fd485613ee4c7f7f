"""docs/release.md: every command in it, in its order."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.edge.conftest import Edge
from tests.fakes.tiny_project import TinyProject
from tests.source_tree import PROJECT

pytestmark = pytest.mark.tools

DOCUMENT = (PROJECT / "docs" / "release.md").read_text()
COMMAND = re.compile(r"^\$ (.*?)(?:\s+# ends with status (\d))?$", re.MULTILINE)


def test_the_whole_life_of_a_product(
    project: TinyProject, ready: object, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = COMMAND.findall(DOCUMENT)
    monkeypatch.chdir(project.folder)
    project.board("rpi4")
    Path("safe").mkdir()
    said: dict[str, str] = {}

    for line, status in commands:
        program, *words = line.split() if '"' not in line else _split(line)
        if program == "edge":
            ended = edge("-q", *words)
            assert ended.status == int(status or 0), f"{line}\n{ended.out}{ended.err}"
            said[line] = ended.out
        else:
            subprocess.run(line, shell=True, check=True)

    assert len(commands) > 50
    assert "patch" in said["edge release fetch 1.1.0 --repo repo/ --base images-1.0.0/"]
    assert "full" in said["edge release fetch 1.1.0 --repo repo/"]


def _split(line: str) -> list[str]:
    return [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]
