"""A signed repository and a bundle, as the agent gets at them over each link."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.link import LinkError, RepositoryFiles
from edge_agent.links.fetchers import LinkBlobs, LinkFetcher
from edge_agent.links.file import BundleSource, FileLinkError, payloads
from edge_agent.links.http import HttpLink
from edge_agent.links.mqtt import MqttLink
from edge_agent.payload import acquire
from edge_signing.errors import FetchError, FormatError, TrustError
from edge_signing.release import Content
from edge_signing.trust.client import RepositoryClient
from tests.agent.links.conftest import PACE, eventually
from tests.agent.links.test_http import put_blob
from tests.fakes.bad_network import ScriptedServer, endless
from tests.fakes.fleet import Fleet
from tests.fakes.forge import DATA, Yard
from tests.fakes.http_side import HttpSide, serving
from tests.fakes.mosquitto import Broker
from tests.fakes.mqtt_side import MqttSide
from tests.fakes.pki import Pki
from tests.fakes.small_bundle import Workshop, noise


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path / "yard")


@pytest.fixture(params=["http", pytest.param("mqtt", marks=pytest.mark.tools)])
def files(
    request: pytest.FixtureRequest, yard: Yard, pki: Pki, fleet: Fleet, tmp_path: Path
) -> Iterator[RepositoryFiles]:
    """The repository of the yard, over one link or the other."""
    folder = yard.folder / "repo"
    if request.param == "http":
        with (
            serving(HttpSide(fleet, folder, pki)) as side,
            closing(HttpLink(side.url, pki.identity("dev-1"), pace=PACE)) as http,
        ):
            yield http.repository("")
        return
    with Broker(tmp_path / "broker", pki) as broker:
        server = MqttSide(fleet, folder, pki, broker.port)
        server.start()
        with closing(MqttLink(broker.url, pki.identity("dev-1"), "boot-1", None)) as link:
            assert eventually(lambda: link.is_broker_there)
            yield link.repository("")
        server.stop()


def test_a_release_is_found_and_read(yard: Yard, files: RepositoryFiles) -> None:
    path = yard.release("1.0")

    client = yard.look(LinkFetcher(files))

    assert client.read(path) == DATA
    later = yard.release("1.1", b'{"release":2}')
    assert yard.look(LinkFetcher(files)).read(later) == b'{"release":2}'


def test_a_rotated_root_is_followed(yard: Yard, files: RepositoryFiles) -> None:
    yard.release("1.0")
    yard.change("root", lambda _signed: None, told=False)

    yard.look(LinkFetcher(files))

    assert yard.known()["root.json"] == (yard.metadata / "2.root.json").read_bytes()


def test_a_missing_file_is_told(yard: Yard, files: RepositoryFiles) -> None:
    yard.release("1.0")
    (yard.metadata / "timestamp.json").unlink()

    with pytest.raises(FetchError):
        yard.look(LinkFetcher(files))


def test_a_spoilt_target_is_refused(yard: Yard, files: RepositoryFiles) -> None:
    path = yard.release("1.0")
    for file in (yard.folder / "repo" / "targets").rglob("*.json"):
        file.write_bytes(DATA[:-1] + b" ")

    with pytest.raises(TrustError):
        yard.look(LinkFetcher(files)).read(path)


def test_endless_metadata_is_cut_off(yard: Yard, pki: Pki) -> None:
    yard.release("1.0")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    scripted = ScriptedServer(lambda _head: endless(head, b"x" * 65536))
    link = HttpLink(scripted.url, pki.identity("dev-1"), pace=PACE)

    with closing(scripted), closing(link), pytest.raises(TrustError, match="longer"):
        yard.look(LinkFetcher(link.repository(scripted.url)))


def test_a_lost_link_is_told_as_such(yard: Yard, pki: Pki, tmp_path: Path) -> None:
    link = HttpLink("https://127.0.0.1:9/", pki.identity("dev-1"), pace=PACE)

    with closing(link), pytest.raises(LinkError):
        RepositoryClient(
            tmp_path / "device",
            LinkFetcher(link.repository("")),
            trusted_root=yard.trusted_root,
            now=yard.now,
        ).refresh()


def test_a_blob_ends_where_its_signed_length_does(link: HttpLink, repository: Path) -> None:
    name, data = put_blob(repository, 5000)
    content = Content(3000, bytes.fromhex(name.removeprefix("blobs/")))
    blobs = LinkBlobs(link.repository(""))

    assert blobs.fetch(content, 1000, 500) == data[1000:1500]
    assert blobs.fetch(content, 1000, 9999) == data[1000:3000]
    for offset, length in [(3001, 1), (-1, 1), (0, -1)]:
        with pytest.raises(FormatError):
            blobs.fetch(content, offset, length)


@pytest.fixture
def bundle(tmp_path: Path) -> tuple[Workshop, Path, bytes]:
    workshop = Workshop.open(tmp_path)
    image = workshop.image("boot.img", noise(1, 300_000), bytes(8192))
    return workshop, workshop.bundle(boot=image), image.read_bytes()


def test_a_bundle_brings_its_image(bundle: tuple[Workshop, Path, bytes]) -> None:
    workshop, path, image = bundle

    with BundleSource.open(path) as source:
        verified = source.verified(workshop.anchor())
        release, offered = payloads(verified)
        way = acquire.plan(release.image("boot"), offered, None, source.blobs(verified))
        found = b"".join(piece.data for piece in way.pieces(0))

    assert found == image


def test_a_bundle_brings_nothing_else(bundle: tuple[Workshop, Path, bytes]) -> None:
    workshop, path, _image = bundle

    with BundleSource.open(path) as source:
        blobs = source.blobs(source.verified(workshop.anchor()))
        with pytest.raises(FormatError):
            blobs.fetch(Content(1, bytes(32)), 0, 1)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        pytest.param(lambda path: path.unlink(), FileLinkError, id="not there"),
        pytest.param(lambda path: path.write_bytes(b""), FormatError, id="empty"),
        pytest.param(
            lambda path: path.write_bytes(path.read_bytes()[:-1]), FormatError, id="cut short"
        ),
    ],
)
def test_a_bundle_that_is_none_is_told(
    bundle: tuple[Workshop, Path, bytes], spoil: Callable[[Path], None], error: type[Exception]
) -> None:
    spoil(bundle[1])

    with pytest.raises(error):
        BundleSource.open(bundle[1])
