"""Names of roles, products, devices and targets: what is allowed in them."""

import re
from typing import Final

from edge_signing.errors import FormatError

ROOT: Final = "root"
TARGETS: Final = "targets"
SNAPSHOT: Final = "snapshot"
TIMESTAMP: Final = "timestamp"
DIRECTOR: Final = "director"
# The delegation that stands for every product, in a key ring without products.
RELEASE: Final = "release"

TOP_LEVEL: Final = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP)
# No client ever looks for a target with such a path: those of releases have three parts.
DIRECTOR_PATHS: Final = ("director/*",)

_PART: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}")
_PRODUCT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TARGET_PARTS: Final = 3


def check_target_path(path: str) -> None:
    """Refuse what is not `<product>/<version>/<name>`.

    Raises:
        FormatError: It has other parts, or characters that mean something to a file system.
    """
    parts = path.split("/")
    if len(parts) != _TARGET_PARTS or not all(_PART.fullmatch(part) for part in parts):
        raise FormatError(f"the target path {path!r} is not <product>/<version>/<name>")


def check_product(name: str) -> None:
    """Refuse what can not name a product, and so a role.

    Raises:
        FormatError: It has other characters, or is the name of a role that has another task.
    """
    if not _PRODUCT.fullmatch(name) or name in (*TOP_LEVEL, DIRECTOR):
        raise FormatError(f"the name {name!r} can not be that of a product")


def check_device(name: str) -> None:
    """Refuse what can not name a device (`CN` of its certificate).

    Raises:
        FormatError: It is not 1 to 64 of `A-Z a-z 0-9 _ -`.
    """
    if not _DEVICE.fullmatch(name):
        raise FormatError(f"the device id {name!r} is not 1 to 64 letters, digits, '_' or '-'")


def paths_of(role: str) -> tuple[str, ...]:
    """Return the patterns of the targets that a delegated role may name."""
    match role:
        case "director":
            return DIRECTOR_PATHS
        case "release":
            return ("*/*/*",)
        case _:
            return (f"{role}/*/*",)
