"""Fixtures for all tests."""

from collections.abc import Callable

import pytest
from hypothesis import settings

from edge import process
from edge.process import Completed

# A clock decides no test: machines are shared.
settings.register_profile("edge", deadline=None)
settings.load_profile("edge")


@pytest.fixture(scope="session")
def tool() -> Callable[..., Completed]:
    """Run a program of the private tool tree; a missing one fails the test, it never skips."""
    from edge import toolbox

    def call(name: str, *arguments: object) -> Completed:
        return process.run([*toolbox.tool(name), *(str(word) for word in arguments)], timeout_s=300)

    return call
