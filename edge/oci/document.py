"""Indexes, manifests and configurations of others: read with doubt, as few facts as are needed.

Source: OCI image spec 1.1 (descriptor.md, image-index.md, manifest.md, config.md) and Docker's
image manifest 2.2, which differs in the names of types. Pure.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from edge.errors import InputError, RefusedError, ThingNotFoundError, UntrustedError
from edge.oci.limits import Limits

_OCI, _DOCKER = "application/vnd.oci.image", "application/vnd.docker"
INDEX_TYPES = (f"{_OCI}.index.v1+json", f"{_DOCKER}.distribution.manifest.list.v2+json")
MANIFEST_TYPES = (f"{_OCI}.manifest.v1+json", f"{_DOCKER}.distribution.manifest.v2+json")
CONFIG_TYPES = (f"{_OCI}.config.v1+json", f"{_DOCKER}.container.image.v1+json")
DOCUMENT_TYPES = (*INDEX_TYPES, *MANIFEST_TYPES)
REF_NAME = "org.opencontainers.image.ref.name"
_NAMES = (REF_NAME, "io.containerd.image.name")
_LAYER = re.compile(
    r"application/vnd\.(?:oci\.image\.layer\.v1|docker\.image\.rootfs\.diff)\.tar"
    r"(?:[+.](?P<coding>gzip|zstd))?"
)
_ELSEWHERE = re.compile(r".*\.(?:nondistributable|foreign)\..*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_VARIANTS = ("", "v8")
_OTHER_TOOL = "make the image again with a tool that knows OCI or Docker's manifest 2.2"

Coding: TypeAlias = Literal["", "gzip", "zstd"]
Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What one document says of another blob; `architecture` is empty where nothing is said."""

    media_type: str
    digest: str
    size_bytes: int
    architecture: str = ""
    variant: str = ""
    os: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """Manifests of one image for several machines."""

    manifests: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image: its configuration and its layers, the lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


def parse_document(
    data: bytes, name: str, limits: Limits, *, media_type: str | None = None
) -> Index | Manifest:
    """Return the index or manifest of these bytes.

    Args:
        data: The bytes.
        name: What errors call it.
        limits: How many layers there may be.
        media_type: What the one who named or sent it said it is; has to agree with what it says.

    Raises:
        InputError: It is neither, or of a kind that is not read.
        RefusedError: It can be read in two ways, or is out of all measure.
    """
    found = parse_json(data, name)
    said = found.get("mediaType")
    if said and media_type and said != media_type:
        raise RefusedError(f"{name}: says it is {said}, and is sent as {media_type}")
    kind = said or media_type
    if kind is not None and kind not in DOCUMENT_TYPES:
        raise InputError(f"{name}: {kind} is no image", hint=_OTHER_TOOL)
    if "manifests" in found and ("layers" in found or "config" in found):
        # CVE-2021-41190: index to one reader, manifest to another.
        raise RefusedError(f"{name}: is an index and a manifest at once")
    is_index = kind in INDEX_TYPES if kind else "manifests" in found
    return _index(found, name) if is_index else _manifest(found, name, limits)


def parse_json(data: bytes, name: str) -> Json:
    """Return the object of a JSON document.

    Raises:
        InputError: It is no JSON, or no object.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: no JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{name}: not an object")
    return found


def _index(found: Json, name: str) -> Index:
    return Index(tuple(_descriptor(one, name) for one in _list(found, "manifests", name)))


def _manifest(found: Json, name: str, limits: Limits) -> Manifest:
    layers = _list(found, "layers", name)
    if len(layers) > limits.layers:
        raise RefusedError(f"{name}: {len(layers)} layers where {limits.layers} are the most")
    manifest = Manifest(
        _descriptor(found.get("config"), name),
        tuple(_descriptor(layer, name) for layer in layers),
    )
    for layer in manifest.layers:
        coding_of(layer, name)
    return manifest


def _list(found: Json, key: str, name: str) -> Sequence[Any]:
    value = found.get(key)
    if not isinstance(value, list):
        raise InputError(f"{name}: no list of {key}", hint=_OTHER_TOOL)
    return value


def _descriptor(found: object, name: str) -> Descriptor:
    if not isinstance(found, dict):
        raise InputError(f"{name}: a descriptor is missing")
    digest, size_bytes = found.get("digest"), found.get("size")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise InputError(f"{name}: {digest!r} is not a digest that is read (sha256)")
    if not isinstance(size_bytes, int) or isinstance(size_bytes, bool) or size_bytes < 0:
        raise InputError(f"{name}: {digest}: {size_bytes!r} is not a size")
    platform = _mapping(found.get("platform"))
    annotations = _mapping(found.get("annotations"))
    return Descriptor(
        _text(found.get("mediaType")),
        digest,
        size_bytes,
        architecture=_text(platform.get("architecture")),
        variant=_text(platform.get("variant")),
        os=_text(platform.get("os")),
        names=tuple(filter(None, (_text(annotations.get(key)) for key in _NAMES))),
    )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def coding_of(layer: Descriptor, name: str) -> Coding:
    """Return how a layer is compressed; empty for a plain tar.

    Raises:
        InputError: It is of another kind.
    """
    if _ELSEWHERE.fullmatch(layer.media_type):
        raise InputError(
            f"{name}: layer {layer.digest} is not part of the image, only named in it",
            hint="images of Windows have such layers; push the image with all its layers",
        )
    found = _LAYER.fullmatch(layer.media_type)
    if found is None:
        raise InputError(f"{name}: layers of type {layer.media_type!r} are not supported")
    coding: Coding = found["coding"] or ""  # type: ignore[assignment]
    return coding


def fits(one: Descriptor, architecture: str) -> bool:
    """Say whether this is for Linux on the architecture, or says nothing of it."""
    if not one.architecture:
        return True
    is_variant = architecture != "arm64" or one.variant in _VARIANTS
    return one.architecture == architecture and one.os in ("", "linux") and is_variant


def choose(index: Index, architecture: str, name: str) -> Descriptor:
    """Return the first manifest for an architecture; one that says nothing comes last.

    Raises:
        ThingNotFoundError: There is none; what there is, is named.
    """
    fitting = [one for one in index.manifests if fits(one, architecture)]
    fitting.sort(key=lambda one: not one.architecture)
    if fitting:
        return fitting[0]
    raise ThingNotFoundError(f"{name}: no image for {architecture}", hint=there(index.manifests))


def there(found: Iterable[Descriptor]) -> str | None:
    """Return the hint for whom there are images, if for anybody."""
    listed = dict.fromkeys(_platform(one) for one in found)
    return f"it is there for: {', '.join(listed)}" if listed else None


def _platform(one: Descriptor) -> str:
    return "/".join(part for part in (one.os, one.architecture, one.variant) if part) or "unknown"


def parse_config(data: bytes, manifest: Manifest, name: str, architecture: str) -> Json:
    """Return the configuration of an image, which is what its manifest promises.

    Raises:
        InputError: It is for another machine, or no configuration of an image.
        RefusedError: It has not one hash for each layer.
    """
    if manifest.config.media_type not in CONFIG_TYPES:
        raise InputError(f"{name}: {manifest.config.media_type or 'it'} is no container image")
    found = parse_json(data, name)
    where = f"{found.get('os') or 'linux'}/{found.get('architecture')}"
    if where != f"linux/{architecture}":
        raise InputError(f"{name}: is for {where}, not for linux/{architecture}")
    _require_run_config(found.get("config"), name)
    ids = diff_ids(found)
    if len(ids) != len(manifest.layers) or not all(_DIGEST.fullmatch(one) for one in ids):
        raise RefusedError(f"{name}: {len(manifest.layers)} layers, and {len(ids)} hashes of them")
    return found


def _require_run_config(config: object, name: str) -> None:
    """See to it that what is said of running the image has the types of config.md."""
    if config is None:
        return
    if not isinstance(config, dict):
        raise InputError(f"{name}: `config` of its configuration is no object")
    for key in ("Entrypoint", "Cmd", "Env"):
        words = config.get(key) or []
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise InputError(f"{name}: {key} of its configuration is no list of texts")
    labels = config.get("Labels") or {}
    if not isinstance(labels, dict) or not all(isinstance(one, str) for one in labels.values()):
        raise InputError(f"{name}: Labels of its configuration are no texts")
    if not isinstance(config.get("WorkingDir") or "", str):
        raise InputError(f"{name}: WorkingDir of its configuration is no text")


def diff_ids(config: Json) -> tuple[str, ...]:
    """Return the digests of the layers as they are before they are compressed."""
    found = _mapping(config.get("rootfs")).get("diff_ids")
    return tuple(_text(one) for one in found) if isinstance(found, list) else ()


def require_size(descriptor: Descriptor, size_bytes: int, name: str) -> None:
    """See to it that a blob is as long as its descriptor says.

    Raises:
        UntrustedError: It is not.
    """
    if descriptor.size_bytes != size_bytes:
        said = f"{size_bytes} bytes where {descriptor.size_bytes} were said"
        raise UntrustedError(f"{name}: {descriptor.digest} has {said}")
