"""Who may talk to whom: certificates of servers and of devices, over HTTPS and MQTT."""

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.errors import AgentError
from edge_agent.identity import Identity, IdentityError
from edge_agent.link import RefusedByServerError, ServerUntrustedError
from edge_agent.links.http import HttpLink
from tests.agent.links.conftest import PACE
from tests.fakes.fleet import Fleet
from tests.fakes.http_side import HttpSide, serving
from tests.fakes.pki import Authority, Pki


def asked(url: str, identity: Identity, *, is_clock_known: bool = True) -> object:
    link = HttpLink(url, identity, pace=PACE, is_clock_known=lambda: is_clock_known)
    with closing(link):
        return link.desired()


def test_a_server_of_another_authority_is_not_trusted(server: HttpSide, tmp_path: Path) -> None:
    stranger = Pki.make(tmp_path / "other")

    with pytest.raises(ServerUntrustedError):
        asked(server.url, stranger.identity("dev-1"))


def test_a_server_with_another_name_is_not_trusted(
    fleet: Fleet, repository: Path, tmp_path: Path
) -> None:
    pki = Pki.make(tmp_path / "pki", hosts=("updates.example",))

    with serving(HttpSide(fleet, repository, pki)) as side, pytest.raises(ServerUntrustedError):
        asked(side.url, pki.identity("dev-1"))


def test_a_device_certificate_does_not_make_a_server(
    fleet: Fleet, repository: Path, tmp_path: Path
) -> None:
    pki = Pki.make(tmp_path / "pki")
    # Signed by the authority that servers are trusted by, but for a client.
    pki.servers.sign("127.0.0.1", pki.folder, file="server", hosts=("127.0.0.1",))

    with serving(HttpSide(fleet, repository, pki)) as side, pytest.raises(ServerUntrustedError):
        asked(side.url, pki.identity("dev-1"))


@pytest.fixture
def expired(tmp_path: Path) -> Pki:
    """A fleet whose server has a certificate of the past."""
    pki = Pki.make(tmp_path / "pki")
    pki.servers.sign(
        "server",
        pki.folder,
        file="server",
        is_server=True,
        hosts=("127.0.0.1",),
        valid_days=-2,
    )
    return pki


def test_dates_of_certificates_count_once_the_clock_is_known(
    fleet: Fleet, repository: Path, expired: Pki
) -> None:
    with serving(HttpSide(fleet, repository, expired)) as side:
        with pytest.raises(ServerUntrustedError, match="expired"):
            asked(side.url, expired.identity("dev-1"))
        assert asked(side.url, expired.identity("dev-1"), is_clock_known=False) is None


def test_without_a_known_clock_the_authority_counts_still(server: HttpSide, tmp_path: Path) -> None:
    stranger = Pki.make(tmp_path / "other")

    with pytest.raises(ServerUntrustedError):
        asked(server.url, stranger.identity("dev-1"), is_clock_known=False)


def test_a_device_of_another_factory_is_refused(server: HttpSide, pki: Pki, tmp_path: Path) -> None:
    foreign = Authority.make(tmp_path, "foreign-ca")
    identity = pki.identity("dev-foreign", authority=foreign)

    with pytest.raises(AgentError) as caught:
        asked(server.url, identity)
    assert isinstance(caught.value, RefusedByServerError)


def test_a_revoked_device_is_refused(fleet: Fleet, repository: Path, tmp_path: Path) -> None:
    pki = Pki.make(tmp_path / "pki")
    pki.revoke("dev-1")

    with serving(HttpSide(fleet, repository, pki)) as side:
        with pytest.raises(RefusedByServerError):
            asked(side.url, pki.identity("dev-1"))
        assert asked(side.url, pki.identity("dev-2")) is None


@pytest.mark.parametrize("name", ["+", "#", "dev-1/x", "dev 1"])
def test_a_name_that_is_no_device_id_is_refused_on_both_sides(
    server: HttpSide, pki: Pki, name: str
) -> None:
    folder = pki.device(name)

    with pytest.raises(IdentityError):
        Identity.read(folder)
    with pytest.raises(AgentError) as caught:
        asked(server.url, replace(pki.identity(name), device="dev-1"))
    assert isinstance(caught.value, RefusedByServerError)


def test_an_identity_is_read(pki: Pki) -> None:
    folder = pki.device("dev-7", epoch=3)

    identity = Identity.read(folder)

    assert (identity.device, identity.epoch) == ("dev-7", 3)
    assert identity.key == folder / "device.key"


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("device.crt", None),
        ("device.key", None),
        ("server-ca.crt", None),
        ("epoch", None),
        ("epoch", b""),
        ("epoch", b"-1"),
        ("epoch", b"1 "),
        ("epoch", b"01"),
        ("epoch", b"9" * 17),
        ("device.crt", b"no certificate"),
    ],
)
def test_a_broken_identity_is_refused(
    pki: Pki, tmp_path: Path, file: str, data: bytes | None
) -> None:
    for one in pki.device("dev-8").iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes())
    if data is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(data)

    with pytest.raises(IdentityError):
        Identity.read(tmp_path)


def test_a_key_that_does_not_fit_is_refused(server: HttpSide, pki: Pki) -> None:
    mixed = replace(pki.identity("dev-1"), key=pki.identity("dev-2").key)

    begin = time.monotonic()
    with pytest.raises(IdentityError):
        asked(server.url, mixed)
    assert time.monotonic() - begin < 2
