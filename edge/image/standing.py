"""What a system knows of itself and trusts: `/etc/edge/device.json` and `/etc/edge/root.json`.

Both are in the verified root, so that whoever can not make a root that starts can not change them.
"""

import re
from dataclasses import asdict, dataclass
from typing import Final

from edge_signing import canonical

DEVICE_FILE: Final = "device.json"
ROOT_FILE: Final = "root.json"
FORMAT: Final = 1
_NOT_OF_PRODUCTS: Final = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the update agent compares releases with.

    Attributes:
        board: The board that the image is for.
        product: Whose releases it takes.
        version: Of this release.
        counter: Its rollback counter.
        clock_s: A time that has passed, in seconds since 1970.
    """

    board: str
    product: str
    version: str
    counter: int
    clock_s: int


def product_of(system: str) -> str:
    """Return the product that a system's releases belong to, as its name may have other letters."""
    return _NOT_OF_PRODUCTS.sub("-", system)


def files(standing: Standing, trusted_root: bytes | None) -> dict[str, bytes]:
    """Return the files by their names in `/etc/edge`; without a root the system trusts nobody."""
    made = {DEVICE_FILE: canonical.encode({"format": FORMAT, **asdict(standing)})}
    return made | ({ROOT_FILE: trusted_root} if trusted_root is not None else {})
