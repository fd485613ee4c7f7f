"""Services and logs of a device that is asked from the page, with the agent's own executor."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import expect

from edge.console.people.roles import Role
from edge_agent.reach.policy import Policy
from edge_signing.commands import replies
from edge_signing.inventory import Inventory, Service
from tests.agent.reach.bench import ALL, FakeWork
from tests.edge.console.pages.conftest import Open
from tests.edge.console.pages.test_looks import FAINT, LEAST, LEAST_OF_LARGE, NAMELESS
from tests.fakes import asked_device, console
from tests.fakes.chromium import PHONE, Window
from tests.fakes.console import Console, sql
from tests.fakes.pki import Pki

pytestmark = pytest.mark.tools

INVENTORY = Inventory(
    (Service("network", "ready", "77aa01", 12, 90), Service("web", "restarting", "0a1b", 41, 7, 2)),
    "a", "ab", "rpi4", "gateway", "1.2", "6.12", 7_300, 1 << 30, 1 << 29, 1 << 33, 1 << 28,
    ("eth0 192.0.2.7",),
)  # fmt: skip
HOSTILE = (
    'web 1 <img src=x onerror="window.ran.push(1)"><script>window.ran.push(2)</script>\n'
    "web 2 \x1b[31mred\x1b[0m \x1b]0;title\x07 \u202eback\n"
    "web 3 (a.b) needle Needle [x]\n"
    f"web 4 {'long' * 5_000}\n"
)


@contextmanager
def device(
    site: Console, unit: str, folder: Path, work: FakeWork, policy: Policy = ALL
) -> Iterator[None]:
    """A device that polls all the time, and does what it is asked."""
    link, ended = site.link(unit), threading.Event()

    def poll() -> None:
        while not ended.wait(0.05):
            link.desired()

    polling = threading.Thread(target=poll)
    with asked_device.running(folder, link, site.link(unit), work, policy=policy):
        polling.start()
        try:
            yield
        finally:
            ended.set()
            polling.join()


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, _tiny_units: None, pki: Pki, keys: Path
) -> Iterator[Console]:
    """One console for all tests here, each with a device and a person of its own."""
    with console.running(tmp_path_factory.mktemp("asked") / "console", pki, keys) as one:
        yield one


_numbers = count(1)


@pytest.fixture
def unit(site: Console) -> str:
    """A device that is let in, polls, and does not call now."""
    name = f"unit-{next(_numbers)}"
    site.good("POST", "/devices", {"device": name})
    site.link(name).desired()
    return name


@pytest.fixture
def ada(open_window: Open) -> Window:
    """The window of an operator."""
    return open_window(f"ada-{next(_numbers)}", Role.OPERATOR)


def answer(
    site: Console, unit: str, content: bytes, word: str, *, fails: str = "", **more: object
) -> None:
    """Let a device answer a question."""
    made = site.good("POST", f"/devices/{unit}/commands", {"word": word, **more})["command"]
    link = site.link(unit)
    for one in replies(made, "failed" if fails else "done", fails, content):
        link.send_reply(one)


def test_an_inventory_is_asked_for_and_a_service_restarted(
    ada: Window, site: Console, unit: str, tmp_path: Path
) -> None:
    work = FakeWork(said=INVENTORY.pack())
    ada.go(f"/devices/{unit}#services")
    expect(ada.page.locator(".empty code")).to_have_text(f"edge devices inventory {unit} --refresh")
    ada.page.get_by_role("button", name="Refresh").click()
    expect(ada.page.locator(".banner.is-asked")).to_contain_text("It polls: it answers at its next")
    expect(ada.page.get_by_role("button", name="Waiting…")).to_be_disabled()

    with device(site, unit, tmp_path / "device", work):
        table = ada.page.get_by_role("region", name="Services")
        expect(table.locator("tbody tr")).to_have_count(2)
        expect(table.locator("tbody tr").last).to_contain_text("restarting")
        expect(ada.page.locator(".banner.is-asked")).to_have_count(0)
        system = ada.page.get_by_role("region", name="System")
        for told in ("gateway 1.2", "2 h", "512 MiB free of 1.0 GiB", "eth0 192.0.2.7"):
            expect(system).to_contain_text(told)
        expect(system.get_by_role("meter", name="Data partition in use")).to_have_attribute(
            "aria-valuenow", "97"
        )
        work.said = b""
        ada.page.get_by_role("button", name="Restart web").click()
        dialog = ada.page.get_by_role("dialog", name=f"Restart web of {unit}?")
        expect(dialog.locator("code")).to_have_text(f"edge devices restart {unit} web --yes")
        dialog.get_by_role("button", name="Cancel").click()
        assert work.done == ["inventory"]
        ada.page.get_by_role("button", name="Restart web").click()
        dialog.get_by_role("button", name="Restart web").click()
        expect(ada.page.locator(".toast p")).to_have_text(f"{unit}: Restart of web is done")

    assert work.done == ["inventory", "restart web"]
    last = site.good("GET", "/audit?newest=true&act=command.ask")["entries"][0]
    assert (last["subject"], last["details"]["service"]) == (f"device:{unit}", "web")
    assert last["actor"].startswith("person:ada")


def test_hostile_logs_are_text_to_search_and_to_keep(
    ada: Window, site: Console, unit: str, tmp_path: Path
) -> None:
    work = FakeWork(said=HOSTILE.encode())
    ada.go(f"/devices/{unit}#logs")
    ada.page.get_by_label("Lines", exact=True).select_option("500")
    expect(ada.page.locator(".command code")).to_have_text(f"edge devices logs {unit} --lines 500")

    with device(site, unit, tmp_path / "device", work):
        ada.page.get_by_role("button", name="Get logs").click()
        block = ada.page.get_by_role("region", name="Lines of the device")
        expect(block).to_contain_text('<img src=x onerror="window.ran.push(1)"><script>')

    text = block.inner_text()
    assert work.done == ["logs  500"]
    assert r"\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202eback" in text
    assert ada.value("window.ran") == []
    assert ada.value("document.querySelectorAll('.log-text *').length") == 0
    assert ada.value("document.documentElement.scrollWidth <= innerWidth")
    is_wide = "(one => one.scrollWidth > one.clientWidth)(document.querySelector('.log-text'))"
    assert not ada.value(is_wide)
    ada.page.get_by_label("Wrap lines").uncheck()
    assert ada.value(is_wide)
    ada.page.get_by_label("Search in these lines").fill("NEEDLE")
    expect(block.locator("mark")).to_have_text(["needle", "Needle"])
    ada.page.keyboard.press("Enter")
    expect(ada.page.locator(".log-count")).to_have_text("2 of 2")
    expect(block.locator("mark.is-here")).to_have_text("Needle")
    ada.page.get_by_label("Search in these lines").fill("(a.b) needle needle [")
    expect(ada.page.locator(".log-count")).to_have_text("1 of 1")
    with ada.page.expect_download() as kept:
        ada.page.get_by_role("button", name="Keep as a file").click()
    assert kept.value.suggested_filename.startswith(f"{unit}-all-2")
    assert Path(kept.value.path()).read_text() == text + "\n" * (not text.endswith("\n"))


def test_what_a_device_refuses_is_shown_with_its_reason(
    ada: Window, site: Console, unit: str, tmp_path: Path
) -> None:
    answer(site, unit, INVENTORY.pack(), "inventory")
    policy = Policy(frozenset({"logs"}), without_logs=frozenset({"web"}))
    work = FakeWork()
    ada.go(f"/devices/{unit}#services")
    with device(site, unit, tmp_path / "device", work, policy):
        ada.page.get_by_role("button", name="Restart the device").click()
        ada.page.get_by_role("dialog").get_by_role("button", name=f"Restart {unit}").click()
        expect(ada.page.locator(".banner.is-warn")).to_contain_text(
            "Restart of the system: refused"
        )
        expect(ada.page.locator(".banner.is-warn")).to_contain_text(
            "reboot: the settings of this system do not allow it"
        )
        ada.page.get_by_role("tab", name="Logs").click()
        ada.page.get_by_label("Service", exact=True).select_option("web")
        ada.page.get_by_role("button", name="Get logs").click()
        expect(ada.page.locator(".banner.is-warn")).to_contain_text("web stay on the device")

    assert work.done == []


def test_earlier_answers_are_read_and_a_late_one_is_told(
    ada: Window, site: Console, unit: str, tmp_path: Path
) -> None:
    for number, said in enumerate(("first", "second")):
        text = f"web {number} {said}\n"
        answer(site, unit, text.encode(), "logs", service="web", lines=7)
    ada.go(f"/devices/{unit}#logs")
    block = ada.page.get_by_role("region", name="Lines of the device")
    expect(block).to_contain_text("second")
    ada.page.get_by_role("button", name="Logs of web").last.click()
    expect(block).to_contain_text("first")
    ada.page.get_by_role("button", name="Get logs").click()
    expect(ada.page.locator(".banner.is-asked")).to_be_visible()

    office = site.running.office
    sql(office.database, "UPDATE commands SET expires_at_s = 1 WHERE state = 'open'")
    site.wait(office.expire_commands("default"))

    expect(ada.page.locator(".banner.is-warn")).to_contain_text("has not answered in time")
    expect(ada.page.get_by_role("button", name="Get logs")).to_be_enabled()


def test_who_may_not_ask_sees_why_and_no_buttons(
    open_window: Open, site: Console, unit: str
) -> None:
    answer(site, unit, b"web 1 hello\n", "logs")
    asked: list[str] = []
    eve = open_window("eve", Role.VIEWER, size=PHONE)
    eve.page.on("request", lambda one: asked.append(one.url))
    eve.go(f"/devices/{unit}")
    for tab in ("Services", "Logs"):
        eve.page.get_by_role("tab", name=tab).click()
        expect(eve.page.get_by_text("it takes the right devices:reach")).to_be_visible()
        expect(eve.page.get_by_role("tabpanel").get_by_role("button")).to_have_count(0)
        assert eve.value("document.documentElement.scrollWidth") <= PHONE[0]

    assert not [one for one in asked if "/commands" in one]


def test_services_and_logs_can_be_read_on_a_phone_in_both_themes(
    open_window: Open, site: Console, unit: str
) -> None:
    answer(site, unit, INVENTORY.pack(), "inventory")
    answer(site, unit, HOSTILE.encode(), "logs", service="web")
    answer(site, unit, b"", "logs", fails="no " + "x" * 150)
    one = open_window("pia", Role.OPERATOR, size=PHONE)

    one.go(f"/devices/{unit}")
    for tab in ("Services", "Logs"):
        one.page.get_by_role("tab", name=tab).click()
        if tab == "Services":
            expect(one.page.locator(".services tbody tr")).to_have_count(2)
        else:
            one.page.get_by_label("Search in these lines").fill("needle")
        for theme in ("light", "dark"):
            one.page.emulate_media(color_scheme=theme)
            faint = one.page.evaluate(FAINT, [LEAST, LEAST_OF_LARGE])
            assert (tab, theme, faint) == (tab, theme, [])
        assert (tab, one.value(NAMELESS)) == (tab, [])
        assert one.value("document.documentElement.scrollWidth") <= PHONE[0], tab
