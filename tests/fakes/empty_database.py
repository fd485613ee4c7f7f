"""An empty database of a console: made by its migrations once, and copied from then on."""

import functools
import tempfile
from pathlib import Path

from edge.console.store.database import Database


def put(file: Path) -> None:
    """Write it to a file, if there is none."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(_content())


@functools.cache
def _content() -> bytes:
    with tempfile.TemporaryDirectory(prefix="empty-") as folder:
        file = Path(folder) / "console.db"
        Database(f"sqlite:///{file}").close()
        return file.read_bytes()
