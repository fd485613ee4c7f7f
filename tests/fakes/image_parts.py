"""Images of others, part by part: layers, configurations, manifests, indexes, layouts."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TAR = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
ARM64 = {"architecture": "arm64", "os": "linux"}
AMD64 = {"architecture": "amd64", "os": "linux"}

Entries = Mapping[str, bytes | str | None]
Descriptor = dict[str, Any]
Layer = tuple[str, bytes]


def packed(entries: Entries) -> bytes:
    """Return a tar: bytes are files, text is a link, None is a folder."""
    return packed_headers((header(name, value), value) for name, value in entries.items())


def header(name: str, value: bytes | str | None = b"", **changes: Any) -> tarfile.TarInfo:
    """Return the header of a member; `changes` are its fields."""
    made = tarfile.TarInfo(name)
    if value is None:
        made.type = tarfile.DIRTYPE
    elif isinstance(value, str):
        made.type, made.linkname = tarfile.SYMTYPE, value
    else:
        made.size = len(value)
    for key, change in changes.items():
        setattr(made, key, change)
    return made


def packed_headers(
    members: Iterable[tuple[tarfile.TarInfo, bytes | str | None]], *, ends: bool = True
) -> bytes:
    """Return a tar of headers and what follows each; without its end if asked."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for one, value in members:
            archive.addfile(one)
            content = value if isinstance(value, bytes) else b""
            stream.write(content + bytes(-len(content) % tarfile.BLOCKSIZE))
            archive.offset = stream.tell()
        length = stream.tell()
    return stream.getvalue() if ends else stream.getvalue()[:length]


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def plain(layer: Layer) -> bytes:
    """Return a layer as it is before it is compressed; what is damaged is what it is."""
    kind, data = layer
    try:
        return gzip.decompress(data) if kind.endswith("gzip") else data
    except (OSError, EOFError):
        return data


@dataclass
class Parts:
    """Blobs by digest, and images made of them."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    def add(self, data: bytes, kind: str = "") -> Descriptor:
        """Keep a blob and return its descriptor."""
        self.blobs[digest_of(data)] = data
        named = {"mediaType": kind} if kind else {}
        return {**named, "digest": digest_of(data), "size": len(data)}

    def json(self, document: object, kind: str) -> Descriptor:
        return self.add(json.dumps(document).encode(), kind)

    def image(
        self,
        layers: Sequence[Layer] = ((TAR, b""),),
        *,
        config: Mapping[str, Any] | None = None,
        platform: Mapping[str, str] = ARM64,
        diff_ids: Sequence[str] | None = None,
        kinds: tuple[str, str] = (MANIFEST, CONFIG),
        **changes: Any,
    ) -> Descriptor:
        """Return the descriptor of a new image's manifest; `changes` are keys of the manifest."""
        ids = [digest_of(plain(layer)) for layer in layers] if diff_ids is None else list(diff_ids)
        rootfs = {"type": "layers", "diff_ids": ids}
        document = {**platform, "config": dict(config or {}), "rootfs": rootfs}
        manifest = {
            "schemaVersion": 2,
            "mediaType": kinds[0],
            "config": self.json(document, kinds[1]),
            "layers": [self.add(data, kind) for kind, data in layers],
        }
        return self.json({**manifest, **changes}, kinds[0])

    def index(self, *manifests: Descriptor, kind: str = INDEX) -> Descriptor:
        """Return the descriptor of a new index."""
        document = {"schemaVersion": 2, "mediaType": kind, "manifests": manifests}
        return self.json(document, kind)


class Layout:
    """An OCI layout folder that a test fills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = Parts()
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self._manifests: list[Descriptor] = []

    def add(self, tag: str, layers: Sequence[Layer], **config: Any) -> "Layout":
        """Add an image with a tag."""
        return self.name(tag, self.parts.image(layers, config=config))

    def name(self, tag: str, descriptor: Descriptor) -> "Layout":
        """Give a tag to a manifest or an index of `parts`."""
        annotations = {"org.opencontainers.image.ref.name": tag}
        self._manifests.append({**descriptor, "annotations": annotations})
        index = {"schemaVersion": 2, "manifests": self._manifests}
        (self.folder / "index.json").write_text(json.dumps(index))
        for digest, data in self.parts.blobs.items():
            self.path(digest).write_bytes(data)
        return self

    def path(self, digest: str) -> Path:
        return self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def archive(self, file: Path) -> Path:
        """Return one tar of the layout."""
        with tarfile.open(file, "w") as made:
            for path in sorted(self.folder.rglob("*")):
                made.add(path, str(path.relative_to(self.folder)), recursive=False)
        return file
