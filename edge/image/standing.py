"""What a system knows of itself and trusts: `/etc/edge/device.json` and `/etc/edge/root.json`.

Both are in the verified root, so that whoever can not make a root that starts can not change them.
"""

import re
from typing import Final

from edge_agent.standing import FILE, Standing

ROOT_FILE: Final = "root.json"
_NOT_OF_PRODUCTS: Final = re.compile(r"[^A-Za-z0-9_-]")


def product_of(system: str) -> str:
    """Return the product that a system's releases belong to, as its name may have other letters."""
    return _NOT_OF_PRODUCTS.sub("-", system)


def files(standing: Standing, trusted_root: bytes | None) -> dict[str, bytes]:
    """Return the files by their names in `/etc/edge`; without a root the system trusts nobody."""
    made = {FILE.name: standing.pack()}
    return made | ({ROOT_FILE: trusted_root} if trusted_root is not None else {})
