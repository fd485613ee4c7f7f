"""A console for all tests of renewal, and a device of each of them."""

import secrets
import ssl
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from edge_agent import enrol, identity, renew
from edge_agent.identity import Identity
from edge_agent.link import RefusedByServerError
from edge_agent.links.http import HttpLink
from tests.edge.console.enrolment.test_enrolment import (
    key_of,
    server_of,
)
from tests.fakes import console
from tests.fakes.console import PACE, Console
from tests.fakes.pki import Pki

YEAR_S = 365 * 86_400


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, pki: Pki, keys: Path) -> Iterator[Console]:
    """A console for all tests here: each has a device of its own."""
    with console.running(tmp_path_factory.mktemp("renewal") / "console", pki, keys) as one:
        yield one


@pytest.fixture
def data(site: Console, tmp_path: Path) -> Path:
    """The folder of an agent whose device has enrolled."""
    folder, name = tmp_path / "data", f"gw-{secrets.token_hex(4)}"
    server = server_of(site, key_of(site, is_trusted=True), tmp_path / "config", name)
    enrol.enrol(server, folder, pace=PACE)
    return folder


def name_of(data: Path) -> str:
    return identity.own(data).device


def again(site: Console, data: Path) -> None:
    renew.renew(site.url, data, identity.own(data), pace=PACE)


def acts(site: Console, data: Path) -> list[str]:
    entries = site.good("GET", f"/audit?subject=device:{name_of(data)}")["entries"]
    return [one["act"] for one in entries]


def is_let_in(site: Console, ours: Identity) -> bool:
    link = HttpLink(site.url, ours, pace=PACE)
    try:
        return link.desired() is None
    except RefusedByServerError:
        return False
    finally:
        link.close()


def copy_of(data: Path, folder: Path) -> Identity:
    folder.mkdir()
    for one in (data / "identity").iterdir():
        (folder / one.name).write_bytes(one.read_bytes())
    return Identity.read(folder)


def sent(
    site: Console, shown: Identity | None, body: bytes, path: str = "simplereenroll"
) -> tuple[int, bytes, dict[str, str]]:
    """Return what the server answers to a request that an agent would not make."""
    context = ssl.create_default_context(cafile=str(site.site.authority))
    if shown is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    connection = HTTPSConnection("127.0.0.1", site.running.port, context=context, timeout=10)
    try:
        connection.request("POST", f"/.well-known/est/{path}", body)
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()
