"""Logging in at a provider, from the first step to the last, and what goes wrong between."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from edge.console.api.oidc import COOKIE
from edge.console.people.oidc.provider import Provider
from edge.console.people.roles import Role
from tests.fakes import browser, console, oidc
from tests.fakes.browser import Browser
from tests.fakes.console import Console
from tests.fakes.oidc import Scripted
from tests.fakes.pki import Pki

URL = "https://fleet.example.com:8444"


class Visit:
    """A browser that logs in at a provider."""

    def __init__(self, site: Console, path: str = "/devices") -> None:
        self.site = site
        self.page = Browser(site)
        self.told = site.ask("GET", f"/auth/oidc/start?next={quote(path, safe='')}", token="")
        self.location = self.told.headers["Location"]
        self.cookie = self.told.cookies.get(COOKIE, "")
        query = parse_qs(urlsplit(self.location).query)
        self.state = query.get("state", [""])[0]

    def back(self, **query: str) -> str:
        """Come back with the answer of the provider; return where it leads."""
        words = {"code": "c-1", "state": self.state, **query}
        headers = {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        path = f"/auth/oidc/callback?{urlencode({k: v for k, v in words.items() if v})}"
        answer = self.site.ask("GET", path, token="", headers=headers)
        assert answer.status == 303
        assert answer.cookies[COOKIE] == ""
        self.page.secret = answer.cookies.get("__Host-edge-session", "")
        return answer.headers["Location"]


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with oidc.scripted() as one:
        yield one


@pytest.fixture
def theirs(server: Scripted) -> Scripted:
    """The provider, which has not been told anything yet."""
    server.claims, server.asked[:] = {}, []
    return server


@pytest.fixture(scope="module")
def asked(
    tmp_path_factory: pytest.TempPathFactory, pki: Pki, keys: Path, server: Scripted
) -> Iterator[Console]:
    """A console whose people log in at a provider that does what it is told."""
    provider = Provider(server.url, "edge", "s3cret", "id", URL)
    folder = tmp_path_factory.mktemp("asked")
    with console.running(folder / "console", pki, keys, provider=provider) as one:
        for name in ("anna", "dora", "nina"):
            one.good("POST", "/people", {"person": name, "role": "operator", "way": "oidc"})
        yield one


def begun(asked: Console, theirs: Scripted, name: str = "") -> Visit:
    """Return somebody who has named himself to the provider."""
    if name:
        theirs.claims = {"preferred_username": name, "sub": f"s-{name}"}
    visit = Visit(asked)
    theirs.takes(visit.location)
    return visit


def test_somebody_logs_in_at_a_provider_that_others_wrote(
    tmp_path: Path, pki: Pki, keys: Path
) -> None:
    with oidc.independent() as issuer:
        provider = Provider(
            issuer,
            "edge",
            "s3cret",
            "id",
            URL,
            role_claim="teams",
            roles={"fleet-admins": Role.ADMIN, "fleet": Role.OPERATOR},
            admits_unknown=True,
        )
        with console.running(tmp_path / "console", pki, keys, provider=provider) as site:
            user = {"preferred_username": "Anna", "name": "Anna B.", "teams": ["x", "fleet"]}
            at(issuer, "PUT", "/users/u-1", json.dumps(user), "application/json")
            visit = Visit(site, "/devices?filter=x")
            sent = urlsplit(visit.location)
            answer = at(issuer, "POST", f"{sent.path}?{sent.query}", "sub=u-1")
            query = parse_qs(urlsplit(answer).query)

            led = visit.back(code=query["code"][0], state=query["state"][0])

            assert answer.startswith(f"{URL}/auth/oidc/callback?")
            assert led == "/devices?filter=x"
            told = visit.page.good("GET", "/session")
            assert (told["person"], told["name"], told["role"]) == ("anna", "Anna B.", "operator")
            assert Visit(site).back(code=query["code"][0]) == "/login?oidc=provider"


def at(issuer: str, method: str, path: str, body: str, kind: str = "") -> str:
    """Ask a provider, and return where its answer leads."""
    connection = HTTPConnection(urlsplit(issuer).netloc, timeout=10)
    kind = kind or "application/x-www-form-urlencoded"
    connection.request(method, path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    assert answer.status < 400, answer.read()
    answer.read()
    connection.close()
    return answer.headers.get("Location", "")


def test_who_was_invited_is_bound_to_the_subject_at_his_first_time(
    asked: Console, theirs: Scripted
) -> None:
    led = begun(asked, theirs, "anna").back()
    theirs.claims = {"preferred_username": "someone-else", "sub": "s-anna"}
    renamed = begun(asked, theirs)
    renamed.back()
    theirs.claims = {"sub": "s-2", "preferred_username": "anna"}
    thief = begun(asked, theirs)

    assert led == "/devices"
    assert renamed.page.good("GET", "/session")["person"] == "anna"
    assert thief.back() == "/login?oidc=unknown"
    assert thief.page.ask("GET", "/session").status == 401
    entry = asked.good("GET", "/audit?subject=person:anna")["entries"][-1]
    assert (entry["act"], entry["details"]["way"]) == ("session.begin", "oidc")


def test_the_browser_is_sent_with_state_nonce_and_challenge(
    asked: Console, theirs: Scripted
) -> None:
    visit = Visit(asked)
    query = theirs.takes(visit.location)

    assert visit.told.status == 303
    assert visit.location.startswith(f"{theirs.url}/authorization_endpoint?")
    assert query["redirect_uri"] == f"{URL}/auth/oidc/callback"
    assert (query["response_type"], query["client_id"]) == ("code", "edge")
    assert query["code_challenge_method"] == "S256"
    assert "httponly" in visit.told.headers["Set-Cookie"].lower()
    assert visit.cookie.partition(".")[0] not in visit.location


def test_the_host_that_a_request_names_is_not_where_browsers_are_sent(
    asked: Console, theirs: Scripted
) -> None:
    headers = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com"}

    answer = asked.ask("GET", "/auth/oidc/start", token="", headers=headers)

    assert theirs.takes(answer.headers["Location"])["redirect_uri"].startswith(URL)


def test_an_answer_is_taken_once_and_of_the_browser_that_began(
    asked: Console, theirs: Scripted
) -> None:
    visit, other = begun(asked, theirs, "anna"), Visit(asked)
    state = visit.state

    stolen = Visit(asked)
    stolen.cookie = ""
    assert stolen.back(state=state) == "/login?oidc=state"
    assert other.back(state=state) == "/login?oidc=state"
    assert visit.back(state="") == "/login?oidc=state"
    assert visit.back() == "/devices"
    assert visit.back() == "/login?oidc=state"


@pytest.mark.parametrize(
    ("claims", "word"),
    [
        pytest.param({"nonce": "0" * 64}, "token", id="nonce of another attempt"),
        pytest.param({"aud": "other"}, "token", id="for another"),
        pytest.param({"iss": "https://evil.example.com"}, "token", id="issuer"),
        pytest.param({"exp": 1}, "token", id="expired"),
        pytest.param({"preferred_username": "eve"}, "unknown", id="not invited"),
        pytest.param({"preferred_username": None}, "unknown", id="no name"),
        pytest.param({"preferred_username": "../x"}, "unknown", id="bad name"),
        pytest.param({"preferred_username": ["anna"]}, "unknown", id="list"),
    ],
)
def test_what_the_provider_says_of_others_lets_nobody_in(
    asked: Console, theirs: Scripted, claims: dict[str, object], word: str
) -> None:
    theirs.claims = {"sub": "s-stranger", **claims}
    visit = begun(asked, theirs)

    assert visit.back() == f"/login?oidc={word}"
    assert visit.page.secret == ""


def test_a_name_opens_nothing_of_who_has_a_password(asked: Console, theirs: Scripted) -> None:
    browser.add(asked, "paul")
    asked.good("POST", "/people", {"person": "ines", "role": "admin"})

    for name in ("paul", "ines"):
        assert begun(asked, theirs, name).back() == "/login?oidc=unknown"
    refused = asked.good("GET", "/audit?subject=person:?&limit=500")["entries"]
    assert (refused[0]["act"], refused[0]["details"]["oidc"]) == ("session.refuse", "unknown")


def test_who_is_disabled_or_logs_in_otherwise_stays_out(asked: Console, theirs: Scripted) -> None:
    visit = begun(asked, theirs, "dora")
    visit.back()

    asked.good("PATCH", "/people/dora", {"is_disabled": True})
    disabled = begun(asked, theirs).back()
    asked.good("PATCH", "/people/dora", {"is_disabled": False, "way": "password"})
    other_way = begun(asked, theirs).back()

    assert (disabled, other_way) == ("/login?oidc=disabled", "/login?oidc=unknown")
    assert visit.page.ask("GET", "/session").status == 401
    assert asked.good("POST", "/people/dora/invitation")["link"]


def test_who_logs_in_at_the_provider_gets_no_link_and_sets_no_password(
    asked: Console, theirs: Scripted
) -> None:
    visit = begun(asked, theirs, "nina")
    visit.back()
    visit.page.good("GET", "/session")
    body = {"old": "", "new": "quite another one"}

    assert asked.ask("POST", "/api/v1/people/nina/invitation").status == 409
    assert visit.page.ask("PUT", "/session/password", body).status == 409


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"error": "access_denied", "code": ""}, "denied"),
        ({"code": ""}, "denied"),
        ({"iss": "https://evil.example.com"}, "state"),
    ],
)
def test_a_provider_that_says_no_or_is_another_lets_nobody_in(
    asked: Console, theirs: Scripted, query: dict[str, str], word: str
) -> None:
    assert begun(asked, theirs).back(**query) == f"/login?oidc={word}"
    assert "/token_endpoint" not in theirs.asked


def test_the_page_is_told_of_the_provider(asked: Console) -> None:
    ways = Browser(asked).good("GET", "/session/ways")

    assert ways == {"password": True, "oidc": {"name": "id"}, "first": False}


@pytest.fixture(scope="module")
def by_claim(
    tmp_path_factory: pytest.TempPathFactory, pki: Pki, keys: Path, server: Scripted
) -> Iterator[Console]:
    """A console whose provider says what people may do."""
    provider = Provider(server.url, "edge", "", "id", URL, role_claim="role")
    provider = replace(provider, roles={"boss": Role.ADMIN, "crew": Role.OPERATOR})
    provider = replace(provider, admits_unknown=True)
    folder = tmp_path_factory.mktemp("claim")
    with console.running(folder / "console", pki, keys, provider=provider) as one:
        browser.add(one, "root")
        yield one


def test_the_role_is_what_the_provider_says_each_time(by_claim: Console, theirs: Scripted) -> None:
    found = []
    for said in ("crew", ["crew", "boss"], "crew"):
        theirs.claims = {"role": said}
        visit = begun(by_claim, theirs)
        visit.back()
        found.append(visit.page.good("GET", "/session")["role"])

    assert found == ["operator", "admin", "operator"]
    entry = by_claim.good("GET", "/audit?subject=person:anna")["entries"][-2]
    assert (entry["actor"], entry["act"]) == ("console", "person.change")


@pytest.mark.parametrize("said", [None, "", "guest", ["guest"], {"boss": 1}, 7, "BOSS"])
def test_who_has_no_role_at_the_provider_stays_out(
    by_claim: Console, theirs: Scripted, said: object
) -> None:
    theirs.claims = {"role": said}

    assert begun(by_claim, theirs).back() == "/login?oidc=role"


def test_an_address_counts_only_if_it_was_verified(
    tmp_path: Path, pki: Pki, keys: Path, theirs: Scripted
) -> None:
    provider = Provider(theirs.url, "edge", "", "id", URL, name_claim="email")
    with console.running(tmp_path / "console", pki, keys, provider=provider) as site:
        name = "anna@example.com"
        site.good("POST", "/people", {"person": name, "role": "viewer", "way": "oidc"})
        found = []
        for is_verified in (None, False, "true", True):
            theirs.claims = {"email": name, "email_verified": is_verified}
            found.append(begun(site, theirs).back())

    assert found == ["/login?oidc=unknown"] * 3 + ["/devices"]
