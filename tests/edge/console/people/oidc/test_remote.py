"""A provider over the network: what is not as it should be is refused, and nothing is followed."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from edge.console.people.oidc.provider import OidcError, Provider, check, is_safe
from edge.console.people.oidc.remote import Remote
from edge.console.people.roles import Role
from edge.errors import InputError
from tests.fakes import oidc
from tests.fakes.oidc import Key, Scripted

DISCOVERY = "/.well-known/openid-configuration"
# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


class Clock:
    now_s = 100_000

    def __call__(self) -> int:
        return self.now_s


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with oidc.scripted() as one:
        yield one


@pytest.fixture
def theirs(server: Scripted) -> Scripted:
    """The provider, which has not been told anything yet."""
    server.answers.clear()
    server.asked.clear()
    server.credentials.clear()
    server.key, server.challenge = Key(), CHALLENGE
    return server


def remote(theirs: Scripted, clock: Clock | None = None, *, secret: str = "s3cret") -> Remote:
    provider = Provider(theirs.url, "edge", secret, "id", "https://fleet.example.com")
    return Remote(provider, clock or Clock())


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


async def all_of(one: Remote) -> tuple[str, list[dict[str, Any]]]:
    return await one.token("c-1", VERIFIER), await one.keys("k-1")


def test_the_secret_goes_to_the_token_endpoint_alone(theirs: Scripted) -> None:
    token, keys = run(all_of(remote(theirs, secret="s3:c r%t")))

    assert (token.count("."), keys) == (2, [theirs.key.jwk])
    sent = dict(zip(theirs.asked, theirs.credentials, strict=True))
    # Encoded as in a form before it is put together (RFC 6749 §2.3.1).
    kind, _blank, said = sent.pop("/token_endpoint").partition(" ")
    assert (kind, base64.b64decode(said)) == ("Basic", b"edge:s3%3Ac+r%25t")
    assert set(sent.values()) == {""}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        pytest.param(DISCOVERY, (200, b'{"issuer": "https://evil.example.com"}'), id="issuer"),
        pytest.param(DISCOVERY, (302, b"https://evil.example.com/"), id="elsewhere"),
        pytest.param(DISCOVERY, (200, b"<html>"), id="page"),
        pytest.param(DISCOVERY, (200, b"[]"), id="list"),
        pytest.param(DISCOVERY, (200, b"{}"), id="nothing"),
        pytest.param(DISCOVERY, (500, b"{}"), id="broken"),
        pytest.param(DISCOVERY, (200, b" " * (2 << 20)), id="endless"),
        pytest.param("/jwks_uri", (200, b"{}"), id="no keys"),
        pytest.param("/token_endpoint", (200, b"{}"), id="no token"),
        pytest.param("/token_endpoint", (200, b'{"id_token": 7}'), id="bad token"),
        pytest.param("/token_endpoint", (400, b'{"error": "invalid_grant"}'), id="used code"),
        pytest.param("/token_endpoint", (307, b"https://evil.example.com/"), id="token elsewhere"),
    ],
)
def test_an_answer_that_is_not_as_it_should_be_is_refused(
    theirs: Scripted, path: str, answer: tuple[int, bytes]
) -> None:
    theirs.answers[path] = answer

    with pytest.raises(OidcError):
        run(all_of(remote(theirs)))


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("url", ["http://id.example.com/x", "file:///etc/passwd", "", None, 7])
def test_an_endpoint_that_others_can_change_is_not_asked(
    theirs: Scripted, name: str, url: object
) -> None:
    said = json.loads(theirs.answer(DISCOVERY, b"")[1])
    theirs.answers[DISCOVERY] = (200, json.dumps({**said, name: url}).encode())

    with pytest.raises(OidcError, match="not https"):
        run(remote(theirs).places())


def test_a_code_without_its_verifier_is_worth_nothing(theirs: Scripted) -> None:
    with pytest.raises(OidcError, match="status 400"):
        run(remote(theirs).token("c-1", "x" * 43))


def test_a_provider_that_is_gone_is_not_asked_again_at_once(theirs: Scripted) -> None:
    clock = Clock()
    one = remote(theirs, clock)
    theirs.answers[DISCOVERY] = (503, b"{}")

    async def ask() -> int:
        for _time in range(5):
            with pytest.raises(OidcError):
                await one.places()
        asked = len(theirs.asked)
        clock.now_s += 10
        theirs.answers.clear()
        await one.places()
        return asked

    assert run(ask()) == 1


def test_keys_are_asked_for_again_for_a_new_one_once_a_minute(theirs: Scripted) -> None:
    clock = Clock()
    one = remote(theirs, clock)

    async def ask() -> list[int]:
        found = []
        for key_id, later_s in (("k-1", 0), ("k-2", 0), ("k-2", 61), ("k-2", 0), ("k-1", 3601)):
            clock.now_s += later_s
            await one.keys(key_id)
            found.append(theirs.asked.count("/jwks_uri"))
        return found

    assert run(ask()) == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://id.example.com/realms/x", True),
        ("http://127.0.0.1:9000", True),
        ("http://localhost:9000/x", True),
        ("http://id.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("https://user@id.example.com", False),
        ("https://id.example.com/#x", False),
        ("https://[", False),
        ("https://", False),
        ("ftp://127.0.0.1", False),
    ],
)
def test_only_what_nobody_can_change_on_the_way_is_asked(url: str, safe: bool) -> None:
    assert is_safe(url) is safe


@pytest.mark.parametrize(
    "words",
    [
        {"issuer": "http://id.example.com"},
        {"url": "http://fleet.example.com"},
        {"url": "https://fleet.example.com/x"},
        {"url": ""},
        {"client_id": ""},
        {"role_claim": "groups"},
        {"roles": {"x": Role.ADMIN}},
        {"admits_unknown": True},
    ],
)
def test_settings_that_are_not_safe_are_refused(words: dict[str, Any]) -> None:
    good = {"issuer": "https://id.example.com", "client_id": "edge", "client_secret": ""}
    good |= {"name": "id", "url": "https://fleet.example.com:8444"}
    check(Provider(**good))  # type: ignore[arg-type]

    with pytest.raises(InputError):
        check(Provider(**{**good, **words}))
