"""Logging in and out by a browser, and what others make a browser send."""

import hashlib
import json
from pathlib import Path

import pytest

from edge.console.people.roles import Role
from edge.console.people.sessions import IDLE_S, WHOLE_S
from tests.fakes import browser
from tests.fakes.browser import PASSWORD, Browser
from tests.fakes.console import CHEAP, Console, sql


@pytest.fixture(scope="module")
def anna(shared: Console) -> str:
    """Somebody who may do all."""
    browser.add(shared, "anna")
    return "anna"


@pytest.fixture
def inside(shared: Console, anna: str) -> Browser:
    made = Browser(shared)
    assert made.log_in(anna).status == 200
    return made


def entries(site: Console, act: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = site.good("GET", "/audit?limit=500")["entries"]
    return [one for one in found if one["act"] == act]


def test_somebody_logs_in_acts_and_logs_out(shared: Console, anna: str) -> None:
    page = Browser(shared)

    told = page.log_in(anna)

    assert (told.status, told.body["person"], told.body["role"]) == (200, "anna", "admin")
    assert page.good("GET", "/session") == told.body
    assert page.good("PUT", "/groups/hall-9", {})["group"] == "hall-9"
    assert entries(shared, "group.set")[-1]["actor"] == "person:anna"
    assert page.ask("DELETE", "/session").status == 204
    assert page.secret == ""
    assert page.ask("GET", "/session").status == 401


def test_the_cookie_is_for_this_server_alone(shared: Console, anna: str) -> None:
    said = Browser(shared).log_in(anna).headers["Set-Cookie"]

    name, *flags = (part.strip() for part in said.split(";"))
    assert name.startswith("__Host-edge-session=")
    assert {flag.lower() for flag in flags} == {"secure", "httponly", "samesite=lax", "path=/"}


def test_the_secret_of_a_session_is_stored_nowhere(shared: Console, inside: Browser) -> None:
    files = [one.read_bytes() for one in shared.site.folder.glob("console.db*")]

    assert not any(inside.secret.encode() in one for one in files)
    assert not any(inside.own_page.encode() in one for one in files)
    digest = hashlib.sha256(inside.secret.encode()).hexdigest()
    assert any(digest.encode() in one for one in files)


def test_a_cookie_is_refused_after_logout(inside: Browser) -> None:
    secret = inside.secret
    inside.ask("DELETE", "/session")

    inside.secret = secret

    assert inside.ask("GET", "/session").status == 401
    assert inside.ask("GET", "/devices").status == 401


def test_logging_in_makes_a_new_session_and_ends_the_one_before(inside: Browser, anna: str) -> None:
    before = inside.secret

    inside.log_in(anna)

    assert inside.secret != before
    assert Browser(inside.site, before).ask("GET", "/session").status == 401


def test_a_cookie_that_somebody_planted_is_no_session(shared: Console, anna: str) -> None:
    planted = Browser(shared, "ab" * 32)

    planted.log_in(anna)

    assert planted.secret != "ab" * 32
    assert Browser(shared, "ab" * 32).ask("GET", "/session").status == 401


@pytest.mark.parametrize("secret", ["", "x", "AB" * 32, "ab" * 31, "ab" * 33, "é" * 32])
def test_a_cookie_that_is_none_is_nobody(shared: Console, secret: str) -> None:
    cookie = f"__Host-edge-session={secret}".encode().decode("latin-1")

    assert Browser(shared, headers={"Cookie": cookie}).ask("GET", "/session").status == 401


@pytest.mark.parametrize(("column", "after_s"), [("seen_at_s", IDLE_S), ("created_at_s", WHOLE_S)])
def test_a_session_ends_unused_and_in_the_end(inside: Browser, column: str, after_s: int) -> None:
    database = inside.site.running.office.database
    digest = hashlib.sha256(inside.secret.encode()).hexdigest()
    change = f"UPDATE sessions SET {column}={column}-%s WHERE digest='{digest}'"

    sql(database, change % (after_s - 60))
    still = inside.ask("GET", "/session").status
    sql(database, change % (after_s + 60))

    assert (still, inside.ask("GET", "/session").status) == (200, 401)


def test_a_session_that_is_used_goes_on(inside: Browser) -> None:
    database = inside.site.running.office.database
    digest = hashlib.sha256(inside.secret.encode()).hexdigest()
    back = f"UPDATE sessions SET seen_at_s=seen_at_s-{IDLE_S - 60} WHERE digest='{digest}'"

    for _time in range(3):
        sql(database, back)
        assert inside.ask("GET", "/session").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X-Edge-Page": ""}, id="form of another page"),
        pytest.param({"X-Edge-Page": "0" * 64}, id="guessed"),
        pytest.param({"X-Edge-Page": "\xff"}, id="no text"),
        pytest.param({"Origin": "https://evil.example.com"}, id="other origin"),
        pytest.param({"Origin": "null"}, id="sandboxed frame"),
        pytest.param({"Origin": "http://127.0.0.1"}, id="without TLS"),
        pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": ""}, id="fetch metadata"),
        pytest.param({"Sec-Fetch-Site": "same-site", "Origin": ""}, id="neighbour"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/devices/unit-2/revoke", None), ("DELETE", "/session", None)],
)
def test_what_another_page_makes_a_browser_send_is_refused(
    inside: Browser, headers: dict[str, str], method: str, path: str, body: object
) -> None:
    answer = inside.ask(method, path, body, headers=headers)

    assert answer.status == 403
    assert inside.good("GET", "/devices/unit-2")["state"] == "accepted"


def test_the_page_of_another_session_may_not_act(inside: Browser, anna: str) -> None:
    other = Browser(inside.site)
    other.log_in(anna)

    answer = inside.ask("PUT", "/groups/x", {}, headers={"X-Edge-Page": other.own_page})

    assert answer.status == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "https://evil.example.com"}, 403, id="other origin"),
        pytest.param({"Origin": ""}, 403, id="no origin"),
        pytest.param({"Origin": "null"}, 403, id="sandboxed frame"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="fetch metadata"),
        pytest.param({"Content-Type": "text/plain"}, 400, id="form"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, 400, id="form 2"),
        pytest.param({"Content-Type": ""}, 400, id="no type"),
    ],
)
@pytest.mark.parametrize("path", ["/session", "/session/welcome"])
def test_no_other_page_logs_a_browser_in(
    shared: Console, anna: str, path: str, headers: dict[str, str], status: int
) -> None:
    page = Browser(shared)
    body = {"name": anna, "password": PASSWORD}
    body |= {"secret": "0"} if path.endswith("welcome") else {}

    answer = page.ask("POST", path, body, headers=headers)

    assert (answer.status, page.secret) == (status, "")


def test_a_token_is_no_session(shared: Console) -> None:
    assert shared.ask("GET", "/api/v1/session").status == 401


@pytest.mark.parametrize(
    ("name", "password"),
    [("anna", PASSWORD + "x"), ("nobody", PASSWORD), ("anna", ""), ("", ""), ("é" * 130, "x")],
)
def test_a_wrong_name_is_told_as_a_wrong_password_is(
    shared: Console, anna: str, name: str, password: str
) -> None:
    del anna
    answer = Browser(shared).log_in(name, password)

    assert (answer.status, answer.body["error"]) == (401, "name or password is wrong")


def test_who_may_see_only_changes_nothing(shared: Console) -> None:
    page = browser.inside(shared, "viktor", Role.VIEWER)

    assert page.ask("GET", "/devices").status == 200
    assert page.ask("POST", "/devices/unit-2/revoke").status == 403
    assert page.ask("GET", "/audit").status == 403
    assert page.ask("POST", "/tokens", {"name": "t", "scopes": ["devices:read"]}).status == 403


def test_another_password_ends_all_sessions_but_the_new_one(shared: Console) -> None:
    page = browser.inside(shared, "paula")
    elsewhere = Browser(shared)
    elsewhere.log_in("paula")
    before = page.secret

    told = page.ask("PUT", "/session/password", {"old": PASSWORD, "new": "quite another one"})

    assert told.status == 200
    assert page.good("PUT", "/groups/hall-8", {})["group"] == "hall-8"
    for secret in (before, elsewhere.secret):
        assert Browser(shared, secret).ask("GET", "/session").status == 401
    assert Browser(shared).log_in("paula").status == 401
    assert Browser(shared).log_in("paula", "quite another one").status == 200


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        pytest.param("wrong", "quite another one", 401, id="old one is wrong"),
        pytest.param(PASSWORD, "short", 400, id="short"),
        pytest.param(PASSWORD, "quentin.quartermaine", 400, id="name"),
        pytest.param(PASSWORD, PASSWORD, 400, id="the same"),
    ],
)
def test_a_password_that_can_not_be_one_changes_nothing(
    shared: Console, quentin: Browser, old: str, new: str, status: int
) -> None:
    secret = quentin.secret

    answer = quentin.ask("PUT", "/session/password", {"old": old, "new": new})

    assert (answer.status, quentin.secret) == (status, secret)
    assert Browser(shared).log_in("quentin.quartermaine").status == 200


@pytest.fixture(scope="module")
def quentin(shared: Console) -> Browser:
    return browser.inside(shared, "quentin.quartermaine")


def test_a_password_of_old_parameters_is_hashed_anew(shared: Console) -> None:
    browser.add(shared, "otto")
    database = shared.running.office.database
    old = CHEAP.__class__(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    sql(database, f"UPDATE people SET password='{old}' WHERE person='otto'")

    status = Browser(shared).log_in("otto").status

    stored = database.read_now(
        lambda one: one.exec_driver_sql("SELECT password FROM people WHERE person='otto'").scalar()
    )
    assert (status, "m=8,t=1" in str(stored)) == (200, True)
    assert Browser(shared).log_in("otto").status == 200


def test_every_answer_tells_browsers_how_little_it_may_do(shared: Console) -> None:
    for path in ("/api/v1/session/ways", "/api/v1/devices", "/nothing", "/healthz"):
        headers = shared.ask("GET", path, token="").headers

        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Strict-Transport-Security"] == "max-age=31536000"


def test_the_log_tells_who_came_from_where_and_what_failed(shared: Console, anna: str) -> None:
    page = Browser(shared)
    page.log_in(anna, "not his password")
    page.log_in("his password typed as a name", PASSWORD)
    page.log_in(anna)

    refused, begun = entries(shared, "session.refuse")[-2:], entries(shared, "session.begin")[-1]

    assert [one["subject"] for one in refused] == ["person:anna", "person:?"]
    assert begun["actor"] == "person:anna"
    assert begun["details"] == {"way": "password", "address": "127.0.0.1"}
    assert "typed as a name" not in json.dumps(shared.good("GET", "/audit?limit=500"))


def test_the_first_person_comes_in_by_the_link_once(site: Console) -> None:
    path, _hash, secret = site.running.welcome.partition("#")
    page = Browser(site)
    body = {"secret": secret, "name": "Anna", "password": PASSWORD, "shown_name": "Anna B."}

    assert (path, page.good("GET", "/session/ways")["first"]) == ("/welcome", True)
    told = page.good("POST", "/session/welcome", body)
    again = Browser(site).ask("POST", "/session/welcome", {**body, "name": "eve"})

    assert (told["person"], told["name"], told["role"]) == ("anna", "Anna B.", "admin")
    assert page.good("GET", "/session")["person"] == "anna"
    assert again.status == 401
    assert page.good("GET", "/session/ways") == {"password": True, "oidc": None, "first": False}
    assert Browser(site).log_in("anna").status == 200


def test_the_link_of_the_first_person_ends(site: Console) -> None:
    _path, _hash, secret = site.running.welcome.partition("#")
    sql(site.running.office.database, "UPDATE invitations SET expires_at_s=expires_at_s-86400")

    body = {"secret": secret, "name": "anna", "password": PASSWORD}

    assert Browser(site).ask("POST", "/session/welcome", body).status == 401


def test_the_secret_of_a_link_is_stored_nowhere(site: Console) -> None:
    _path, _hash, secret = site.running.welcome.partition("#")
    files: list[Path] = list(site.site.folder.rglob("*"))

    assert not any(secret.encode() in one.read_bytes() for one in files if one.is_file())


def test_guesses_have_to_wait_longer_and_longer(site: Console) -> None:
    browser.add(site, "anna")
    tried = [Browser(site).log_in("anna", f"guess {number}") for number in range(8)]

    right = Browser(site).log_in("anna")

    assert [one.status for one in tried][:5] == [401] * 5
    assert {one.status for one in tried[5:]} <= {401, 429}
    assert right.status == 429
    assert int(right.headers["Retry-After"]) >= 1
    assert len(entries(site, "session.refuse")) == [one.status for one in tried].count(401)
