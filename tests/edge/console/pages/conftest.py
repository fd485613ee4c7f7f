"""One browser for all tests of pages, and windows in it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from edge.console.people.roles import Role
from tests.fakes import browser as sessions
from tests.fakes import chromium
from tests.fakes.chromium import Chromium, Window
from tests.fakes.console import Console

Open = Callable[..., Window]


@pytest.fixture(scope="session")
def _running_chrome() -> Iterator[Chromium]:
    with chromium.running() as one:
        yield one


@pytest.fixture
def chrome(_running_chrome: Chromium) -> Iterator[Browser]:
    with _running_chrome.used() as one:
        yield one


@pytest.fixture
def open_window(chrome: Browser, site: Console) -> Iterator[Open]:
    """Return what opens a window for somebody who is logged in."""
    with ExitStack() as stack:
        known: dict[str, sessions.Browser] = {}

        def made(name: str = "ada", role: Role = Role.ADMIN, **words: object) -> Window:
            groups = words.pop("groups", None)
            if name not in known:
                known[name] = sessions.inside(site, name, role, groups=groups)  # type: ignore[arg-type]
            return stack.enter_context(
                chromium.window(chrome, site, known[name], **words)  # type: ignore[arg-type]
            )

        yield made


@pytest.fixture
def ada(open_window: Open) -> Window:
    """The window of an admin."""
    return open_window()
