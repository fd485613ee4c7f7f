"""The signed statement about a disk image: what a card holds before its first start.

It is `<product>/<version>/disk-<board>.json`, canonical JSON, a TUF target of the product like a
release. It names the block map, and the block map has a hash for every range of the image.
"""

import re
from dataclasses import dataclass
from typing import Final

from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.release import IMAGE_MOST_BYTES, NAME, Content
from edge_signing.trust.names import check_product

FORMAT: Final = 1
MAP_MOST_BYTES: Final = 16 << 20
FILE: Final = re.compile(r"disk-[A-Za-z0-9][A-Za-z0-9._+-]{0,62}\.json")


@dataclass(frozen=True, slots=True)
class DiskImage:
    """What may be written to a card.

    Attributes:
        board: The only board that it is for.
        counter: The rollback counter of the system in it.
        length_bytes: Of the whole image, holes included.
        block_map: The file `disk.img.bmap`.
    """

    product: str
    version: str
    board: str
    counter: int
    length_bytes: int
    block_map: Content

    def __post_init__(self) -> None:
        check_product(self.product)
        for word, value in (("version", self.version), ("board", self.board)):
            if not NAME.fullmatch(value):
                raise FormatError(
                    f"disk image: the {word} {value!r} is not made of letters, digits and . _ + -"
                )

    @property
    def path(self) -> str:
        """The path of its TUF target."""
        return disk_path(self.product, self.version, self.board)

    def pack(self) -> bytes:
        """Return the document."""
        return canonical.encode(
            {
                "block_map": {
                    "bytes": self.block_map.length_bytes,
                    "sha256": self.block_map.sha256.hex(),
                },
                "board": self.board,
                "bytes": self.length_bytes,
                "counter": self.counter,
                "format": FORMAT,
                "product": self.product,
                "version": self.version,
            }
        )

    @classmethod
    def unpack(cls, document: bytes) -> "DiskImage":
        """Return what the document says.

        Raises:
            FormatError: It is not canonical JSON, or not a disk image in this format.
        """
        fields = Fields(canonical.decode(document), "disk image")
        fields.one_of("format", (FORMAT,))
        block_map = fields.fields("block_map")
        disk = cls(
            product=fields.text("product", NAME),
            version=fields.text("version", NAME),
            board=fields.text("board", NAME),
            counter=fields.integer("counter"),
            length_bytes=fields.integer("bytes", least=1, most=IMAGE_MOST_BYTES),
            block_map=Content(
                block_map.integer("bytes", most=MAP_MOST_BYTES), block_map.sha256("sha256")
            ),
        )
        block_map.end()
        fields.end()
        return disk


def disk_path(product: str, version: str, board: str) -> str:
    """Return the path of the TUF target that is the disk image of a board."""
    return f"{product}/{version}/disk-{board}.json"
