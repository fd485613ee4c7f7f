"""Releases: what the signed documents say of images and of the ways to get them.

A release is `<product>/<version>/release.json`: the images of a slot, who may install them, and
payloads that bring them. Patches from an older release are a document of their own,
`<product>/<version>/from-<older>.json`, so that one can be signed later. Both are canonical JSON.

A release of one service, `service` in the document, has its image alone and a version that begins
with its name and `+`; its format has a number of its own, so that an agent that does not know such
releases refuses them.

A payload is a small binary table (its digest is here) and a blob, the stored units one after the
other. What is not named here, or in a table, is in no payload.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.trust.names import check_product

Partition = Literal["boot", "rootfs", "service"]
Kind = Literal["full", "patch", "chunks"]

SLOT_PARTITIONS: Final[tuple[Partition, ...]] = ("boot", "rootfs")
SERVICE_PARTITION: Final = "service"
PARTITIONS: Final[tuple[Partition, ...]] = (*SLOT_PARTITIONS, SERVICE_PARTITION)
KINDS: Final[tuple[Kind, ...]] = ("full", "chunks", "patch")
FORMAT: Final = 1
SERVICE_FORMAT: Final = 2
RELEASE_FILE: Final = "release.json"
IMAGE_MOST_BYTES: Final = 1 << 40
TABLE_MOST_BYTES: Final = 256 << 20
BLOCK_BYTES: Final = 4096
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")

_SALT: Final = re.compile(r"(?:[0-9a-f]{2}){0,256}")


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes by their length and SHA-256."""

    length_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class HashTree:
    """The dm-verity tree that the device appends to the image, as it is never sent.

    Attributes:
        root_hash: SHA-256; what opens the file system.
        salt: At most 256 bytes.
    """

    root_hash: bytes
    salt: bytes


@dataclass(frozen=True, slots=True)
class Image:
    """What fills one partition of a slot; with a tree, its length is that of the data alone."""

    partition: Partition
    content: Content
    tree: HashTree | None = None

    def __post_init__(self) -> None:
        blocks, rest = divmod(self.content.length_bytes, BLOCK_BYTES)
        if blocks < 1 or rest:
            raise FormatError(
                f"image {self.partition}: {self.content.length_bytes} bytes are no whole blocks"
            )


@dataclass(frozen=True, slots=True)
class Payload:
    """One way to get an image.

    Attributes:
        base: The older image that a patch starts from; no other kind has one.
    """

    kind: Kind
    partition: Partition
    table: Content
    blob: Content
    base: Content | None = None

    def __post_init__(self) -> None:
        if (self.kind == "patch") != (self.base is not None):
            raise FormatError(f"payload {self.partition} {self.kind}: a patch has a base, only it")

    @property
    def total_bytes(self) -> int:
        """How much is sent when all of it is."""
        return self.table.length_bytes + self.blob.length_bytes


@dataclass(frozen=True, slots=True)
class Release:
    """What may be installed.

    Attributes:
        counter: The rollback counter: a device never goes below the one that it has seen.
        from_counter: The lowest counter of a system that may update to this one directly.
        boards: The boards that it is for, in order.
        images: In the order of `PARTITIONS`, each once.
        payloads: `full` for each image, and `chunks` where they help; patches are elsewhere.
        service: The one service that it replaces; empty for a whole system.
    """

    product: str
    version: str
    boards: tuple[str, ...]
    images: tuple[Image, ...]
    payloads: tuple[Payload, ...] = ()
    counter: int = 0
    from_counter: int = 0
    notes: str = ""
    service: str = ""

    def __post_init__(self) -> None:
        check_product(self.product)
        _require_name("version", self.version)
        partitions = [image.partition for image in self.images]
        if not partitions or partitions != [one for one in PARTITIONS if one in partitions]:
            raise FormatError(
                f"release: images {', '.join(partitions)} are not in order, each once"
            )
        if (SERVICE_PARTITION in partitions) != bool(self.service) or (
            self.service and len(partitions) != 1
        ):
            raise FormatError("release: the image of a service is alone, and of a named one")
        if self.service and not self.version.startswith(f"{self.service}+"):
            raise FormatError(f"release: version {self.version!r} is not one of {self.service}")
        if not self.boards:
            raise FormatError("release: no board may install it")
        if self.from_counter > self.counter:
            raise FormatError("release: from_counter is above counter")
        _require_payloads(self.payloads, partitions, known=("full", "chunks"))

    @property
    def path(self) -> str:
        """The path of its TUF target."""
        return release_path(self.product, self.version)

    @property
    def own_digest(self) -> str:
        """The digest, in hex, of the system's own version that a release of a service is equal to.

        It is the salt of the image: that is chosen by who makes it, and signed with the rest.
        """
        trees = (image.tree for image in self.images if self.service and image.tree is not None)
        return next((tree.salt.hex() for tree in trees), "")

    def image(self, partition: Partition) -> Image:
        """Return the image of a partition.

        Raises:
            FormatError: The release has none.
        """
        for image in self.images:
            if image.partition == partition:
                return image
        raise FormatError(f"release {self.product} {self.version}: no image {partition}")

    def pack(self) -> bytes:
        """Return the document."""
        return canonical.encode(
            {
                "boards": list(self.boards),
                "counter": self.counter,
                "format": SERVICE_FORMAT if self.service else FORMAT,
                "from_counter": self.from_counter,
                "images": [_image_object(image) for image in self.images],
                "notes": self.notes,
                "payloads": [_payload_object(payload) for payload in self.payloads],
                "product": self.product,
                "version": self.version,
                **({"service": self.service} if self.service else {}),
            }
        )

    @classmethod
    def unpack(cls, document: bytes) -> "Release":
        """Return what the document says.

        Raises:
            FormatError: It is not canonical JSON, or not a release in this format.
        """
        fields = Fields(canonical.decode(document), RELEASE_FILE)
        number = fields.one_of("format", (FORMAT, SERVICE_FORMAT))
        release = cls(
            product=fields.text("product", NAME),
            version=fields.text("version", NAME),
            boards=fields.texts("boards", NAME),
            images=fields.each("images", _image),
            payloads=fields.each("payloads", _payload),
            counter=fields.integer("counter"),
            from_counter=fields.integer("from_counter"),
            notes=fields.text("notes", re.compile(r"(?s:.{0,4000})")),
            service=fields.text("service", NAME) if number == SERVICE_FORMAT else "",
        )
        fields.end()
        return release


@dataclass(frozen=True, slots=True)
class PatchSet:
    """The patches from one older release to a release."""

    product: str
    version: str
    base_version: str
    payloads: tuple[Payload, ...]

    def __post_init__(self) -> None:
        check_product(self.product)
        _require_name("version", self.version)
        _require_name("base_version", self.base_version)
        _require_payloads(self.payloads, list(PARTITIONS), known=("patch",))
        if not self.payloads:
            raise FormatError("patches: there are none")

    @property
    def path(self) -> str:
        """The path of its TUF target."""
        return patches_path(self.product, self.version, self.base_version)

    def pack(self) -> bytes:
        """Return the document."""
        return canonical.encode(
            {
                "base_version": self.base_version,
                "format": FORMAT,
                "payloads": [_payload_object(payload) for payload in self.payloads],
                "product": self.product,
                "version": self.version,
            }
        )

    @classmethod
    def unpack(cls, document: bytes) -> "PatchSet":
        """Return what the document says.

        Raises:
            FormatError: It is not canonical JSON, or not patches in this format.
        """
        fields = Fields(canonical.decode(document), "patches")
        fields.one_of("format", (FORMAT,))
        patches = cls(
            product=fields.text("product", NAME),
            version=fields.text("version", NAME),
            base_version=fields.text("base_version", NAME),
            payloads=fields.each("payloads", _payload),
        )
        fields.end()
        return patches


def release_path(product: str, version: str) -> str:
    """Return the path of the TUF target that is a release."""
    return f"{product}/{version}/{RELEASE_FILE}"


def service_version(service: str, version: str) -> str:
    """Return the version of a release of one service."""
    return f"{service}+{version}"


def patches_path(product: str, version: str, base_version: str) -> str:
    """Return the path of the TUF target that is the patches from an older release."""
    return f"{product}/{version}/from-{base_version}.json"


def _require_name(word: str, value: str) -> None:
    if not NAME.fullmatch(value):
        raise FormatError(f"the {word} {value!r} is not made of letters, digits and . _ + -")


def _require_payloads(
    payloads: tuple[Payload, ...], partitions: list[Partition], *, known: tuple[Kind, ...]
) -> None:
    places = [(payload.partition, payload.kind) for payload in payloads]
    order = [(partition, kind) for partition in PARTITIONS for kind in known]
    if places != [place for place in order if place in places and place[0] in partitions]:
        raise FormatError(f"payloads {places} are not known, in order, each once")


def _content_object(content: Content) -> dict[str, object]:
    return {"bytes": content.length_bytes, "sha256": content.sha256.hex()}


def _image_object(image: Image) -> dict[str, object]:
    found: dict[str, object] = {"partition": image.partition, **_content_object(image.content)}
    if image.tree is not None:
        found["verity"] = {
            "root_hash": image.tree.root_hash.hex(),
            "salt": image.tree.salt.hex(),
        }
    return found


def _payload_object(payload: Payload) -> dict[str, object]:
    parts: Mapping[str, Content | None] = {
        "base": payload.base,
        "blob": payload.blob,
        "table": payload.table,
    }
    contents = {name: _content_object(one) for name, one in parts.items() if one is not None}
    return {"kind": payload.kind, "partition": payload.partition, **contents}


def _content(fields: Fields, *, most_bytes: int = IMAGE_MOST_BYTES) -> Content:
    return Content(fields.integer("bytes", most=most_bytes), fields.sha256("sha256"))


def _inner(fields: Fields, name: str, *, most_bytes: int = IMAGE_MOST_BYTES) -> Content:
    inner = fields.fields(name)
    content = _content(inner, most_bytes=most_bytes)
    inner.end()
    return content


def _image(fields: Fields) -> Image:
    tree = None
    if fields.has("verity"):
        inner = fields.fields("verity")
        tree = HashTree(inner.sha256("root_hash"), bytes.fromhex(inner.text("salt", _SALT)))
        inner.end()
    return Image(fields.one_of("partition", PARTITIONS), _content(fields), tree)


def _payload(fields: Fields) -> Payload:
    return Payload(
        kind=fields.one_of("kind", KINDS),
        partition=fields.one_of("partition", PARTITIONS),
        table=_inner(fields, "table", most_bytes=TABLE_MOST_BYTES),
        blob=_inner(fields, "blob"),
        base=_inner(fields, "base") if fields.has("base") else None,
    )
