"""The server that a device was given at its first boot, and what is wrong with one."""

import shutil
from pathlib import Path

import pytest

from edge_agent import device
from edge_agent.errors import AgentError
from edge_agent.links.http import HttpLink
from edge_agent.links.mqtt import MqttLink
from edge_agent.server import Server
from edge_agent.settings import Settings
from tests.fakes.pki import Pki

TOKEN = "abcdefgh-ijklmnop"
OF_IMAGE = Settings("https://image.example.com/", "mqtts://image.example.com")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """What init shows of a device that has a token."""
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / "server.json").write_text('{"http":"https://example.com/","device":"gateway-7"}\n')
    (folder / "token").write_text(f"{TOKEN}\n")
    ca = Pki.make(tmp_path / "pki").device("dev-1") / "server-ca.crt"
    shutil.copy(ca, folder / "server-ca.crt")
    return folder


def test_a_device_that_was_given_nothing_has_the_server_of_its_image(tmp_path: Path) -> None:
    assert Server.read(tmp_path) is None
    assert device.server_of(OF_IMAGE, tmp_path) == Server(OF_IMAGE.http, OF_IMAGE.mqtt)


def test_a_server_takes_the_place_of_that_of_the_image_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text('{"http":"http://localhost:8000/edge/"}\n')

    assert device.server_of(OF_IMAGE, tmp_path) == Server("http://localhost:8000/edge/", "")


def test_a_token_makes_the_device_known(given: Path) -> None:
    found = device.server_of(OF_IMAGE, given)

    assert found.token == TOKEN
    assert found.identity is not None
    assert (found.identity.device, found.identity.epoch) == ("gateway-7", 0)
    link = device.link_to(found, None, "boot-1", lambda: True)
    assert isinstance(link, HttpLink)
    assert link._token == TOKEN
    link.close()


def test_a_certificate_goes_before_a_token(given: Path, tmp_path: Path) -> None:
    identity = Pki.make(tmp_path / "pki").identity("dev-1")
    found = device.server_of(OF_IMAGE, given)

    link = device.link_to(found, identity, "boot-1", lambda: True)

    assert isinstance(link, HttpLink)
    assert link._token == ""
    link.close()


def test_a_broker_is_asked_with_a_certificate_only(tmp_path: Path) -> None:
    identity = Pki.make(tmp_path / "pki").identity("dev-1")
    server = Server(mqtt="mqtts://127.0.0.1:9")

    link = device.link_to(server, identity, "boot-1", lambda: True)

    assert isinstance(link, MqttLink)
    link.close()
    assert device.link_to(server, None, "boot-1", lambda: True) is None


WRONG = [
    pytest.param("server.json", "{", id="no JSON"),
    pytest.param("server.json", "[]", id="no object"),
    pytest.param("server.json", '{"poll_s":1}', id="a setting that is the image's"),
    pytest.param("server.json", '{"http":"ftp://a.example/"}', id="another scheme"),
    pytest.param("server.json", '{"http":"https://u:p@a.example/"}', id="a password"),
    pytest.param("server.json", '{"http":"https://a.example:99999/"}', id="no port"),
    pytest.param("server.json", '{"http":"https://a.example/\\n"}', id="a line break"),
    pytest.param("server.json", '{"mqtt":"mqtts://a.example/y"}', id="a path of a broker"),
    pytest.param(
        "server.json", '{"http":"http://a.example/","device":"a"}', id="a token without TLS"
    ),
    pytest.param("server.json", '{"http":"https://a.example/","device":"a/b"}', id="no device"),
    pytest.param("server.json", "{}\xff", id="no UTF-8"),
    pytest.param("token", "short\n", id="a short token"),
    pytest.param("token", f"{TOKEN}\r\nX: y\n", id="a second line"),
    pytest.param("server-ca.crt", "x\n", id="no certificate"),
]


@pytest.mark.parametrize(("name", "text"), WRONG)
def test_what_is_wrong_is_an_error_and_the_image_counts(given: Path, name: str, text: str) -> None:
    (given / name).write_bytes(text.encode("latin-1"))

    with pytest.raises(AgentError) as caught:
        Server.read(given)

    assert TOKEN not in str(caught.value)
    assert device.server_of(OF_IMAGE, given) == Server(OF_IMAGE.http, OF_IMAGE.mqtt)


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "server.json").mkdir()

    with pytest.raises(AgentError):
        Server.read(tmp_path)
