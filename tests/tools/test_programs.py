"""The programs for people who work on Edge: what they refuse, and how they end."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.source_tree import PROJECT
from tools.count_tests import summary

RESULTS = '<testsuites><testsuite tests="{}" failures="{}" errors="0" skipped="{}"/></testsuites>'


def _setup(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROJECT / "tools" / "setup", *words],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_setup_refuses_an_old_python_and_says_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = -c ] && exit 1\necho Python 3.10.12\n')
    old.chmod(0o755)

    done = _setup("--dry-run", PYTHON=str(old))

    assert done.returncode == 1
    assert "Python 3.10.12 is too old: Edge needs Python 3.11 or newer" in done.stderr
    assert "hint: " in done.stderr


def test_setup_refuses_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = _setup("--dry-run", EDGE_CACHE=str(tmp_path / "file" / "cache"))

    assert done.returncode == 1
    assert "set EDGE_CACHE" in done.stderr


def test_setup_says_what_it_will_do_and_does_nothing_in_a_dry_run(tmp_path: Path) -> None:
    done = _setup("--dry-run", EDGE_CACHE=str(tmp_path / "cache"))

    assert done.returncode == 0
    assert "have the build tools" in done.stdout
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_unknown_option_is_wrong_usage() -> None:
    assert _setup("--what").returncode == 2


@pytest.mark.parametrize(
    ("counted", "status", "line"),
    [
        pytest.param((12, 0, 0), 0, "test: all 12 tests passed", id="good"),
        pytest.param((12, 0, 2), 0, "test: all 10 tests passed, 2 skipped", id="skipped"),
        pytest.param((12, 3, 0), 1, "test: FAILED (status 1): 3 of 12 tests failed", id="bad"),
        pytest.param((0, 0, 0), 5, "test: FAILED: no test was chosen", id="none chosen"),
    ],
)
def test_the_last_line_says_how_the_tests_ended(
    counted: tuple[int, int, int], status: int, line: str, tmp_path: Path
) -> None:
    results = tmp_path / "results.xml"
    results.write_text(RESULTS.format(*counted))

    assert summary(results, status) == line


def test_a_run_that_left_no_results_has_failed(tmp_path: Path) -> None:
    assert summary(tmp_path / "none.xml", 3).startswith("test: FAILED (status 3)")
