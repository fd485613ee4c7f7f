"""`edge people` against a console."""

import json
from pathlib import Path

import pytest

from edge.cli.main import main
from edge.cli.people_rights import ROLES
from edge.console.people.roles import Role
from tests.edge.console.test_console_commands import Run
from tests.edge.console.test_console_commands import edge as edge
from tests.fakes import browser
from tests.fakes.browser import PASSWORD, Browser
from tests.fakes.console import Console


def test_the_commands_know_the_roles() -> None:
    assert [str(role) for role in Role] == list(ROLES)


def test_somebody_is_invited_limited_disabled_and_removed(site: Console, edge: Run) -> None:
    edge("groups", "set", "hall-3")
    status, link, err = edge(
        "people", "invite", "jo", "--role", "operator", "--group", "hall-3", "--shown-name", "Jo"
    )
    assert status == 0, err
    address, _hash, secret = link.strip().partition("#")
    page = Browser(site)
    page.good("POST", "/session/welcome", {"secret": secret, "password": PASSWORD})

    listed = edge("people", "list")[1]
    shown = edge("people", "show", "jo")[1]
    where = edge("people", "sessions", "jo")[1]
    role = edge("people", "set-role", "jo", "viewer", "--all-devices")[1]
    nowhere = edge("people", "sessions", "jo")[1]
    edge("people", "disable", "jo")
    refused = page.log_in("jo").status
    edge("people", "enable", "jo")
    entered = page.log_in("jo").status
    edge("people", "sessions", "jo", "--end")
    removed = edge("people", "remove", "jo", "--yes")

    assert address == f"{site.api_url}/welcome"
    assert "jo      Jo    operator  hall-3" in listed
    assert "groups  hall-3" in shown
    assert "link  127.0.0.1" in where
    assert role == "jo: viewer, all devices\n"
    assert nowhere == "jo is logged in nowhere\n"
    assert (refused, entered, page.ask("GET", "/session").status) == (401, 200, 401)
    assert removed == (0, "jo: removed\n", "")
    assert json.loads(edge("people", "list", "--json")[1]) == {"people": []}


def test_who_forgot_his_password_gets_a_link_and_who_is_unknown_a_hint(
    site: Console, edge: Run
) -> None:
    browser.add(site, "anna")

    known, unknown = edge("people", "invite", "anna"), edge("people", "invite", "anne")

    assert (known[0], "/welcome#" in known[1]) == (0, True)
    assert (unknown[0], "add --role" in unknown[2]) == (3, True)


def test_the_first_admin_may_become_less_only_beside_another(site: Console, edge: Run) -> None:
    browser.add(site, "anna")

    status, _said, err = edge("people", "set-role", "anna", "viewer")

    assert (status, "the last admin" in err) == (5, True)


def test_who_will_log_in_elsewhere_gets_no_link(site: Console, edge: Run) -> None:
    del site
    told = edge("people", "invite", "jo", "--role", "viewer", "--oidc")
    refused = edge("people", "invite", "jo")
    changed = edge("people", "set-way", "jo", "password")

    assert told == (0, "jo: may log in by OpenID Connect\n", "")
    assert (refused[0], "edge people set-way jo password" in refused[2]) == (5, True)
    assert changed == (0, "jo: logs in by password\n", "")
    assert "/welcome#" in edge("people", "invite", "jo")[1]


OIDC = ("--oidc-issuer", "https://id.example.com", "--oidc-client-id", "edge")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(OIDC, "url ''", id="no url"),
        pytest.param(
            (*OIDC, "--oidc-url", "http://example.com"), "not that of a console", id="no TLS"
        ),
        pytest.param((*OIDC, "--oidc-role", "x=king"), "not VALUE=ROLE", id="role"),
        pytest.param((*OIDC, "--oidc-role", "=admin"), "not VALUE=ROLE", id="no value"),
        pytest.param(("--oidc-issuer", "http://id.example.com"), "not https", id="issuer"),
    ],
)
def test_a_provider_that_can_not_be_asked_safely_is_refused_at_the_start(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    status = main(["console", "serve", "--dir", str(tmp_path / "c"), *words])

    assert (status, said in capfd.readouterr().err) == (2, True)
    assert not (tmp_path / "c").exists()


def test_the_secret_of_a_provider_that_others_may_read_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    file.chmod(0o644)

    status = main(["console", "serve", *OIDC, "--oidc-client-secret-file", str(file)])

    assert (status, "others may read it" in capfd.readouterr().err) == (5, True)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["invite", "anna", "--group", "x"], 2),
        (["invite", "anna", "--role", "king"], 2),
        (["invite", "A B", "--role", "viewer"], 2),
        (["set-role", "anna", "viewer", "--group", "x", "--all-devices"], 2),
        (["set-role", "nobody", "viewer"], 3),
        (["remove", "nobody"], 5),
        (["remove", "nobody", "--yes"], 3),
        (["sessions", "nobody"], 3),
    ],
)
def test_wrong_words_have_their_exit_code(edge: Run, words: list[str], status: int) -> None:
    assert edge("people", *words)[0] == status
