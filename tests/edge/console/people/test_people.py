"""Who is let in, changed and put out by whom: nobody gets more than he is given."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.console.people.roles import SCOPES, Role
from edge.console.tokens import Scope
from edge.keys import create
from tests.fakes import browser
from tests.fakes.browser import PASSWORD, Browser
from tests.fakes.console import Console, sql
from tests.fakes.pki import Pki


@pytest.fixture(scope="module")
def anna(shared: Console) -> Browser:
    """An admin."""
    return browser.inside(shared, "anna")


def token(site: Console, *scopes: str) -> str:
    """Return a token that may do less than an admin."""
    text: str = site.good("POST", "/tokens", {"name": "some", "scopes": scopes})["text"]
    return text


def enter(site: Console, link: str, name: str, password: str = PASSWORD) -> Any:
    secret = link.partition("#")[2]
    body = {"secret": secret, "name": name, "password": password}
    return Browser(site).ask("POST", "/session/welcome", body)


def test_a_role_is_a_set_of_scopes_and_each_has_those_of_who_sees() -> None:
    assert SCOPES[Role.ADMIN] == frozenset(Scope)
    assert all(SCOPES[Role.VIEWER] <= SCOPES[role] for role in Role)
    assert Scope.DEPLOY not in SCOPES[Role.APPROVER]
    powers = {Scope.TOKENS_WRITE, Scope.PEOPLE_WRITE}
    assert [role for role in Role if powers & SCOPES[role]] == [Role.ADMIN]


def test_somebody_is_invited_and_comes_in(shared: Console, anna: Browser) -> None:
    body = {"person": "ines", "role": "operator", "groups": ["hall-3"], "shown_name": "Ines"}
    told = anna.good("POST", "/people", body)

    entered = enter(shared, told["link"], "ines")

    assert (entered.status, entered.body["role"], entered.body["groups"]) == (
        200,
        "operator",
        ["hall-3"],
    )
    assert enter(shared, told["link"], "ines").status == 401
    shown = anna.good("GET", "/people/ines")
    assert (shown["is_ready"], shown["logged_in_at_s"] > 0) == (True, True)
    assert Browser(shared).log_in("ines").status == 200


def test_who_forgot_his_password_gets_a_link(shared: Console, anna: Browser) -> None:
    page = browser.inside(shared, "fred", Role.VIEWER)
    old = anna.good("POST", "/people/fred/invitation")["link"]
    new = anna.good("POST", "/people/fred/invitation")["link"]

    assert enter(shared, old, "fred", "another password").status == 401
    assert enter(shared, new, "anna", "another password").status == 401
    assert page.ask("GET", "/session").status == 200
    assert enter(shared, new, "", "another password").status == 200
    assert page.ask("GET", "/session").status == 401
    assert Browser(shared).log_in("fred").status == 401


def test_a_link_ends_by_itself_and_with_its_person(shared: Console, anna: Browser) -> None:
    links = {}
    for name in ("late", "gone", "shut"):
        links[name] = anna.good("POST", "/people", {"person": name, "role": "viewer"})["link"]
    database = shared.running.office.database
    sql(database, "UPDATE invitations SET expires_at_s=1 WHERE person='late'")
    anna.good("DELETE", "/people/gone")
    anna.good("POST", "/people", {"person": "gone", "role": "viewer", "way": "oidc"})
    anna.good("PATCH", "/people/shut", {"is_disabled": True})

    assert [enter(shared, link, name).status for name, link in links.items()] == [401] * 3
    assert anna.ask("POST", "/people/shut/invitation").status == 409


def test_a_bad_password_does_not_use_up_a_link(shared: Console, anna: Browser) -> None:
    link = anna.good("POST", "/people", {"person": "bert", "role": "viewer"})["link"]

    assert enter(shared, link, "bert", "short").status == 400
    assert enter(shared, link, "bert").status == 200


@pytest.mark.parametrize(
    ("change", "is_left"),
    [
        pytest.param({"role": "operator"}, False, id="role"),
        pytest.param({"groups": ["hall-3"]}, False, id="groups"),
        pytest.param({"is_disabled": True}, False, id="disabled"),
        pytest.param({"shown_name": "V."}, True, id="name"),
        pytest.param({"role": "viewer"}, True, id="nothing"),
    ],
)
def test_sessions_end_at_once_with_what_somebody_may_do(
    shared: Console, anna: Browser, change: dict[str, Any], is_left: bool
) -> None:
    name = f"vera-{next(iter(change))}{is_left}".lower().replace("_", "-")
    page = browser.inside(shared, name, Role.VIEWER)

    anna.good("PATCH", f"/people/{name}", change)

    assert page.ask("GET", "/session").status == (200 if is_left else 401)


def test_who_is_disabled_stays_out_until_he_is_not(shared: Console, anna: Browser) -> None:
    browser.add(shared, "dora", Role.VIEWER)
    anna.good("PATCH", "/people/dora", {"is_disabled": True})

    refused = Browser(shared).log_in("dora")
    anna.good("PATCH", "/people/dora", {"is_disabled": False})

    assert (refused.status, refused.body["error"]) == (401, "name or password is wrong")
    assert Browser(shared).log_in("dora").status == 200


def test_who_is_removed_is_out_at_once(shared: Console, anna: Browser) -> None:
    page = browser.inside(shared, "rolf", Role.OPERATOR)

    anna.good("DELETE", "/people/rolf")

    assert page.ask("GET", "/devices").status == 401
    assert Browser(shared).log_in("rolf").status == 401
    assert anna.ask("GET", "/people/rolf").status == 404


def test_sessions_are_listed_and_ended(shared: Console, anna: Browser) -> None:
    page = browser.inside(shared, "sara", Role.VIEWER)
    listed = anna.good("GET", "/people/sara/sessions")["sessions"]

    anna.good("DELETE", "/people/sara/sessions")

    assert [(one["way"], one["address"]) for one in listed] == [("password", "127.0.0.1")]
    assert page.ask("GET", "/session").status == 401
    assert anna.good("GET", "/people/sara/sessions")["sessions"] == []


@pytest.mark.parametrize(
    ("method", "change", "left"),
    [
        pytest.param("DELETE", None, [], id="removed"),
        pytest.param("PATCH", {"is_disabled": True}, [], id="disabled"),
        pytest.param("PATCH", {"role": "viewer", "groups": ["hall-3"]}, [], id="limited"),
        pytest.param("PATCH", {"role": "viewer"}, ["see"], id="less"),
        pytest.param("PATCH", {"shown_name": "T."}, ["all", "from", "see"], id="the same"),
    ],
)
def test_what_somebody_made_ends_with_what_he_may_do(
    shared: Console, anna: Browser, method: str, change: object, left: list[str]
) -> None:
    page = browser.inside(shared, "tina")
    see = ["devices:read"]
    texts = {
        "all": page.good("POST", "/tokens", {"name": "all", "scopes": ["tokens:write", *see]}),
        "see": page.good("POST", "/tokens", {"name": "see", "scopes": see}),
    }
    maker = texts["all"]["text"]
    texts["from"] = shared.good("POST", "/tokens", {"name": "from", "scopes": see}, token=maker)

    assert anna.ask(method, "/people/tina", change).status < 300

    found = [
        name
        for name, one in texts.items()
        if shared.ask("GET", "/api/v1/devices", token=one["text"]).status == 200
    ]
    assert sorted(found) == left
    made = {one["token"]: one["made_by"] for one in shared.good("GET", "/tokens")["tokens"]}
    assert made[texts["see"]["token"]] == "person:tina"
    assert made[texts["from"]["token"]] == f"token:{texts['all']['token']}"
    if method == "PATCH":
        shared.good("DELETE", "/people/tina")


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"is_disabled": True}])
def test_nobody_changes_his_own_rights(
    anna: Browser, shared: Console, change: dict[str, Any]
) -> None:
    browser.add(shared, f"other-admin-{len(change)}-{next(iter(change))[:4]}")

    assert anna.ask("PATCH", "/people/anna", change).status == 409
    assert anna.ask("DELETE", "/people/anna").status == 409
    assert anna.ask("POST", "/people/anna/invitation").status == 409
    assert anna.good("PATCH", "/people/anna", {"shown_name": "A."})["shown_name"] == "A."


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/people", {"person": "eve", "role": "admin"}),
        ("POST", "/people", {"person": "eve", "role": "operator"}),
        ("PATCH", "/people/anna", {"role": "viewer"}),
        ("PATCH", "/people/anna", {"shown_name": "x"}),
        ("PATCH", "/people/carla", {"role": "admin"}),
        ("DELETE", "/people/anna", None),
        ("POST", "/people/anna/invitation", None),
        ("DELETE", "/people/anna/sessions", None),
    ],
)
def test_nobody_gives_more_than_he_has_or_touches_who_has_more(
    shared: Console, anna: Browser, method: str, path: str, body: object
) -> None:
    before = anna.good("GET", "/people")
    weak = token(shared, "people:write", "devices:read", "releases:read", "metrics:read")

    answer = shared.ask(method, f"/api/v1{path}", body, token=weak)

    assert (answer.status, "you may not do" in answer.body["error"]) == (409, True)
    assert anna.good("GET", "/people") == before


def test_an_operator_does_nothing_to_people(shared: Console) -> None:
    page = browser.inside(shared, "oskar", Role.OPERATOR)

    for method, path, body in (
        ("GET", "/people", None),
        ("PATCH", "/people/oskar", {"role": "admin"}),
        ("POST", "/people", {"person": "eve", "role": "viewer"}),
        ("POST", "/people/oskar/invitation", None),
        ("POST", "/tokens", {"name": "t", "scopes": ["devices:read"]}),
    ):
        assert page.ask(method, path, body).status == 403


@pytest.mark.parametrize(
    ("method", "body"),
    [("DELETE", None), ("PATCH", {"role": "viewer"}), ("PATCH", {"is_disabled": True})],
)
def test_the_last_admin_who_can_log_in_stays(site: Console, method: str, body: object) -> None:
    browser.add(site, "anna")
    site.good("POST", "/people", {"person": "invited", "role": "admin"})
    browser.add(site, "shut")
    site.good("PATCH", "/people/shut", {"is_disabled": True})

    answer = site.ask(method, "/api/v1/people/anna", body)

    assert (answer.status, "last admin" in answer.body["error"]) == (409, True)
    browser.add(site, "berta")
    assert site.ask(method, "/api/v1/people/anna", body).status in (200, 204)


def test_people_of_another_tenant_see_and_change_nothing_here(
    shared: Console, anna: Browser, stranger: Pki, tmp_path: Path
) -> None:
    create.init(tmp_path / "keys", now=datetime.now(UTC), products=("gateway",))
    their_token = shared.other_tenant("them", stranger, tmp_path / "keys")
    told = shared.good("POST", "/people", {"person": "tom", "role": "admin"}, token=their_token)
    page = Browser(shared)
    secret = told["link"].partition("#")[2]
    page.good("POST", "/session/welcome", {"secret": secret, "password": PASSWORD})
    before = anna.good("GET", "/people")

    assert [one["person"] for one in page.good("GET", "/people")["people"]] == ["tom"]
    assert page.good("GET", "/devices?total=true")["total"] == 0
    for method, path, body in (
        ("GET", "/people/anna", None),
        ("PATCH", "/people/anna", {"is_disabled": True}),
        ("POST", "/people/anna/invitation", None),
        ("DELETE", "/people/anna/sessions", None),
        ("DELETE", "/people/anna", None),
        ("POST", "/devices/unit-1/revoke", None),
        ("GET", "/groups/hall-3", None),
    ):
        assert page.ask(method, path, body).status == 404
    assert anna.good("GET", "/people") == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"person": "Anna", "role": "viewer"}, 400, id="capital"),
        pytest.param({"person": "a b", "role": "viewer"}, 400, id="blank"),
        pytest.param({"person": "../x", "role": "viewer"}, 400, id="path"),
        pytest.param({"person": "", "role": "viewer"}, 400, id="empty"),
        pytest.param({"person": "a" * 65, "role": "viewer"}, 400, id="long"),
        pytest.param({"person": "a@b@c", "role": "viewer"}, 400, id="two at signs"),
        pytest.param({"person": "carla", "role": "viewer"}, 409, id="taken"),
        pytest.param({"person": "x", "role": "root"}, 400, id="role"),
        pytest.param({"person": "x", "role": "viewer", "groups": ["none"]}, 404, id="group"),
        pytest.param({"person": "x", "role": "viewer", "groups": ["fltr"]}, 409, id="filter"),
        pytest.param({"person": "x", "role": "admin", "groups": ["hall-3"]}, 400, id="admin"),
        pytest.param({"person": "x", "role": "viewer", "shown_name": "\n"}, 400, id="line"),
        pytest.param({"person": "x", "role": "viewer", "is_admin": True}, 400, id="unknown"),
    ],
)
def test_what_nobody_can_be_is_refused(anna: Browser, body: dict[str, Any], status: int) -> None:
    anna.good("PUT", "/groups/fltr", {"filter": "tag:x"})

    assert anna.ask("POST", "/people", body).status == status
    assert anna.ask("GET", "/people/x").status == 404


def test_an_address_may_be_a_name(anna: Browser) -> None:
    name = "jo.doe@mail.example.com"
    anna.good("POST", "/people", {"person": name, "role": "viewer"})

    assert anna.good("GET", "/people/jo.doe%40mail.example.com")["person"] == name


def test_the_log_tells_what_was_done_to_people_and_no_secret(
    shared: Console, anna: Browser
) -> None:
    link = anna.good("POST", "/people", {"person": "logged", "role": "viewer"})["link"]
    enter(shared, link, "logged")
    anna.good("PATCH", "/people/logged", {"role": "operator"})
    anna.good("DELETE", "/people/logged")

    found = shared.good("GET", "/audit?subject=person:logged")["entries"]

    assert [(one["actor"], one["act"]) for one in found] == [
        ("person:anna", "person.add"),
        ("person:anna", "person.invite"),
        ("person:logged", "person.password"),
        ("person:logged", "session.begin"),
        ("person:anna", "person.change"),
        ("person:anna", "person.remove"),
    ]
    assert found[4]["details"]["role"] == "operator"
    assert link.partition("#")[2] not in str(found)
    assert "argon2" not in str(found)
