"""How much an image may be: what is read from others is never without a bound. Pure."""

from dataclasses import dataclass

MIB = 1 << 20
SETTING = "EDGE_IMAGE_LIMIT_MIB"


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one image.

    Attributes:
        document_bytes: Of an index, a manifest or a configuration (the distribution spec lets
            registries refuse manifests above 4 MiB).
        documents: Indexes within indexes that are looked at until a manifest is found.
        layers: As Docker has it; the overlay of the kernel takes no more.
        unpacked_bytes: Of all layers together.
        entries: Files, folders and links of one layer.
        header_bytes: Of the names, links and attributes of one file in a layer.
        ratio: A layer that unpacks to more than so many times its size, and to more than
            `ratio_from_bytes`, is a bomb.
        replaced: Full folders that one layer may replace by something else.
    """

    document_bytes: int = 4 * MIB
    documents: int = 8
    layers: int = 127
    unpacked_bytes: int = 8192 * MIB
    entries: int = 400_000
    header_bytes: int = MIB
    ratio: int = 200
    ratio_from_bytes: int = 256 * MIB
    replaced: int = 1000


STANDARD = Limits()
