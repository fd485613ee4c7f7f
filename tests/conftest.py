"""Fixtures for all tests."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from edge import process
from edge.process import Completed
from tests.source_tree import PROJECT
from tests.thoroughness import EXAMPLES, EXAMPLES_IN_CI, IN_CI

# A clock decides no test: machines are shared.
examples = EXAMPLES_IN_CI if IN_CI else EXAMPLES
settings.register_profile("edge", deadline=None, max_examples=examples)
settings.load_profile("edge")

# As from a terminal: what a shell starts in the background ignores interrupts, and so would all
# programs that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

TYPES_TEST = "test_types_are_right"
TYPES = pytest.StashKey["subprocess.Popen[str]"]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to check the types, if that is to be tested: it takes a core for a while."""
    if session.config.option.collectonly or all(one.name != TYPES_TEST for one in session.items):
        return
    mypy = Path(sys.executable).with_name("mypy")
    session.stash[TYPES] = subprocess.Popen(
        [mypy], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the check if nobody waited for it."""
    checking = session.stash.get(TYPES, None)
    if checking is not None and checking.poll() is None:
        checking.kill()
        checking.communicate()


@pytest.fixture
def types_checked(request: pytest.FixtureRequest) -> tuple[int, str]:
    """The exit status of mypy, and what it said."""
    checking = request.session.stash[TYPES]
    said, _none = checking.communicate()
    return checking.returncode, said


@pytest.fixture(scope="session")
def tool() -> Callable[..., Completed]:
    """Run a program of the private tool tree; a missing one fails the test, it never skips."""
    from edge import toolbox

    def call(name: str, *arguments: object) -> Completed:
        return process.run([*toolbox.tool(name), *(str(word) for word in arguments)], timeout_s=300)

    return call
