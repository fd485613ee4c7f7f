"""What everybody can read and reach: small screens, both themes, names for all that acts."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.agent.power.system import System
from tests.edge.console.pages.conftest import Open
from tests.fakes import browser as sessions
from tests.fakes import chromium, console
from tests.fakes.chromium import Window
from tests.fakes.console import Console, sql
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

pytestmark = pytest.mark.tools

SCREENS = (
    "/",
    "/devices",
    "/devices/a-device-with-a-name-that-is-as-long-as-it-may-be-0123456789abcd",
    "/releases",
    "/releases/gateway/1",
    "/campaigns",
    "/campaigns/new?version=1",
    "/campaigns/new?version=1#waves",
    "/campaigns/new?version=1#safety",
    "/campaigns/new?version=1#preview",
    "/audit",
    "/settings",
)
# The least that WCAG 2.2 AA asks for: 4.5, and 3 for large text.
LEAST, LEAST_OF_LARGE = 4.5, 3.0

HERE = Path(__file__).parent
FAINT = (HERE / "faint.js").read_text()
NAMELESS = (HERE / "nameless.js").read_text()


@pytest.fixture
def fleet(site: Console, operator: Operator) -> Console:
    """A console with something of everything."""
    operator.release(System.make("1", 1))
    site.good("POST", "/releases", operator.bundle("1"))
    long = SCREENS[2].rpartition("/")[2]
    for name in (long, "unit-2", "unit-3"):
        site.good("POST", "/devices", {"device": name})
    site.good("POST", f"/devices/{long}/tags", {"add": ["t" * 60, "berlin"]})
    site.good("PATCH", f"/devices/{long}/attributes", {"attributes": {"n" * 60: "v" * 200}})
    site.good("PUT", f"/devices/{long}/notes", {"notes": "w" * 300})
    site.good("PUT", "/groups/old", {"filter": "version<1.2 and tag:berlin", "notes": "n" * 90})
    site.good("POST", "/deployments", {"device": long, "version": "1"})
    site.good("POST", "/devices/unit-2/revoke")
    waves = [{"devices": [long]}, {"filter": "tag:berlin"}, {"percent": 100}]
    plan = {"name": "n" * 200, "version": "1", "target": "state=accepted", "waves": waves}
    site.good("POST", "/campaigns", plan)
    made = site.good("POST", "/campaigns", {**plan, "approvals": 2})["campaign"]
    site.good("POST", f"/campaigns/{made}/start", {})
    site.good("POST", f"/campaigns/{made}/approve", {"reason": "r" * 300})
    return site


def screens(site: Console) -> list[str]:
    """Return the paths of all screens."""
    ids = [one["campaign"] for one in site.good("GET", "/campaigns")["campaigns"]]
    compared = f"/campaigns/compare?ids={','.join(ids)}"
    return [*SCREENS, *(f"/campaigns/{one}" for one in ids), compared]


def test_nothing_is_wider_than_a_phone(open_window: Open, fleet: Console) -> None:
    one = open_window(size=chromium.PHONE)

    for path in screens(fleet):
        one.go(path)
        assert one.value("document.documentElement.scrollWidth") <= chromium.PHONE[0], path
    # What is to be touched is large enough to be touched.
    nav = one.page.get_by_role("navigation", name="Main").get_by_role("link").first.bounding_box()
    assert nav is not None
    assert nav["height"] >= 40
    one.page.get_by_role("link", name="Devices").click()
    expect(one.page.locator(".device-row")).to_have_count(3)


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_all_text_can_be_read_and_all_that_acts_has_a_name(
    open_window: Open, fleet: Console, is_dark: bool
) -> None:
    one = open_window(is_dark=is_dark)

    for path in screens(fleet):
        one.go(path)
        faint = one.page.evaluate(FAINT, [LEAST, LEAST_OF_LARGE])
        assert (path, faint) == (path, [])
        assert (path, one.value(NAMELESS)) == (path, [])


def test_the_theme_is_chosen_and_kept(ada: Window) -> None:
    ada.go("/")
    ground = "getComputedStyle(document.body).backgroundColor"
    before = ada.value(ground)

    ada.page.get_by_role("button", name="Account and theme").click()
    ada.page.get_by_role("menuitem", name="Dark").click()
    chosen = ada.value(ground)
    ada.page.reload()

    assert before != chosen
    assert ada.value(ground) == chosen


def test_a_page_without_charts_says_so(ada: Window, fleet: Console) -> None:
    office = fleet.running.office
    text = "insert into samples values ('default', {}, 'gateway', '1', 3)"
    for ago_s in (7200, 3600):
        sql(office.database, text.format(office.now_s() - ago_s))
    ada.page.route("**/uPlot.esm.js", lambda route: route.abort())
    ada.go("/")

    expect(ada.page.get_by_text("There are no charts here")).to_be_visible()
    ada.page.unroute("**/uPlot.esm.js")
    ada.go("/")
    expect(ada.page.locator(".uplot canvas")).to_be_visible()


def test_a_console_that_is_gone_is_told_and_the_page_goes_on_when_it_is_back(
    chrome: Browser, tmp_path: Path, pki: Pki, keys: Path
) -> None:
    with ExitStack() as stack:
        with console.running(tmp_path / "console", pki, keys) as site:
            ada = sessions.inside(site, "ada")
            one = stack.enter_context(chromium.window(chrome, site, ada))
            one.go("/devices")
            expect(one.page.get_by_text("Live", exact=True)).to_be_visible()

        expect(one.page.locator("#offline")).to_be_visible(timeout=15000)
        port = site.running.api_port
        with console.running(tmp_path / "console", pki, keys, api_port=port) as again:
            again.good("POST", "/devices", {"device": "unit-9"})

            expect(one.page.get_by_text("unit-9", exact=True)).to_be_visible(timeout=15000)
            expect(one.page.locator("#offline")).to_be_hidden()
