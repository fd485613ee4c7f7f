"""A real browser, and a page of it that fails a test when something is wrong in it."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from edge.console.people.door import COOKIE
from tests.fakes.browser import Browser as Session
from tests.fakes.console import Console

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE = (1280, 800)
PHONE = (390, 844)
# Virtual machines may run beside the browser, and it is slow then.
PATIENCE_MS = 30_000
# Told before any script of the page runs.
_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
window.ran = [];
"""


@dataclass
class Chromium:
    """A browser that runs; while it is not used, this thread may run loops of others.

    Playwright's own loop is a running one of this thread, from its start to its end.
    """

    browser: Browser
    loop: asyncio.AbstractEventLoop

    @contextmanager
    def used(self) -> Iterator[Browser]:
        """Use it until the block ends."""
        asyncio._set_running_loop(self.loop)
        try:
            yield self.browser
        finally:
            asyncio._set_running_loop(None)


@contextmanager
def running() -> Iterator[Chromium]:
    """Run the browser that `EDGE_CHROMIUM` names, or that is on the path."""
    program = os.environ.get("EDGE_CHROMIUM") or shutil.which("chromium")
    assert program, "no chromium: tools/setup installs it, EDGE_CHROMIUM names another one"
    playwright = sync_playwright().start()
    expect.set_options(timeout=PATIENCE_MS)
    made = Chromium(
        playwright.chromium.launch(executable_path=program, args=list(FLAGS)),
        asyncio.get_running_loop(),
    )
    asyncio._set_running_loop(None)
    try:
        yield made
    finally:
        with made.used() as browser:
            browser.close()
            playwright.stop()


@dataclass
class Window:
    """A window of the browser at a console.

    Attributes:
        troubles: What went wrong in the page by itself.
    """

    site: Console
    page: Page
    context: BrowserContext
    troubles: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page and wait until it is drawn."""
        self.page.goto(self.site.api_url + path)
        self.page.wait_for_selector("html[data-ready] main .page-head, .door-card")
        self.page.wait_for_selector(".skeleton", state="detached")

    def violations(self) -> list[str]:
        """Return what the policy of the page forbade."""
        found: list[str] = self.page.evaluate("window.violations")
        return found

    def value(self, script: str) -> Any:
        """Return what a script gives."""
        return self.page.evaluate(script)


@contextmanager
def window(
    browser: Browser,
    site: Console,
    session: Session | None = None,
    *,
    size: tuple[int, int] = WIDE,
    is_dark: bool = False,
) -> Iterator[Window]:
    """Open a window, logged in as a session; anything that goes wrong in it is an error."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        ignore_https_errors=True,
        color_scheme="dark" if is_dark else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    if session is not None:
        context.add_cookies(
            [
                {
                    "name": COOKIE,
                    "value": session.secret,
                    "url": site.api_url,
                    "secure": True,
                    "httpOnly": True,
                    "sameSite": "Lax",
                }
            ]
        )
    context.add_init_script(_WATCH)
    page = context.new_page()
    made = Window(site, page, context)
    page.on("pageerror", lambda error: made.troubles.append(f"error: {error}"))
    page.on("console", lambda said: _note(made, said.type, said.text))
    try:
        yield made
        assert not made.troubles, made.troubles
        assert not made.violations(), made.violations()
    finally:
        context.close()


def _note(one: Window, kind: str, text: str) -> None:
    # Answers that are no 2xx are told there too, and are for the page to handle.
    if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
        one.troubles.append(f"{kind}: {text}")
