"""Documents of releases and patches."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.release import Content, HashTree, Image, PatchSet, Payload, Release

BOOT = Content(8192, b"\x01" * 32)
ROOTFS = Content(1 << 20, b"\x02" * 32)
TABLE, BLOB = Content(89, b"\x03" * 32), Content(500, b"\x04" * 32)
RELEASE = Release(
    product="gateway",
    version="1.2.0",
    boards=("qemu-arm64", "rpi4"),
    images=(
        Image("boot", BOOT),
        Image("rootfs", ROOTFS, HashTree(b"\x05" * 32, b"salt")),
    ),
    payloads=(
        Payload("full", "boot", TABLE, BLOB),
        Payload("full", "rootfs", TABLE, BLOB),
        Payload("chunks", "rootfs", TABLE, BLOB),
    ),
    counter=3,
    from_counter=2,
    notes="fewer bugs\n",
)
SERVICE = Release(
    product="gateway",
    version="web+1.2.0",
    boards=("rpi4",),
    images=(Image("service", ROOTFS, HashTree(b"\x05" * 32, b"")),),
    payloads=(Payload("full", "service", TABLE, BLOB),),
    service="web",
)
PATCHES = PatchSet(
    product="gateway",
    version="1.2.0",
    base_version="1.1.0",
    payloads=(Payload("patch", "rootfs", TABLE, BLOB, base=ROOTFS),),
)


def test_a_release_comes_back_from_its_document() -> None:
    assert Release.unpack(RELEASE.pack()) == RELEASE
    assert RELEASE.path == "gateway/1.2.0/release.json"


def test_patches_come_back_from_their_document() -> None:
    assert PatchSet.unpack(PATCHES.pack()) == PATCHES
    assert PATCHES.path == "gateway/1.2.0/from-1.1.0.json"


def test_a_release_is_golden() -> None:
    assert RELEASE.pack().startswith(
        b'{"boards":["qemu-arm64","rpi4"],"counter":3,"format":1,"from_counter":2,"images":['
        b'{"bytes":8192,"partition":"boot","sha256":"01010101'
    )


def test_a_release_of_a_service_has_a_format_of_its_own() -> None:
    packed = SERVICE.pack()

    assert b'"format":2' in packed
    assert b'"service":"web","version":"web+1.2.0"' in packed
    assert Release.unpack(packed) == SERVICE
    assert SERVICE.path == "gateway/web+1.2.0/release.json"


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        pytest.param(lambda d: d.update(format=1), "of a named one", id="of a system"),
        pytest.param(lambda d: d.update(version="1.2.0"), "is not one of web", id="no name"),
        pytest.param(lambda d: d.update(service="api"), "is not one of api", id="other name"),
        pytest.param(lambda d: d.update(service=""), "service", id="of nothing"),
        pytest.param(
            lambda d: d["images"][0].update(partition="rootfs"), "is alone", id="a root instead"
        ),
        pytest.param(
            lambda d: d["images"].insert(0, {**d["images"][0], "partition": "boot"}),
            "is alone",
            id="with a boot image",
        ),
    ],
)
def test_a_wrong_release_of_a_service_is_refused(
    edit: Callable[[dict[str, Any]], object], reason: str
) -> None:
    document = json.loads(SERVICE.pack())
    edit(document)

    with pytest.raises(FormatError, match=reason):
        Release.unpack(canonical.encode(document))


Edit = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        pytest.param(lambda d: d.update(format=3), "format 3 is not known", id="other format"),
        pytest.param(lambda d: d.update(format=True), "format True is not", id="boolean format"),
        pytest.param(lambda d: d.update(more=1), "more: not known", id="unknown field"),
        pytest.param(lambda d: d.pop("counter"), "counter is missing", id="missing field"),
        pytest.param(lambda d: d.update(counter=-1), "counter -1", id="negative"),
        pytest.param(lambda d: d.update(counter=True), "counter True", id="boolean number"),
        pytest.param(lambda d: d.update(from_counter=4), "above counter", id="hop above itself"),
        pytest.param(lambda d: d.update(product="../x"), "product", id="path as product"),
        pytest.param(lambda d: d.update(product="root"), "'root'", id="role as product"),
        pytest.param(lambda d: d.update(version="1/2"), "version", id="path as version"),
        pytest.param(lambda d: d.update(boards=[]), "no board", id="no board"),
        pytest.param(lambda d: d.update(boards=["b", "a"]), "order", id="boards out of order"),
        pytest.param(lambda d: d.update(boards="rpi4"), "not a list", id="boards no list"),
        pytest.param(lambda d: d["images"].reverse(), "order", id="images out of order"),
        pytest.param(lambda d: d["images"].pop(0), "payloads", id="payload without image"),
        pytest.param(lambda d: d["images"][0].update(bytes=8191), "whole blocks", id="odd length"),
        pytest.param(lambda d: d["images"][0].update(bytes=0), "whole blocks", id="empty image"),
        pytest.param(
            lambda d: d["images"][0].update(bytes=1 << 50), "bytes", id="length that lies"
        ),
        pytest.param(lambda d: d["images"][0].update(sha256=""), "sha256 ''", id="empty hash"),
        pytest.param(lambda d: d["images"][0].update(sha256="AB" * 32), "sha256", id="capitals"),
        pytest.param(lambda d: d["payloads"].reverse(), "order", id="payloads out of order"),
        pytest.param(lambda d: d["payloads"].append(d["payloads"][-1]), "once", id="payload twice"),
        pytest.param(lambda d: d["payloads"][0].update(kind="patch"), "base", id="no base"),
        pytest.param(lambda d: d["payloads"][0].update(kind="zip"), "kind", id="unknown kind"),
        pytest.param(lambda d: d["payloads"][0]["table"].update(x=1), "x: not known", id="inner"),
        pytest.param(lambda d: d["payloads"][0].pop("blob"), "blob is missing", id="no blob"),
        pytest.param(lambda d: d["images"][1]["verity"].update(salt="0"), "salt", id="odd salt"),
        pytest.param(lambda d: d.update(images=[1]), "not an object", id="image no object"),
        pytest.param(lambda d: d.update(notes="x" * 4001), "notes", id="endless notes"),
    ],
)
def test_a_wrong_release_is_refused(edit: Edit, reason: str) -> None:
    document = json.loads(RELEASE.pack())
    edit(document)

    with pytest.raises(FormatError, match=reason):
        Release.unpack(canonical.encode(document))


def test_a_release_in_another_form_is_refused() -> None:
    with pytest.raises(FormatError):
        Release.unpack(json.dumps(json.loads(RELEASE.pack())).encode())


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        pytest.param(lambda d: d.update(payloads=[]), "there are none", id="none"),
        pytest.param(lambda d: d["payloads"][0].update(kind="full"), "base", id="full with base"),
        pytest.param(lambda d: d.update(base_version="../1"), "base_version", id="path as base"),
        pytest.param(lambda d: d.update(images=[]), "images: not known", id="unknown field"),
    ],
)
def test_wrong_patches_are_refused(edit: Edit, reason: str) -> None:
    document = json.loads(PATCHES.pack())
    edit(document)

    with pytest.raises(FormatError, match=reason):
        PatchSet.unpack(canonical.encode(document))


def test_the_image_of_a_partition_is_found() -> None:
    assert RELEASE.image("rootfs").content == ROOTFS
    with pytest.raises(FormatError, match="no image rootfs"):
        replace(RELEASE, images=RELEASE.images[:1], payloads=()).image("rootfs")
