"""Attempts to log in at a provider: of one browser, for a while, once, and to this server."""

from itertools import count

import pytest

from edge.console.people.oidc.attempts import HOLDS_S, Attempts, local
from edge.console.people.oidc.provider import OidcError


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000

    def __call__(self) -> int:
        return self.now_s


def made(clock: Clock | None = None) -> Attempts:
    numbers = count(1)
    return Attempts(clock or Clock(), lambda size: f"{next(numbers):0{2 * size}x}")


def test_what_was_begun_is_ended_once() -> None:
    attempts = made()
    attempt, cookie = attempts.begin("/devices?x=1")

    found = attempts.end(cookie, attempt.state)

    assert (found, found.path) == (attempt, "/devices?x=1")
    with pytest.raises(OidcError, match="used"):
        attempts.end(cookie, attempt.state)


def test_nothing_that_is_sent_tells_what_is_kept() -> None:
    attempt, _cookie = made().begin("/")

    told = {attempt.state, attempt.nonce, attempt.verifier, attempt.challenge}
    assert len(told) == 4
    assert not any(attempt.secret in one for one in told)
    assert 43 <= len(attempt.verifier) <= 128


def test_another_browser_can_not_end_it() -> None:
    attempts = made()
    mine, cookie = attempts.begin("/")
    theirs, their_cookie = attempts.begin("/")

    for said, state in ((cookie, theirs.state), (their_cookie, mine.state), ("", mine.state)):
        with pytest.raises(OidcError):
            attempts.end(said, state)
    assert attempts.end(cookie, mine.state) == mine


def test_each_changed_letter_of_the_cookie_is_refused() -> None:
    attempts = made()
    attempt, cookie = attempts.begin("/devices")

    for place, letter in enumerate(cookie):
        changed = cookie[:place] + ("0" if letter != "0" else "1") + cookie[place + 1 :]
        with pytest.raises(OidcError):
            attempts.end(changed, attempt.state)
    for said in ("\udcff", "a.b.c.d", "....", cookie + "."):
        with pytest.raises(OidcError):
            attempts.end(said, attempt.state)
    with pytest.raises(OidcError):
        attempts.end(cookie, "\udcff")


def test_it_ends_by_itself_and_with_the_process() -> None:
    clock = Clock()
    attempts = made(clock)
    attempt, cookie = attempts.begin("/")

    with pytest.raises(OidcError):
        Attempts(clock, lambda size: "f" * 2 * size).end(cookie, attempt.state)
    clock.now_s += HOLDS_S + 1
    with pytest.raises(OidcError, match="too long"):
        attempts.end(cookie, attempt.state)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example.com/",
        "//evil.example.com",
        "/\\evil.example.com",
        "\\/evil.example.com",
        "/\t/evil.example.com",
        "/\n/evil.example.com",
        "javascript:alert(1)",
        "devices",
        "",
        "/\u2215evil.example.com",
        "/" + "x" * 500,
    ],
)
def test_the_way_on_leads_to_this_server(path: str) -> None:
    assert local(path) == "/"


@pytest.mark.parametrize("path", ["/", "/devices", "/devices/unit-1?x=%2F#top"])
def test_a_path_of_this_server_is_kept(path: str) -> None:
    assert local(path) == path
