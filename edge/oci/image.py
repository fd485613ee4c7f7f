"""OCI images: made of one layer of ours, or read from an image layout on disk.

Source: OCI image spec 1.1 (config.md, manifest.md, image-layout.md). All is in the content store;
an image is known by the digest of its manifest, and its tag is the start of that.
"""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from edge.debian.archive import Package
from edge.errors import InputError
from edge.oci.blob_tree import BlobTree
from edge.oci.layer import service_layer
from edge.oci.spec import ImageConfig
from edge.oci.store import Store
from edge.oci.tree import Tree
from edge.strict.document import parse
from edge.strict.model import examine
from edge.system.merge import merge_settings
from edge.system.service import ServiceFolder
from edge.system.settings import Settings

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
LINUXKIT_LABEL = "org.mobyproject.config"
SETTINGS_LABEL = "dev.edge.settings"
_PAIR = re.compile(r"\\u[dD][89abAB]")
TAG_DIGITS = 40  # as long as LinuxKit's tags, which are git tree hashes

# What LinuxKit does not know (docs/yaml.md there), and would refuse in its label.
OWN_KEYS = frozenset(
    (
        *("restart", "depends_on", "ready", "health", "limits", "seccomp", "landlock"),
        *("stop_timeout_s", "timeout_s", "on_failure", "modules", "after", "listens", "update"),
        *("before_data",),
    )
)


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is wholly in the store.

    `tree` is its root file system; `settings` are those of its label.
    """

    name: str
    manifest: str
    config: ImageConfig
    settings: Settings
    tree: Tree
    architecture: str = "arm64"

    @property
    def tag(self) -> str:
        """Return the tag: the start of the content hash."""
        return self.manifest.removeprefix("sha256:")[:TAG_DIGITS]


def make_image(
    name: str, layer: BlobTree, settings: Settings, store: Store, *, architecture: str = "arm64"
) -> Image:
    """Keep config and manifest of an image with one layer in the store, and return it.

    Args:
        name: Of the service folder.
        layer: The root file system, in the store.
        settings: As `service.yml` says; they go into the labels.
        store: Where all of it is.
        architecture: Debian's name, which is OCI's too for arm64.
    """
    labels = {SETTINGS_LABEL: _label(settings, ours=True)}
    labels[LINUXKIT_LABEL] = _label(settings, ours=False)
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": _run_config(settings) | {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [layer.blob]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _descriptor(CONFIG_TYPE, _add(config, store), store),
        "layers": [_descriptor(LAYER_TYPE, layer.blob, store)],
    }
    digest = _add(manifest, store)
    return Image(name, digest, image_config(config), settings, layer.tree, architecture)


def written(settings: Settings, *, ours: bool) -> dict[str, Any]:
    """Return the settings that were written, in the words of the file; ours only if asked."""
    found = settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {key: value for key, value in found.items() if ours or key not in OWN_KEYS}


def _label(settings: Settings, *, ours: bool) -> str:
    return json.dumps(written(settings, ours=ours), sort_keys=True, separators=(",", ":"))


def _run_config(settings: Settings) -> dict[str, Any]:
    """Return what other tools need to run the image."""
    found: dict[str, Any] = {}
    if settings.command:
        found["Cmd"] = list(settings.command)
    if settings.env:
        found["Env"] = list(settings.env)
    if settings.cwd:
        found["WorkingDir"] = settings.cwd
    return found


def image_config(document: dict[str, Any]) -> ImageConfig:
    """Return what an image's configuration says about running it."""
    config = document.get("config") or {}
    return ImageConfig(
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        env=tuple(config.get("Env") or ()),
        cwd=config.get("WorkingDir") or "",
    )


def label_settings(document: dict[str, Any], name: str) -> Settings:
    """Return the settings in an image's label: ours, else LinuxKit's, else none.

    Raises:
        InputError: The label is not what the model allows.
    """
    labels = (document.get("config") or {}).get("Labels") or {}
    text = labels.get(SETTINGS_LABEL) or labels.get(LINUXKIT_LABEL) or "{}"
    if _PAIR.search(text):  # JSON for a letter beyond the first 65536, which YAML writes otherwise
        with suppress(ValueError):
            text = json.dumps(json.loads(text), ensure_ascii=False)
    parsed = parse(text, "label")
    settings, problems = examine(Settings, parsed)
    if settings is None or problems:
        said = "; ".join(str(problem) for problem in problems)
        raise InputError(f"image {name}: its label is not valid: {said}")
    return settings


def _add(document: dict[str, Any], store: Store) -> str:
    return store.add_bytes(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


def _descriptor(media_type: str, digest: str, store: Store) -> dict[str, Any]:
    size_bytes = store.path(digest).stat().st_size
    return {"mediaType": media_type, "digest": digest, "size": size_bytes}


def write_index(images: Sequence[Image], store: Store) -> bytes:
    """Return the `index.json` that makes the store an OCI layout of these images."""
    manifests = [
        _descriptor(MANIFEST_TYPE, image.manifest, store)
        | {"annotations": {"org.opencontainers.image.ref.name": f"{image.name}:{image.tag}"}}
        for image in sorted(images, key=lambda image: (image.name, image.manifest))
    ]
    document = {"schemaVersion": 2, "manifests": manifests}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def service_image(service: ServiceFolder, packages: Sequence[Package], store: Store) -> Image:
    """Return the image of a service folder; its layer is made only if an input changed.

    Args:
        service: The folder that was read.
        packages: What its packages resolved to; they are in the store.
        store: Where the image goes.
    """
    settings = merge_settings(service.settings, Settings())
    return make_image(service.name, service_layer(service, packages, store), settings, store)
