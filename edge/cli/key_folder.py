"""The key folder of a command, and the root that a build gives to its devices."""

from pathlib import Path

from edge.keys.places import development_folder, first_root

KEYS = Path("keys")


def chosen(folder: Path | None) -> Path | None:
    """Return the folder given, else `keys/` if it is here, else None: the development keys."""
    return KEYS if folder is None and KEYS.is_dir() else folder


def trusted_root(folder: Path | None) -> bytes:
    """Return what devices trust, without opening the key ring where that is not needed.

    Raises:
        EdgeError: The folder holds no key ring, or one without a root.
    """
    found = first_root(chosen(folder) or development_folder())
    if found is not None:
        return found
    from edge.cli import trusted  # what keys need is not for each build

    return trusted.key_ring(folder).trusted_root()
