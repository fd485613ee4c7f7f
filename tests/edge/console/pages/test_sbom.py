"""Services and packages of a release, and what changed since another one, in a browser."""

import hashlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from edge.console.people.roles import Role
from tests.agent.power.system import System
from tests.edge.console.pages.conftest import Open
from tests.edge.console.pages.test_looks import FAINT, LEAST, LEAST_OF_LARGE, NAMELESS
from tests.fakes import console
from tests.fakes.bill import sbom
from tests.fakes.chromium import PHONE, Window
from tests.fakes.console import Console
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

pytestmark = pytest.mark.tools

LONG = "linux-image-" + "x" * 120
HOSTILE = '<img src=x onerror="window.ran.push(1)"><script>window.ran.push(2)</script>'
MANY = [f"lib{number:03}=1" for number in range(120)]
SBOMS = {
    "1.9": sbom({"web": ["libc6=2.40", "nginx=1.26"], "log": ["libc6=2.40"], "old": ["gone=1"]}),
    "1.10": sbom(
        {
            "web": ["libc6=2.41", "nginx=1.26", "zlib1g=1"],
            "log": ["libc6=2.41"],
            "sshd": ["nginx=1.26"],
        },
        [f"{LONG}={'6.12-' * 9}", *MANY],
        images={"log": "2"},
    ),
    "2.0": sbom({HOSTILE: [f"{HOSTILE}={HOSTILE}"], "log": []}, [f"{LONG}={HOSTILE}"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Operator:
    return Operator(tmp_path_factory.mktemp("publisher") / "operator", keys)


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    _tiny_units: None,
    pki: Pki,
    keys: Path,
    publisher: Operator,
) -> Iterator[Console]:
    """One console for all tests here, with releases with SBOMs and one without."""
    folder = tmp_path_factory.mktemp("sbom")
    with console.running(folder / "console", pki, keys) as one:
        for version, document in {"1.8": None, **SBOMS}.items():
            publisher.release(System.make(version, 1), document)
            bundle = publisher.bundle(version, with_sbom=document is not None)
            one.good("POST", "/releases", bundle)
        yield one


_numbers = count(1)


@pytest.fixture
def ada(open_window: Open) -> Window:
    """The window of somebody who may only look."""
    return open_window(f"ada-{next(_numbers)}", Role.VIEWER)


def rows(one: Window, region: str) -> Locator:
    return one.page.get_by_role("region", name=region, exact=True).locator("tbody tr")


def test_packages_are_shown_and_chosen(ada: Window, site: Console) -> None:
    ada.go("/releases/gateway/1.10")
    ada.page.get_by_role("tab", name="Services and packages").click()
    found = rows(ada, "Packages")
    status = ada.page.get_by_role("region", name="Packages").get_by_role("status")
    expect(status).to_have_text("124 packages")
    expect(found).to_have_count(100)
    ada.page.get_by_role("button", name="Show more").click()
    expect(found).to_have_count(124)

    ada.page.get_by_label("Filter packages").fill("LIBC")
    expect(found).to_have_count(1)
    for told in ("libc6", "2.41", "MIT", "log", "web"):
        expect(found).to_contain_text(told)
    ada.page.get_by_label("Filter packages").fill("")
    ada.page.get_by_role("button", name="sshd 1 package").click()
    expect(status).to_have_text("1 package")
    expect(found).to_contain_text("nginx")
    expect(ada.page.locator(".command code").last).to_have_text(
        "edge releases sbom 1.10 --service sshd"
    )
    ada.page.get_by_label("Filter packages").fill("nothing")
    expect(ada.page.get_by_text("No package is like that.")).to_be_visible()
    expect(ada.page.get_by_label("Service", exact=True)).to_have_value("sshd")
    ada.page.get_by_label("Service", exact=True).select_option("")
    ada.page.get_by_label("Filter packages").fill("system")
    expect(status).to_have_text("121 packages")
    with ada.page.expect_download() as kept:
        ada.page.get_by_role("link", name="Get it as SPDX").click()
    assert Path(kept.value.path()).read_bytes() == SBOMS["1.10"]
    assert kept.value.suggested_filename == "gateway-1.10.sbom.spdx.json"


def test_what_changed_is_shown_since_the_release_before_and_any_other(
    ada: Window, site: Console
) -> None:
    ada.go("/releases/gateway/1.10#changes")
    since = ada.page.get_by_label("Since which release")
    expect(since).to_have_value("1.9")
    services = rows(ada, "Services")
    expect(services).to_have_count(3)
    for at, words in enumerate(
        (("Changed", "log", "1 package differs"), ("Removed", "old"), ("Added", "sshd"))
    ):
        for word in words:
            expect(services.nth(at)).to_contain_text(word)
    found = rows(ada, "Packages")
    for name, kind, told in (
        ("gone", "Removed", "old"),
        ("libc6", "Changed", "2.40→2.41"),
        ("nginx", "Moved", "sshd"),
        ("zlib1g", "Added", "web"),
    ):
        row = found.filter(has=ada.page.get_by_text(name, exact=True))
        expect(row.locator(".change")).to_contain_text(kind)
        expect(row).to_contain_text(told)
    expect(found.filter(has_text="nginx").locator(".tag.is-new")).to_have_text("sshd")

    ada.page.get_by_role("button", name="Removed 1").click()
    expect(found).to_have_count(1)
    expect(found).to_contain_text("gone")
    expect(ada.page.locator(".command code")).to_have_text("edge releases sbom 1.10 --from 1.9")
    since.select_option("2.0")
    expect(ada.page.get_by_role("button", name="All 125")).to_be_visible()
    since.select_option("1.8")
    expect(ada.page.get_by_text("gateway 1.8 was released without an SBOM")).to_be_visible()


def test_what_is_not_known_is_told(ada: Window, site: Console) -> None:
    ada.go("/releases/gateway/1.8#packages")
    expect(ada.page.get_by_text("gateway 1.8 was released without an SBOM")).to_be_visible()
    ada.page.get_by_role("tab", name="What changed").click()
    expect(ada.page.get_by_label("Since which release")).to_have_value("2.0")
    expect(ada.page.get_by_text("gateway 1.8 was released without an SBOM")).to_be_visible()


def test_hostile_names_stay_text(ada: Window, site: Console) -> None:
    for tab in ("packages", "changes"):
        ada.go(f"/releases/gateway/2.0#{tab}")
        expect(rows(ada, "Packages").filter(has_text=HOSTILE).first).to_be_visible()
        assert ada.value("window.ran") == []
        assert ada.value("document.querySelectorAll('main img, main script').length") == 0

    ada.page.get_by_role("tab", name="Services and packages").click()
    ada.page.get_by_role("button", name=HOSTILE).first.click()
    expect(rows(ada, "Packages")).to_have_count(1)
    assert ada.value("window.ran") == []


@pytest.mark.parametrize("tab", ["packages", "changes"])
def test_it_can_be_read_on_a_phone_in_both_themes(
    open_window: Open, site: Console, tab: str
) -> None:
    one = open_window(f"pia-{next(_numbers)}", Role.VIEWER, size=PHONE)

    for version in ("1.10", "2.0"):
        one.go(f"/releases/gateway/{version}#{tab}")
        expect(rows(one, "Packages").first).to_be_visible()
        for theme in ("light", "dark"):
            one.page.emulate_media(color_scheme=theme)
            faint = one.page.evaluate(FAINT, [LEAST, LEAST_OF_LARGE])
            assert (version, theme, faint) == (version, theme, [])
        assert (version, one.value(NAMELESS)) == (version, [])
        assert one.value("document.documentElement.scrollWidth") <= PHONE[0], version


def test_an_sbom_that_comes_later_appears_by_itself(
    ada: Window, site: Console, publisher: Operator
) -> None:
    document = sbom({"late": ["late-package=1"]})
    publisher.release(System.make("3.0", 1), document)
    site.good("POST", "/releases", publisher.bundle("3.0"))
    ada.go("/releases/gateway/3.0#packages")
    expect(ada.page.get_by_text("was not brought to this console")).to_be_visible()
    expect(ada.page.get_by_text("edge releases add 3.0 --repo DIR")).to_be_visible()

    site.good("PUT", f"/objects/{hashlib.sha256(document).hexdigest()}", document)

    expect(rows(ada, "Packages")).to_contain_text("late-package")
