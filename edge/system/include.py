"""`include:` of system files: other files that come before a file's own.

A file that is included twice counts once. Relative paths begin in the folder of the file that
names them. A circle is an error that shows the whole chain.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import EdgeError, Problem
from edge.strict.document import Parsed, read_text

_DEPTH_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Chain:
    """The files on the way to one, itself last: real paths, and what errors call them."""

    paths: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: Path) -> "Chain":
        """Return the chain of a file that is not included."""
        return cls((path.resolve(),), (str(path),))

    def with_file(self, path: Path, name: str) -> "Chain":
        """Return the chain of a file that the last one includes."""
        return Chain((*self.paths, path.resolve()), (*self.names, name))


@dataclass(frozen=True, slots=True)
class Included:
    """A file to read: how errors call it, its text, where its paths begin, and how it came in."""

    name: str
    text: str
    base: Path
    chain: Chain


@dataclass(slots=True)
class Includer:
    """Finds what files include, each once."""

    _seen: set[Path] = field(default_factory=set)

    def files(
        self, parsed: Parsed, base: Path, chain: Chain, problems: list[Problem]
    ) -> Iterator[Included]:
        """Give the files that a file includes, in their order; mistakes go to `problems`."""
        self._seen.update(chain.paths[-1:])
        listed = parsed.root.child("include")
        for step, node in listed.children() if listed is not None else ():
            if not isinstance(node.value, str) or not node.value or "://" in node.value:
                continue  # the model tells
            path = base / Path(node.value).expanduser()
            name = os.path.normpath(Path(parsed.name).parent / Path(node.value).expanduser())
            try:
                found = self._file(path, name, chain)
            except EdgeError as error:
                problem = parsed.problem(("include", step), str(error), hint=error.hint)
                problems.append(problem)
            else:
                yield from [found] if found else []

    def _file(self, path: Path, name: str, chain: Chain) -> Included | None:
        real = path.resolve()
        if real in chain.paths:
            first = chain.paths.index(real)
            circle = " includes ".join([*chain.names[first:], name])
            raise EdgeError(f"a circle: {circle}", hint="take one of them out")
        if len(chain.paths) >= _DEPTH_AT_MOST:
            raise EdgeError(f"files include each other more than {_DEPTH_AT_MOST} deep")
        if real in self._seen:
            return None
        if not path.is_file():
            raise EdgeError(f"there is no file {name!r}")
        text = read_text(path)
        return Included(name, text, path.parent.absolute(), chain.with_file(path, name))
