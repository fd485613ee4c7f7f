"""The history of a device, page by page, while it goes on."""

import pytest
from playwright.sync_api import expect

from edge_signing.messages import EventId, ReportEvent
from tests.edge.console.devices.test_history import told
from tests.fakes.chromium import Window
from tests.fakes.console import Console

pytestmark = pytest.mark.tools


def test_older_pages_stay_while_new_things_come(ada: Window, site: Console) -> None:
    site.good("POST", "/devices", {"device": "unit-1"})
    for n in range(1, 70):
        told(site, ReportEvent(EventId("b", n), 1, f"kind-{n}"), 100 + n)
    entries = ada.page.locator(".timeline > li")

    ada.go("/devices/unit-1#history")
    expect(entries).to_have_count(50)
    ada.page.get_by_role("button", name="Show more").click()
    expect(entries).to_have_count(70)
    expect(entries.last).to_contain_text("kind-1")
    site.good("POST", "/devices/unit-1/tags", {"add": ["berlin"]})

    expect(entries).to_have_count(71)
    expect(ada.page.get_by_text("kind-20", exact=True)).to_have_count(1)
    expect(ada.page.get_by_role("button", name="Show more")).to_have_count(0)
