"""Who we are is shown to those it is for, and to nobody else."""

import ssl
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from edge.errors import (
    LinkError,
    RefusedError,
    ServerError,
)
from edge.oci.limits import STANDARD
from edge.oci.registry.credentials import Credentials, Login
from edge.oci.registry.endpoint import Registries, registries
from edge.oci.registry.link import Ask, Link, Patience
from edge.oci.registry.registry import session
from edge.system.reference import registry_reference
from tests.edge.oci.registry.conftest import Client
from tests.fakes.bad_network import ScriptedServer, endless
from tests.fakes.pki import Pki
from tests.fakes.registry import BASIC, TOKEN, FakeRegistry, fake_registry

LOGIN = Login("tester", "open-sesame")


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_a_login_is_shown_to_who_asks_for_it(
    client: Client, registry: FakeRegistry, auth: str
) -> None:
    registry.auth = auth
    client.known = Credentials({registry.host: LOGIN})

    assert client.pull() == ["bin", "bin/x"]
    shown = [one.authorization for one in registry.asked]
    assert shown[0] is None
    assert shown[-1] == (BASIC if auth == "basic" else f"Bearer {TOKEN}")


def test_anybody_gets_a_token_without_a_login(client: Client, registry: FakeRegistry) -> None:
    registry.auth = "token"

    assert client.pull() == ["bin", "bin/x"]
    assert registry.paths("/token")[0].startswith("/token?service=fake&scope=repository%3Ax%3A")


def test_a_token_that_stands_for_a_login_is_sent_in_the_body(
    client: Client, registry: FakeRegistry
) -> None:
    registry.auth = "token"
    client.known = Credentials({registry.host: Login(refresh_token="stays-secret")})

    assert client.pull() == ["bin", "bin/x"]
    assert "stays-secret" not in str(registry.asked)


def test_what_is_sent_is_sent_whole_again_with_the_token(registry: FakeRegistry) -> None:
    registry.auth = "token"
    endpoint = Registries().own(registry_reference(f"{registry.host}/x"))
    talk = session(endpoint, Credentials(), Link(), STANDARD)
    ask = Ask(
        "PUT", endpoint.url("blobs/uploads/1"), {"Content-Length": "4"}, body=BytesIO(b"body")
    )

    with talk.exchange(ask) as response:
        assert response.status == 201

    assert registry.bodies == [b"body", b"body"]


def test_without_a_login_the_hint_says_how_to_log_in(
    client: Client, registry: FakeRegistry
) -> None:
    registry.auth = "basic"
    client.known = Credentials(store="not-there")

    with pytest.raises(ServerError, match=r"not allowed \(401\)") as caught:
        client.pull()

    assert f"docker login {registry.host}; docker-credential-not-there was asked" in (
        caught.value.hint or ""
    )


def test_a_redirect_to_another_host_carries_no_token(
    client: Client, registry: FakeRegistry
) -> None:
    registry.auth = "token"
    with fake_registry(registry.parts) as other:
        registry.redirect = f"http://{other.host}"

        assert client.pull() == ["bin", "bin/x"]

    assert len(other.asked) == 2
    assert {one.authorization for one in other.asked} == {None}


def test_who_is_redirected_to_is_not_shown_a_login_when_it_asks(
    client: Client, registry: FakeRegistry
) -> None:
    registry.auth = "basic"
    client.known = Credentials({registry.host: LOGIN})
    with fake_registry(registry.parts) as other:
        other.auth = "basic"
        registry.redirect = f"http://{other.host}"

        with pytest.raises(ServerError, match="401"):
            client.pull()

    assert {one.authorization for one in other.asked} == {None}


@pytest.mark.parametrize(
    "realm",
    [
        "http://[",
        "https://example.com b/",
        "file:///etc/passwd",
        "http://",
        "ftp://x.example.com/t",
    ],
)
def test_a_token_comes_from_no_strange_place(
    client: Client, registry: FakeRegistry, realm: str
) -> None:
    registry.auth, registry.realm = "token", realm

    with pytest.raises((RefusedError, ServerError, LinkError)):
        client.pull()


def test_a_redirect_in_a_circle_ends(client: Client, registry: FakeRegistry) -> None:
    registry.redirect = f"http://{registry.host}"

    with pytest.raises(ServerError, match="redirects without end"):
        client.pull()


def test_a_redirect_to_plain_http_elsewhere_is_not_followed(
    client: Client, registry: FakeRegistry
) -> None:
    registry.redirect = "http://cdn.example.com"

    with pytest.raises(ServerError, match=r"redirects to .* which is plain HTTP"):
        client.pull()


def test_signatures_of_addresses_are_in_no_message(client: Client, registry: FakeRegistry) -> None:
    registry.redirect = "http://cdn.example.com"

    with pytest.raises(ServerError) as caught:
        client.pull()

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "location", ["http://[", "https://[::1", "//", "file:///etc/passwd", "\xff://"]
)
def test_a_redirect_to_what_is_no_address_is_an_error(
    client: Client, registry: FakeRegistry, location: str
) -> None:
    registry.location = location

    with pytest.raises((ServerError, LinkError)):
        client.pull()


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki.make(tmp_path / "pki")


@pytest.fixture
def secure(pki: Pki, registry: FakeRegistry) -> Iterator[FakeRegistry]:
    """The registry again, over TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pki.folder / "server.crt", pki.folder / "server.key")
    with fake_registry(registry.parts, tls=tls) as served:
        served.tags = registry.tags
        yield served


def over_tls(client: Client, secure: FakeRegistry) -> None:
    client.where = registries([f"example.com=https://{secure.host}"])


def test_a_registry_with_a_certificate_of_a_known_authority_is_spoken_to(
    client: Client, secure: FakeRegistry, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.servers.file))
    over_tls(client, secure)

    assert client.pull("example.com/x:1") == ["bin", "bin/x"]


def test_a_redirect_from_tls_to_plain_http_is_not_followed(
    client: Client,
    secure: FakeRegistry,
    registry: FakeRegistry,
    pki: Pki,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.servers.file))
    secure.redirect, digest = f"http://{registry.host}", registry.tags["1"]["digest"]
    link = Link(Patience(timeout_s=5, tries=1))

    with pytest.raises(ServerError, match="which is not https"):
        link.send(Ask("GET", f"https://{secure.host}/v2/x/blobs/{digest}"))

    assert registry.asked == []


def test_an_unknown_certificate_is_not_trusted(client: Client, secure: FakeRegistry) -> None:
    link = Link(Patience(timeout_s=5, tries=1))

    with pytest.raises(ServerError, match="certificate does not hold") as caught:
        link.send(Ask("GET", f"https://{secure.host}/v2/"))

    assert "SSL_CERT_FILE" in (caught.value.hint or "")
    assert secure.asked == []


def test_a_head_that_trickles_in_is_a_lost_link(client: Client) -> None:
    server = ScriptedServer(lambda _head: endless(b"HTTP/1.1 200 OK\r\n", b"A", every_s=0.02))
    link = Link(Patience(timeout_s=0.3, tries=1))
    try:
        with pytest.raises(TimeoutError):
            link.send(Ask("GET", server.url))
    finally:
        server.close()
