"""Texts of people and devices are text, whatever they hold: nothing of them runs in the page."""

import pytest
from playwright.sync_api import expect

from edge_signing.messages import EventId, ReportEvent, Status
from tests.edge.console.pages.conftest import Open
from tests.fakes.chromium import Window
from tests.fakes.console import Console

pytestmark = pytest.mark.tools

RUNS = "window.ran.push(1)"
HOSTILE = (
    f'"><img src=x onerror="{RUNS}"><svg onload="{RUNS}"></svg>'
    f"<script>{RUNS}</script><a href=\"javascript:{RUNS}\">x</a>' style='color:red"
    f"{{{{7*7}}}}${{{RUNS}}}</textarea></title><style>*{{display:none}}</style>"
)
SCREENS = ("/", "/devices", "/devices/unit-7", "/devices/unit-7#history", "/audit", "/settings")


@pytest.fixture
def poisoned(site: Console) -> Console:
    """A console in which every text that is free is hostile."""
    site.good("POST", "/devices", {"device": "unit-7"})
    site.good("PUT", "/devices/unit-7/notes", {"notes": HOSTILE})
    site.good("PATCH", "/devices/unit-7/attributes", {"attributes": {"site": HOSTILE}})
    site.good("PUT", "/groups/hall-3", {"notes": HOSTILE})
    quoted = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    site.good("PUT", "/groups/saved", {"filter": f'attr.site="{quoted}"'})
    link = site.link("unit-7")
    link.send_state(Status("b", reason=HOSTILE[:200], board="rpi4", version="1"))
    link.send_events([ReportEvent(EventId("b", 1), 1, "failed", "", "1", HOSTILE[:200])])
    return site


def test_hostile_texts_are_shown_as_text_and_nothing_runs(ada: Window, poisoned: Console) -> None:
    for path in SCREENS:
        ada.go(path)
        ada.page.wait_for_timeout(50)
        assert ada.value("window.ran") == [], path
        assert ada.violations() == [], path
        assert (
            ada.value("document.querySelectorAll('main img, main script, main style').length") == 0
        )
        assert ada.value("document.querySelectorAll('[href^=javascript]').length") == 0

    ada.go("/devices/unit-7")
    expect(ada.page.get_by_role("textbox", name="Notes")).to_have_value(HOSTILE)
    expect(ada.page.locator(".facts.is-editable dd span")).to_have_text(HOSTILE)


def test_a_hostile_address_is_text_too(ada: Window, site: Console) -> None:
    for path in (
        "/devices/%3Cimg%20src=x%20onerror=window.ran.push(1)%3E",
        "/devices?filter=%3Cimg%20src%3Dx%20onerror%3Dwindow.ran.push(1)%3E",
        "/audit?subject=%3Cimg%20src%3Dx%20onerror%3Dwindow.ran.push(1)%3E",
        "/releases/%3Cb%3E/%3Cb%3E",
    ):
        ada.go(path)
        assert ada.value("window.ran") == []
        assert ada.value("document.querySelectorAll('main img, main b').length") == 0


def test_the_policy_stops_what_would_get_in(open_window: Open, site: Console) -> None:
    """The second line: even an element that came in by a mistake can do nothing."""
    one = open_window()
    one.go("/")

    one.page.evaluate(
        f"""() => {{
          document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="{RUNS}">');
          document.body.insertAdjacentHTML('beforeend', '<p style="color:red">x</p>');
          const script = document.createElement('script');
          script.textContent = '{RUNS}';
          document.body.append(script);
        }}"""
    )
    one.page.wait_for_timeout(100)

    assert one.value("window.ran") == []
    told = " ".join(one.violations())
    assert "script-src-attr" in told
    assert "style-src-attr" in told
    assert "script-src-elem" in told
    # They were wanted here.
    one.page.evaluate("window.violations = []")
    one.troubles.clear()
