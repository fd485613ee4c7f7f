"""The list of what a release is made of (SBOM), as one of its signed files.

It is `<product>/<version>/sbom.spdx.json`, the file of the build byte for byte, and a TUF target of
the product. Nothing on a device depends on it: a release without it, or whose SBOM is not at
hand, is whole.
"""

from typing import Final

FILE: Final = "sbom.spdx.json"
MOST_BYTES: Final = 8 << 20


def sbom_path(product: str, version: str) -> str:
    """Return the path of the TUF target that is the SBOM of a release."""
    return f"{product}/{version}/{FILE}"


def is_sbom(path: str) -> bool:
    """Whether the path of a TUF target is that of an SBOM."""
    return path.rpartition("/")[2] == FILE
