"""A folder to write system files and services into."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import ProblemsError
from edge.system.load import LoadedSystem, load

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file below the work folder, which is a new one."""
    monkeypatch.chdir(tmp_path)

    def written(name: str, text: str) -> Path:
        file = Path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return written


@pytest.fixture
def service(write: Write) -> Callable[..., str]:
    """Make a service folder; returns what `service:` says of it."""

    def made(name: str, more: str = "") -> str:
        write(f"{name}/service.yml", f"description: {name}\n{more}")
        return f"./{name}"

    return made


@pytest.fixture
def loaded(write: Write) -> Callable[[str], LoadedSystem]:
    """Load the text of a system file."""
    return lambda text: load([write("s.yml", text)])


@pytest.fixture
def refused(write: Write) -> Callable[[str], list[str]]:
    """Return the lines of the errors of a system file."""

    def lines(text: str) -> list[str]:
        with pytest.raises(ProblemsError) as error:
            load([write("s.yml", text)])
        return [str(problem) for problem in error.value.problems]

    return lines
