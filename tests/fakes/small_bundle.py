"""Small bundles with real signatures, and what a device that gets them would know."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edge.keys import create
from edge.keys.ring import Ring
from edge.progress import SILENT
from edge.release import export, source
from edge.release.payloads import Terms
from edge_agent.payload.bundle import Anchor, Bundle, Verified

CLOCK_S = 1_793_491_200
NOW = datetime.fromtimestamp(CLOCK_S, UTC)
PRODUCT, BOARD = "gateway", "rpi4"


@dataclass(frozen=True)
class Workshop:
    """A folder with keys, where bundles are made."""

    folder: Path
    ring: Ring

    @classmethod
    def open(cls, folder: Path, *, products: tuple[str, ...] = ()) -> "Workshop":
        return cls(folder, create.init(folder / "keys", now=NOW, products=products).ring)

    def image(self, name: str, *parts: bytes) -> Path:
        """Write an image: each part is one block of 4096 bytes or more."""
        path = self.folder / name
        path.write_bytes(
            b"".join(part.ljust(-(-len(part) // 4096) * 4096, b"\0") for part in parts)
        )
        return path

    def bundle(
        self, *, boot: Path | None = None, rootfs: Path | None = None, terms: Terms | None = None
    ) -> Path:
        """Write a full bundle of one image or two."""
        given = {"boot": boot, "rootfs": rootfs}
        path = self.folder / "update.edge"
        export.write_standalone(
            source.of_files(
                {name: one for name, one in given.items() if one},  # type: ignore[misc]
                product=PRODUCT,
                version="1.2.0",
                boards=(BOARD,),
            ),
            terms or Terms(),
            self.ring,
            path,
            level="fast",
            clock_s=CLOCK_S,
            progress=SILENT,
        )
        return path

    def anchor(self, **known: object) -> Anchor:
        """Return what a device of these keys knows."""
        facts = {"now": NOW, "board": BOARD, **known}
        return Anchor(self.ring.trusted_root(), **facts)  # type: ignore[arg-type]


def verify(path: Path, anchor: Anchor) -> Verified:
    """Verify a bundle and all blobs in it, as `edge bundle verify` does."""
    with path.open("rb") as stream:
        bundle = Bundle.open(stream)
        verified = bundle.verified(anchor)
        for offer in verified.contents.offers:
            bundle.check_blob(offer)
    return verified


def noise(seed: int, length: int) -> bytes:
    """Return bytes that do not compress."""
    return random.Random(seed).randbytes(length)
