"""Coming in and going out, in a browser."""

import pytest
from playwright.sync_api import Browser, expect

from tests.fakes import browser as sessions
from tests.fakes import chromium
from tests.fakes.console import Console

pytestmark = pytest.mark.tools


def test_a_person_logs_in_and_comes_to_the_page_that_was_wanted(
    chrome: Browser, site: Console
) -> None:
    sessions.add(site, "ada")

    with chromium.window(chrome, site) as one:
        one.go("/devices?filter=state%3Daccepted")
        one.page.get_by_label("Name").fill("ada")
        one.page.get_by_label("Password").fill(sessions.PASSWORD)
        one.page.keyboard.press("Enter")
        one.page.wait_for_url("**/devices?filter=state%3Daccepted")

        expect(one.page.get_by_role("heading", name="Devices")).to_be_visible()


def test_a_wrong_password_is_told_and_nothing_else(chrome: Browser, site: Console) -> None:
    sessions.add(site, "ada")

    with chromium.window(chrome, site) as one:
        one.go("/login")
        one.page.get_by_label("Name").fill("ada")
        one.page.get_by_label("Password").fill("not the password")
        one.page.get_by_role("button", name="Log in").click()

        expect(one.page.get_by_role("alert")).to_contain_text("password")
        expect(one.page.get_by_role("button", name="Log in")).to_be_enabled()


def test_the_first_person_comes_in_by_the_link_that_the_console_tells(
    chrome: Browser, site: Console
) -> None:
    with chromium.window(chrome, site) as one:
        one.go("/login")
        expect(one.page.get_by_text("Nobody has an account here yet")).to_be_visible()
        one.go(site.running.welcome)
        one.page.get_by_label("Name", exact=True).fill("ada")
        one.page.get_by_label("Password").fill(sessions.PASSWORD)
        one.page.get_by_role("button", name="Come in").click()

        expect(one.page.get_by_role("heading", name="Overview")).to_be_visible()
        # The secret is not left in the address, where others could read it.
        assert "#" not in one.page.url


def test_who_logs_out_is_out(chrome: Browser, site: Console) -> None:
    ada = sessions.inside(site, "ada")

    with chromium.window(chrome, site, ada) as one:
        one.go("/")
        one.page.get_by_role("button", name="Account and theme").click()
        one.page.get_by_role("menuitem", name="Log out").click()
        one.page.wait_for_url("**/login")

    assert ada.ask("GET", "/devices").status == 401
