"""The files of the page: scripts, styles and pictures, read once.

All are below one folder that is named by the hash of all of them, so that browsers keep them for
ever, and modules find each other by their names.
"""

import functools
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
# Fetched at set-up: the page works without it, and says that it has no charts.
VENDOR: Final = HERE / "vendor"
VENDOR_FILES: Final = ("uPlot.esm.js", "uPlot.min.css")
_KINDS: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_DIGEST_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent.

    Attributes:
        kind: Its media type.
        packed: Its bytes by gzip.
    """

    kind: str
    data: bytes
    packed: bytes


@dataclass(frozen=True, slots=True)
class Files:
    """All files of the page.

    Attributes:
        digest: Of all of them.
        by_name: By their paths: `app.js`, `vendor/uPlot.esm.js`.
    """

    digest: str
    by_name: Mapping[str, File]

    @property
    def has_charts(self) -> bool:
        """Whether what was fetched at set-up is there."""
        return all(f"{VENDOR.name}/{name}" in self.by_name for name in VENDOR_FILES)


def read(static: Path = STATIC, vendor: Path = VENDOR) -> Files:
    """Return all files that are there."""
    found = {path.relative_to(static).as_posix(): path for path in static.rglob("*.*")}
    for name in VENDOR_FILES:
        if (vendor / name).is_file():
            found[f"{VENDOR.name}/{name}"] = vendor / name
    sha256 = hashlib.sha256()
    by_name = {}
    for name, path in sorted(found.items()):
        data = path.read_bytes()
        sha256.update(f"{name} {len(data)}\n".encode() + data)
        by_name[name] = File(_KINDS[path.suffix], data, gzip.compress(data, mtime=0))
    return Files(sha256.hexdigest()[:_DIGEST_DIGITS], by_name)


@functools.cache
def own() -> Files:
    """Return those of the program; packing them takes a while."""
    return read()
