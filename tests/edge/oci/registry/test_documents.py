"""What registries send and should not: documents and blobs that lie."""

from collections.abc import Callable

import pytest

from edge.errors import (
    EdgeError,
    InputError,
    RefusedError,
    ServerError,
    ThingNotFoundError,
    UntrustedError,
)
from edge.oci.limits import Limits
from tests.edge.oci.registry.conftest import Client, part_files
from tests.fakes.image_parts import (
    AMD64,
    ARM64,
    CONFIG,
    MANIFEST,
    TAR,
    Descriptor,
    Parts,
    digest_of,
    packed,
)
from tests.fakes.registry import FakeRegistry

LAYER = packed({"bin/x": b"x" * 3000})
DOCKER = "application/vnd.docker"


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        pytest.param(lambda data: data[:-1], UntrustedError, "bytes where", id="shorter"),
        pytest.param(lambda data: data + b"!", UntrustedError, "bytes where", id="longer"),
        pytest.param(lambda data: b"?" * len(data), UntrustedError, "expected", id="other bytes"),
    ],
)
def test_a_layer_that_is_not_what_was_said_is_not_kept(
    client: Client,
    registry: FakeRegistry,
    change: Callable[[bytes], bytes],
    error: type[EdgeError],
    said: str,
) -> None:
    registry.spoiled[digest_of(LAYER)] = change(LAYER)

    with pytest.raises(error, match=said):
        client.pull()

    assert not client.store.has(digest_of(LAYER))
    assert b"?" not in b"".join(path.read_bytes()[:1] for path in part_files(client.store))


def test_more_bytes_than_were_said_are_refused_while_they_come(
    client: Client, registry: FakeRegistry
) -> None:
    registry.spoiled[digest_of(LAYER)] = LAYER + b"more" * 100_000
    registry.headers = {"Content-Length": ""}

    with pytest.raises(UntrustedError, match=f"more than the {len(LAYER)} bytes that were said"):
        client.pull()

    assert [path.stat().st_size for path in part_files(client.store)] == [0]


def test_a_manifest_that_is_not_its_digest_is_not_trusted(
    client: Client, registry: FakeRegistry
) -> None:
    made = registry.tags["1"]
    registry.name("2", registry.parts.index({**made, "platform": ARM64}))
    registry.spoiled[made["digest"]] = registry.parts.blobs[made["digest"]] + b" "

    with pytest.raises(UntrustedError, match=f"where {made['digest']} was expected"):
        client.pull("x:2")


def test_what_the_server_says_of_a_tag_has_to_hold(client: Client, registry: FakeRegistry) -> None:
    registry.headers = {"Docker-Content-Digest": digest_of(b"other")}

    with pytest.raises(UntrustedError, match="was expected"):
        client.pull()


def index_lies(parts: Parts) -> Descriptor:
    made = parts.image([(TAR, LAYER)])
    return parts.index({**made, "size": made["size"] + 1, "platform": ARM64})


def architecture_lies(parts: Parts) -> Descriptor:
    made = parts.image([(TAR, LAYER)], platform=AMD64)
    return parts.index({**made, "platform": ARM64})


def two_in_one(parts: Parts) -> Descriptor:
    return parts.image([(TAR, LAYER)], manifests=[])


def nested(parts: Parts) -> Descriptor:
    made = parts.image([(TAR, LAYER)])
    for _ in range(10):
        made = parts.index(made)
    return made


def deep_json(parts: Parts) -> Descriptor:
    return parts.add(b'{"a":' * 100_000, MANIFEST)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        pytest.param(index_lies, UntrustedError, "bytes where", id="size in the index"),
        pytest.param(architecture_lies, InputError, "linux/amd64, not for", id="architecture"),
        pytest.param(two_in_one, RefusedError, "an index and a manifest", id="two in one"),
        pytest.param(nested, RefusedError, "indexes in indexes", id="nested"),
        pytest.param(deep_json, InputError, "no JSON", id="deep JSON"),
        pytest.param(
            lambda parts: parts.image([(TAR, LAYER)], platform=AMD64),
            InputError,
            "is for linux/amd64, not for linux/arm64",
            id="manifest for another machine",
        ),
        pytest.param(
            lambda parts: parts.index({**parts.image(), "platform": AMD64}),
            ThingNotFoundError,
            "no image for arm64",
            id="no arm64",
        ),
        pytest.param(
            lambda parts: parts.image([(TAR, b"")] * 200),
            RefusedError,
            "200 layers where 127",
            id="too many layers",
        ),
        pytest.param(
            lambda parts: parts.image([(f"{TAR}+lz4", LAYER)]), InputError, "lz4", id="coding"
        ),
        pytest.param(
            lambda parts: parts.image(
                [("application/vnd.oci.image.layer.nondistributable.v1.tar", LAYER)]
            ),
            InputError,
            "not part of the image",
            id="foreign layer",
        ),
        pytest.param(
            lambda parts: parts.image([(TAR, LAYER)], kinds=(MANIFEST, "application/vnd.helm")),
            InputError,
            "is no container image",
            id="no container image",
        ),
        pytest.param(
            lambda parts: parts.json({"schemaVersion": 1}, f"{DOCKER}.distribution.manifest.v1"),
            InputError,
            "no list of layers",
            id="schema 1",
        ),
        pytest.param(
            lambda parts: parts.image([(TAR, LAYER)], diff_ids=[]),
            RefusedError,
            "1 layers, and 0 hashes",
            id="no hashes",
        ),
        pytest.param(
            lambda parts: parts.image([(TAR, LAYER)], diff_ids=[digest_of(b"other")]),
            UntrustedError,
            "was said",
            id="another hash",
        ),
        pytest.param(
            lambda parts: parts.json(
                {"mediaType": MANIFEST, "config": {"digest": "md5:1", "size": 1}, "layers": []},
                MANIFEST,
            ),
            InputError,
            "'md5:1' is not a digest",
            id="other digest",
        ),
        pytest.param(
            lambda parts: parts.json(
                {"mediaType": MANIFEST, "config": {**parts.add(b"{}"), "size": -1}, "layers": []},
                MANIFEST,
            ),
            InputError,
            "-1 is not a size",
            id="negative size",
        ),
    ],
)
def test_a_bad_document_is_refused(
    client: Client,
    registry: FakeRegistry,
    make: Callable[[Parts], Descriptor],
    error: type[EdgeError],
    said: str,
) -> None:
    registry.name("1", make(registry.parts))

    with pytest.raises(error, match=said):
        client.pull()


def test_layers_for_another_machine_are_not_even_fetched(
    client: Client, registry: FakeRegistry
) -> None:
    registry.name("1", architecture_lies(registry.parts))

    with pytest.raises(InputError):
        client.pull()

    assert not client.store.has(digest_of(LAYER))
    assert registry.paths(digest_of(LAYER)) == []


def test_a_manifest_too_large_is_not_read_to_its_end(
    client: Client, registry: FakeRegistry
) -> None:
    client.limits = Limits(document_bytes=1000)
    registry.name("1", registry.parts.image([(TAR, LAYER)], annotations={"a": "b" * 2000}))

    with pytest.raises(RefusedError, match="more than 1000 bytes"):
        client.pull()


def test_a_configuration_too_large_is_not_fetched(client: Client, registry: FakeRegistry) -> None:
    client.limits = Limits(document_bytes=1000)
    registry.name("1", registry.parts.image([(TAR, LAYER)], config={"Env": ["A=" + "b" * 2000]}))

    with pytest.raises(RefusedError, match="a configuration of"):
        client.pull()

    assert registry.paths("/blobs/") == []


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        pytest.param("text/html", "sent as text/html", id="web page"),
        pytest.param(CONFIG, "sent as application/vnd", id="configuration"),
        pytest.param(
            "application/vnd.oci.image.index.v1+json", "says it is .*manifest", id="another kind"
        ),
    ],
)
def test_a_document_of_another_type_is_refused(
    client: Client, registry: FakeRegistry, kind: str, said: str
) -> None:
    registry.headers = {"Content-Type": kind}

    with pytest.raises(RefusedError, match=said):
        client.pull()


def test_an_answer_in_a_coding_is_refused(client: Client, registry: FakeRegistry) -> None:
    registry.headers = {"Content-Encoding": "gzip"}

    with pytest.raises(ServerError, match="coding that nobody asked for"):
        client.pull()
