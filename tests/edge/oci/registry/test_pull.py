"""How images come: codings, indexes, lost links, mirrors, without a network."""

import errno
import gzip
from collections.abc import Callable

import pytest
from backports import zstd

from edge.errors import (
    LinkError,
    ThingNotFoundError,
)
from edge.oci.document import Descriptor
from edge.oci.origin import bring, resolve
from edge.oci.registry.credentials import Credentials, Login
from edge.oci.registry.endpoint import Registries, registries
from edge.oci.registry.link import Link, Patience
from edge.oci.registry.registry import RegistryOrigin
from edge.oci.stored import stored_image
from edge.system.reference import registry_reference
from tests.edge.oci.registry.conftest import Client, incoming
from tests.fakes.image_parts import (
    AMD64,
    ARM64,
    TAR,
    digest_of,
    packed,
)
from tests.fakes.registry import FakeRegistry, fake_registry

LAYER = packed({"bin/x": b"x" * 3000})
DOCKER = "application/vnd.docker"
LOGIN = Login("tester", "open-sesame")
KINDS = (f"{DOCKER}.distribution.manifest.v2+json", f"{DOCKER}.container.image.v1+json")


@pytest.mark.parametrize(
    ("kind", "pack"),
    [
        pytest.param(TAR, bytes, id="plain"),
        pytest.param(f"{TAR}+gzip", gzip.compress, id="gzip"),
        pytest.param(f"{TAR}+zstd", zstd.compress, id="zstd"),
        pytest.param(f"{DOCKER}.image.rootfs.diff.tar.gzip", gzip.compress, id="docker"),
    ],
)
def test_layers_come_in_every_coding(
    client: Client, registry: FakeRegistry, kind: str, pack: Callable[[bytes], bytes]
) -> None:
    made = registry.parts.image([(kind, pack(LAYER))], diff_ids=[digest_of(LAYER)])
    registry.name("1", made)

    assert client.pull() == ["bin", "bin/x"]
    assert incoming(client.store) == []


def test_an_index_leads_to_the_image_for_the_device(client: Client, registry: FakeRegistry) -> None:
    parts = registry.parts
    other = parts.image([(TAR, packed({"other": b""}))], platform=AMD64)
    mine = parts.image([(TAR, LAYER)], kinds=KINDS)
    old = parts.image([(TAR, packed({"old": b""}))])
    index = parts.index(
        {**other, "platform": AMD64},
        {**old, "platform": {**ARM64, "variant": "v9"}},
        {**mine, "platform": {**ARM64, "variant": "v8"}},
        kind=f"{DOCKER}.distribution.manifest.list.v2+json",
    )
    registry.name("1", index)

    pin = resolve(client.origin("x:1"), client.store)

    assert (pin.index, pin.manifest) == (index["digest"], mine["digest"])
    assert client.pull() == ["bin", "bin/x"]


def test_a_digest_is_asked_for_and_not_the_tag(client: Client, registry: FakeRegistry) -> None:
    pinned = registry.tags["1"]["digest"]
    registry.name("1", registry.parts.image([(TAR, packed({"new": b""}))]))

    assert client.pull(f"x:1@{pinned}") == ["bin", "bin/x"]
    assert registry.paths("manifests/1") == []


def test_a_lost_link_is_taken_up_where_it_was(client: Client, registry: FakeRegistry) -> None:
    registry.cut_bytes = 4000

    assert client.pull() == ["bin", "bin/x"]
    blob = [one.range for one in registry.asked if one.path.endswith(digest_of(LAYER))]
    assert blob == [None, "bytes=4000-", "bytes=8000-"]
    assert client.waits == [0.5, 0.5]


def test_a_server_that_knows_no_range_sends_all_again(
    client: Client, registry: FakeRegistry
) -> None:
    registry.cut_bytes, registry.ranges = 4000, False

    with pytest.raises(LinkError, match="closed at byte 4000"):
        client.pull()
    registry.cut_bytes = None

    assert client.pull() == ["bin", "bin/x"]


def test_a_download_goes_on_in_the_next_run(client: Client, registry: FakeRegistry) -> None:
    registry.stall_bytes, client.timeout_s = 40, 0.1
    with pytest.raises(LinkError):
        client.pull()
    registry.stall_bytes, client.timeout_s = None, 5.0
    registry.asked.clear()

    assert client.pull() == ["bin", "bin/x"]
    assert "bytes=" in str([one.range for one in registry.asked])


def test_a_damaged_beginning_is_fetched_again(client: Client, registry: FakeRegistry) -> None:
    part = client.store.folder / "incoming" / digest_of(LAYER).removeprefix("sha256:")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"?" * 1000)

    assert client.pull() == ["bin", "bin/x"]
    assert incoming(client.store) == []


def test_a_busy_server_is_waited_for(client: Client, registry: FakeRegistry) -> None:
    registry.statuses = [503, 429]

    assert client.pull() == ["bin", "bin/x"]
    assert client.waits == [0.5, 1.0]


def test_a_registry_that_stalls_is_given_up(client: Client, registry: FakeRegistry) -> None:
    registry.stall_bytes, client.timeout_s = 10, 0.1

    with pytest.raises(LinkError, match="timed out"):
        client.pull()


def test_a_registry_that_trickles_is_given_up(client: Client) -> None:
    times = iter(range(0, 10_000, 40))
    patience = Patience(tries=1, clock=lambda: float(next(times)), least_bytes_per_s=1000)
    origin = RegistryOrigin(
        registry_reference(f"{client.registry.host}/x:1"), Registries(), link=Link(patience)
    )

    with pytest.raises(LinkError, match=r"only \d+ bytes in 40 s"):
        resolve(origin, client.store)


def test_nobody_there_is_a_lost_link(client: Client) -> None:
    with pytest.raises(LinkError, match="refused"):
        client.pull("127.0.0.1:1/x:1")


def test_an_image_that_is_not_there_is_named(client: Client) -> None:
    with pytest.raises(ThingNotFoundError, match="/v2/x/manifests/9: 404"):
        client.pull("x:9")


def mirrored(host: str, *, prefix: str = "docker.io") -> Registries:
    return registries([f"{prefix}=http://{host}/hub"])


def test_a_mirror_is_asked_first(client: Client, registry: FakeRegistry) -> None:
    client.where = mirrored(registry.host)

    assert client.pull("docker.io/busy/box:1") == ["bin", "bin/x"]
    assert registry.paths()[0] == "/v2/hub/busy/box/manifests/1"


def test_what_a_mirror_lacks_or_spoils_comes_from_the_registry(
    client: Client, registry: FakeRegistry
) -> None:
    with fake_registry() as mirror:
        mirror.spoiled[digest_of(LAYER)] = b"?" * len(LAYER)
        mirror.parts, mirror.tags = registry.parts, registry.tags
        client.where = registries([f"{registry.host}=http://{mirror.host}"])

        assert client.pull() == ["bin", "bin/x"]

    assert mirror.paths(digest_of(LAYER))
    assert registry.paths() == [f"/v2/x/blobs/{digest_of(LAYER)}"]


def test_a_login_of_the_registry_is_not_shown_to_its_mirror(
    client: Client, registry: FakeRegistry
) -> None:
    with fake_registry() as mirror:
        mirror.auth = "basic"
        client.where = registries([f"{registry.host}=http://{mirror.host}"])
        client.known = Credentials({registry.host: LOGIN})

        assert client.pull() == ["bin", "bin/x"]

    assert {one.authorization for one in mirror.asked} == {None}


def test_all_that_was_pulled_is_enough_without_a_network(
    client: Client, registry: FakeRegistry
) -> None:
    origin = client.origin("x:1")
    pin = resolve(origin, client.store)
    bring(pin, "x", origin, client.store)
    asked = len(registry.asked)

    bring(pin, "x", None, client.store)

    assert stored_image("x", pin.manifest, client.store).manifest == registry.tags["1"]["digest"]
    assert len(registry.asked) == asked


def test_what_is_missing_without_a_network_is_named(client: Client) -> None:
    pin = resolve(client.origin("x:1"), client.store)

    with pytest.raises(ThingNotFoundError, match="not in the store: sha256:") as caught:
        bring(pin, "x", None, client.store)

    assert "--offline" in (caught.value.hint or "")


class FullDisk:
    """A task whose work fills the disk."""

    def advance(self, amount: int = 1) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_no_lost_link(client: Client, registry: FakeRegistry) -> None:
    layer = Descriptor(TAR, digest_of(LAYER), len(LAYER))

    with pytest.raises(OSError, match="No space left"):
        client.origin("x:1").bring(layer, client.store, FullDisk())

    assert client.waits == []
    assert len(registry.paths()) == 1
