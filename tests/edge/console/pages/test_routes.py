"""Pages as a program sees them: who gets which, and what browsers may keep."""

import gzip
import re
from pathlib import Path

import pytest

from edge.console.pages import files
from edge.console.pages.routes import own_path
from edge.console.people.door import COOKIE
from tests.fakes import browser
from tests.fakes.browser import Browser
from tests.fakes.console import Console

SCREENS = ("/", "/devices", "/devices/unit-1", "/releases/gateway/1", "/audit", "/settings")


@pytest.fixture(scope="module")
def ada(shared: Console) -> Browser:
    return browser.inside(shared, "ada")


def cookie(who: Browser) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={who.secret}"}


@pytest.mark.parametrize("path", SCREENS)
def test_who_is_not_logged_in_is_sent_to_the_login(shared: Console, path: str) -> None:
    answer = shared.ask("GET", path, token="")

    wanted = "" if path == "/" else f"?next={path}"
    assert (answer.status, answer.headers["Location"]) == (303, f"/login{wanted}")


def test_a_token_opens_no_page(shared: Console) -> None:
    assert shared.ask("GET", "/devices").status == 303


@pytest.mark.parametrize("path", SCREENS)
def test_a_page_is_not_kept_and_may_run_only_what_is_ours(
    shared: Console, ada: Browser, path: str
) -> None:
    answer = shared.ask("GET", path, token="", headers=cookie(ada))

    policy = answer.headers["Content-Security-Policy"]
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    # Neither handlers nor styles in the markup, nor scripts that are not files.
    assert not re.search(r"<[^>]*\s(?:on\w+|style)=", answer.body)
    assert not re.search(r"<script(?![^>]*\ssrc=)", answer.body)
    assert set(re.findall(r'(?:src|href)="(\w+:[^"]*|//[^"]*)"', answer.body)) == set()


def test_the_page_has_words_for_all_that_is_audited() -> None:
    console = Path(files.__file__).parent.parent
    said = (console / "pages/static/format.js").read_text()
    call = re.compile(r"audit\.record\([^()]*(?:\([^()]*\))?[^()]*?\"([a-z-]+\.[a-z-]+)\"")

    acts = {act for file in console.rglob("*.py") for act in call.findall(file.read_text())}

    assert len(acts) > 40
    assert [act for act in sorted(acts) if f'"{act}": "' not in said] == []


def test_files_are_kept_for_ever_under_a_name_that_changes_with_them(
    shared: Console, ada: Browser
) -> None:
    page = shared.ask("GET", "/", token="", headers=cookie(ada)).body
    found = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    answers = [shared.ask("GET", path, token="") for path in found]

    assert len(found) > 5
    assert {one.status for one in answers} == {200}
    assert all("immutable" in one.headers["Cache-Control"] for one in answers)
    assert (
        shared.ask("GET", re.sub(r"/static/\w+/", "/static/0/", found[0]), token="").status == 404
    )


def test_files_are_sent_packed_to_who_can_unpack_them() -> None:
    one = files.read().by_name["app.js"]

    assert gzip.decompress(one.packed) == one.data


def test_the_name_of_the_files_changes_with_any_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    first = files.read(tmp_path, tmp_path / "none")
    (tmp_path / "a.js").write_text("2")
    second = files.read(tmp_path, tmp_path / "none")

    assert first.digest != second.digest
    assert not first.has_charts


@pytest.mark.parametrize(
    "path",
    ["..%2froutes.py", "%2e%2e/routes.py", "../templates/shell.html", "app.js/", "no.js"],
)
def test_no_other_file_is_given(shared: Console, path: str) -> None:
    digest = files.read().digest

    assert shared.ask("GET", f"/static/{digest}/{path}", token="").status == 404


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", "/"),
        ("/devices?filter=tag%3Aa", "/devices?filter=tag%3Aa"),
        ("https://example.com/", "/"),
        ("//example.com/", "/"),
        ("/\\example.com/", "/"),
        ("/a\\b", "/"),
        ("/\t/example.com", "/"),
        ("/\n/example.com", "/"),
        ("javascript:alert(1)", "/"),
        ("devices", "/"),
    ],
)
def test_a_login_leads_to_a_page_of_this_server_alone(said: str, found: str) -> None:
    assert own_path(said) == found


def test_who_is_logged_in_needs_no_login(shared: Console, ada: Browser) -> None:
    answer = shared.ask("GET", "/login?next=//example.com", token="", headers=cookie(ada))

    assert (answer.status, answer.headers["Location"]) == (303, "/")


def test_a_name_is_text_in_the_page(shared: Console) -> None:
    answer = shared.ask("GET", "/login?next=%2F%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", token="")

    assert answer.status == 200
    assert "<script>alert" not in answer.body


def test_a_browser_gets_a_page_that_says_that_there_is_none(shared: Console) -> None:
    said = "text/html,application/xhtml+xml,*/*;q=0.8"

    answer = shared.ask("GET", "/no/<b>such", token="", headers={"Accept": said})

    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such page" in answer.body
    assert "such<" not in answer.body
    assert "<b>" not in answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        pytest.param("GET", "/none", "*/*", id="a program"),
        pytest.param("GET", "/none", "application/json", id="a program that says so"),
        pytest.param("POST", "/none", "text/html", id="no page is sent to"),
        pytest.param("GET", "/api/v1/none", "text/html", id="the API in a browser"),
        pytest.param("GET", "/api/v1/devices/none", "text/html", id="a thing of the API"),
        pytest.param("GET", "/static/x/none.js", "text/html", id="a file"),
    ],
)
def test_programs_get_json_of_what_is_not_there(
    shared: Console, method: str, path: str, accept: str
) -> None:
    answer = shared.ask(method, path, headers={"Accept": accept})

    assert (answer.status, answer.headers["Content-Type"][:16]) == (404, "application/json")
    assert answer.body["error"]
