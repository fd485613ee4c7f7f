"""SHA-256 of files and bytes, written as OCI digests (`sha256:<hex>`)."""

import hashlib
from pathlib import Path

ALGORITHM = "sha256"


def of_bytes(data: bytes) -> str:
    """Return the digest of `data`."""
    return f"{ALGORITHM}:{hashlib.sha256(data).hexdigest()}"


def of_file(path: Path) -> str:
    """Return the digest of a file, read in pieces."""
    with path.open("rb") as stream:
        return f"{ALGORITHM}:{hashlib.file_digest(stream, ALGORITHM).hexdigest()}"
