"""The content key of a service: one hash of all that its image is made of, packages excepted.

The rule: a byte that can change the image changes the key. Debian packages are not in it; the lock
pins them, and who caches an image adds them.
"""

import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from edge import digest
from edge.errors import EdgeError, InputError
from edge.system.packaging import Packaging

FORMAT_VERSION = 1
_QUOTED_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)
_NOT_SOURCE = frozenset({"__pycache__"})


def inputs_digest(service_file: Path, packaging: Packaging) -> str:
    """Return the digest of the inputs of a service's image, the same on every machine.

    Args:
        service_file: Its service.yml; sources are relative to its folder.
        packaging: What it says.

    Raises:
        InputError: A file that the service names cannot be read.
    """
    inputs = sorted(_inputs(service_file, packaging))
    text = json.dumps([FORMAT_VERSION, inputs], separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def tree_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Give each file and link below a folder, by relative path in sorted order.

    Compiled Python is left out. A file alone gives itself, with the path "".
    """
    if not root.is_dir():
        yield "", root
        return
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if (path.is_symlink() or path.is_file()) and not _NOT_SOURCE & set(relative.parts):
            yield relative.as_posix(), path


def python_package(name: str) -> Path:
    """Return the folder of a Python package of this project that services may ship.

    Raises:
        EdgeError: It is not installed beside Edge.
    """
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise EdgeError(f"the Python package {name} is not installed", hint="run tools/setup")
    return Path(found.submodule_search_locations[0])


def included(source: Path) -> tuple[Path, ...]:
    """Return a C file and all that it includes in quotes, itself first, each once."""
    found: dict[Path, None] = {}
    waiting = [source]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found[path] = None
        names = _QUOTED_INCLUDE.findall(path.read_bytes())
        waiting += [Path(os.path.normpath(path.parent / os.fsdecode(name))) for name in names]
    return tuple(found)


def _inputs(service_file: Path, packaging: Packaging) -> Iterator[tuple[str, str, str]]:
    """Give (where it is from, what it is, digest of the content) for each input."""
    folder = service_file.parent
    yield service_file.name, "file", digest.of_file(service_file)
    for entry in packaging.files:
        if entry.source is not None:
            yield from _described(f"files/{entry.source}", folder / entry.source)
    for program in packaging.build.c:
        for source in program.sources:
            for path in included(folder / source):
                yield f"build/{os.path.relpath(path, folder)}", "file", digest.of_file(path)
    for name in packaging.python.packages:
        yield from _described(f"python/{name}", python_package(name))


def _described(label: str, root: Path) -> Iterator[tuple[str, str, str]]:
    try:
        for relative, path in tree_files(root):
            where = f"{label}/{relative}" if relative else label
            if path.is_symlink():
                yield where, "link", digest.of_bytes(os.fsencode(path.readlink()))
            else:
                kind = "program" if relative and os.access(path, os.X_OK) else "file"
                yield where, kind, digest.of_file(path)
    except OSError as error:
        raise InputError(f"{error.filename or root}: {error.strerror}") from error
