"""The linters and the rules of CONTRIBUTING.md as tests. None is ever skipped."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import source_tree
from tests.source_tree import PROJECT, name_of, python_files, text_files

FILE_LINES = 400
FUNCTION_LINES = 50
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "base", "manager"}
# Hosts of examples, of this machine, and in names of formats that nobody fetches.
KNOWN_HOSTS = re.compile(
    r"(.*\.)?example(\.(org|com|net))?|127\.0\.0\.1|localhost"
    r"|json-schema\.org|spdx\.org|www\.apache\.org|www\.debian\.org|www\.w3\.org"
)
ADDRESS = re.compile(r"\b(?:https?|ftp)://(?:[^\s/@{]*@)?([\w.-]+)")
ARCHIVE = re.compile(
    r"\b(?:deb|ftp|mirrors?|archive|security|registry|files|index)\.[a-z-]+\.(?:org|com|net|io)\b"
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|Users|work)/\w+")
OPEN_END = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\([\w .-]+\))")
# Deb packages and addresses of the tests are made up.
MADE_UP = "tests/edge/debian/test_mirror.py"


def _run(program: str, *words: object) -> None:
    """Run a program of the virtual environment, and fail with what it says."""
    command = [str(Path(sys.executable).with_name(program)), *(str(word) for word in words)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command[:4])}\n{done.stdout}{done.stderr}"


def test_ruff_finds_nothing() -> None:
    _run("ruff", "check", "--no-fix", "--force-exclude", ".")


def test_ruff_would_format_nothing() -> None:
    _run("ruff", "format", "--check", ".")


def test_types_are_right(types_checked: tuple[int, str]) -> None:
    status, said = types_checked

    assert status == 0, said


def test_imports_keep_the_contracts() -> None:
    _run("lint-imports")


def test_shellcheck_finds_nothing() -> None:
    scripts = source_tree.shell_files()

    assert len(scripts) > 20
    # 1090, 1091: files of the device, that are not here.
    _run("shellcheck", "--exclude=SC1090,SC1091", *scripts)


def test_no_file_is_too_long() -> None:
    counted = {name_of(path): len(path.read_text().splitlines()) for path in python_files()}

    assert {name: lines for name, lines in counted.items() if lines > FILE_LINES} == {}


def test_no_function_is_too_long() -> None:
    too_long = [
        f"{name_of(path)}:{node.lineno}: {node.name}: {lines} lines"
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]

    assert too_long == []


def test_no_name_says_nothing() -> None:
    named = {name_of(path) for path in source_tree.files() if _words(path) & FORBIDDEN_NAMES}

    assert named == set()


def _words(path: Path) -> set[str]:
    parts = path.relative_to(PROJECT).parts
    return {part.partition(".")[0] for part in parts}


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        pytest.param(ARCHIVE, "host name of an archive or a registry", id="archive"),
        pytest.param(MACHINE_PATH, "path of one machine", id="machine path"),
        pytest.param(OPEN_END, "open end without a name of what it waits for", id="open end"),
    ],
)
def test_no_file_holds(pattern: re.Pattern[str], what: str) -> None:
    found = [
        f"{name_of(path)}:{number}: {what}: {match[0]}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), start=1)
        if (match := pattern.search(line)) and not KNOWN_HOSTS.search(match[0])
    ]

    assert found == []


def test_no_file_names_a_host_of_the_world() -> None:
    found = [
        f"{name_of(path)}: {host}"
        for path, text in text_files()
        if name_of(path) != MADE_UP
        for host in ADDRESS.findall(text)
        if not KNOWN_HOSTS.fullmatch(host)
    ]

    assert found == []


def test_programs_can_be_started() -> None:
    started = [PROJECT / name for name in ("tools/setup", "tools/demo", "tools/test", ".ci/run")]

    assert [name_of(path) for path in started if not path.stat().st_mode & 0o111] == []
