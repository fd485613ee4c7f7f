"""A root as one image in an OCI layout: a folder that registries, containerd and podman take.

Source: OCI image spec 1.1, image-layout.md, config.md, manifest.md.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from edge import digest
from edge.image.packed import Gzip, Hashed
from edge.oci.document import REF_NAME
from edge.oci.image import CONFIG_TYPE, MANIFEST_TYPE
from edge.oci.store import LAYOUT
from edge.oci.tar_writer import TarSink

INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_INIT: Final = "/sbin/init"


@dataclass(frozen=True, slots=True)
class Image:
    """What the image says of itself; `created_s` is in seconds since 1970."""

    name: str
    version: str
    created_s: int
    architecture: str = "arm64"


def write(folder: Path, image: Image, write_tar: Callable[[TarSink], object]) -> None:
    """Write the layout into a new folder.

    Args:
        folder: It must not be there.
        image: What it is called.
        write_tar: Writes the root as a tar into a stream.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    layer, diff_id = _write_layer(blobs, write_tar)
    config = _add(blobs, _config(image, diff_id), CONFIG_TYPE)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config,
        "layers": [layer],
    }
    listed = _add(blobs, manifest, MANIFEST_TYPE) | {
        "platform": {"architecture": image.architecture, "os": "linux"},
        "annotations": {REF_NAME: image.version},
    }
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [listed]}
    (folder / "index.json").write_bytes(_encoded(index))
    (folder / "oci-layout").write_bytes(LAYOUT)


def _config(image: Image, diff_id: str) -> dict[str, Any]:
    created = datetime.fromtimestamp(image.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "org.opencontainers.image.title": image.name,
        "org.opencontainers.image.version": image.version,
    }
    return {
        "created": created,
        "architecture": image.architecture,
        "os": "linux",
        "config": {"Cmd": [_INIT], "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": created, "created_by": "edge build"}],
    }


def _write_layer(blobs: Path, write_tar: Callable[[TarSink], object]) -> tuple[dict[str, Any], str]:
    beside = blobs / ".layer"
    with beside.open("wb") as stream:
        packed = Hashed(stream)
        gzip = Gzip(packed)
        plain = Hashed(gzip)
        write_tar(plain)
        gzip.finish()
    beside.rename(blobs / packed.digest.partition(":")[2])
    return _descriptor(LAYER_TYPE, packed.digest, packed.size_bytes), plain.digest


def _add(blobs: Path, document: dict[str, Any], media_type: str) -> dict[str, Any]:
    data = _encoded(document)
    name = digest.of_bytes(data)
    (blobs / name.partition(":")[2]).write_bytes(data)
    return _descriptor(media_type, name, len(data))


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _descriptor(media_type: str, name: str, size_bytes: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": name, "size": size_bytes}
