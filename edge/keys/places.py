"""Where key rings are, and what a device is given of one: without all that signing needs."""

import os
from pathlib import Path
from typing import Final

KEYS_FILE: Final = "keys.json"
FIRST_ROOT: Final = "1.root.json"


def development_folder() -> Path:
    """Return the folder of this user's key ring for demos."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(base) / "edge" / "development-keys"


def first_root(folder: Path) -> bytes | None:
    """Return the first root of a key ring that is whole, as far as a look at its folder says."""
    if not (folder / KEYS_FILE).is_file() or not (folder / FIRST_ROOT).is_file():
        return None
    return (folder / FIRST_ROOT).read_bytes()
