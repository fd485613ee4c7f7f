"""Folders of the user (XDG base directories) and of this project."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
_INSTALLED = {
    "boards": "_boards",
    "device-agent/services": "_services",
    "device-agent/init": "_init",
}


def cache_folder() -> Path:
    """Return the folder of all that can be fetched or made again; `EDGE_CACHE` moves it."""
    if own := os.environ.get("EDGE_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "edge"


def shipped(folder: str) -> Path:
    """Return a data folder that ships with Edge: from the checkout, else from the wheel."""
    checkout = PROJECT / folder
    return checkout if checkout.is_dir() else Path(__file__).parent / _INSTALLED[folder]
