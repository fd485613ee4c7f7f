"""Debian's names of licences as SPDX licence expressions.

Source: SPDX 2.3, annex D (expressions), and the SPDX licence list; DEP-5 for Debian's names. What
has no name on the list becomes a `LicenseRef` of the package, with its text where there is one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from edge import digest
from edge.debian import copyright
from edge.debian.copyright import Copyright

_GNU = re.compile(r"(A?GPL|LGPL|GFDL)-?v?([1-3])(?:\.([0-9]))?(\+|-or-later|-only)?", re.IGNORECASE)
# Debian's name in small letters; "BSD" and "MIT" alone name several texts and are left out.
_NAMES: Final = {
    "apache-2": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "artistic-2.0": "Artistic-2.0",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-4-clause": "BSD-4-Clause",
    "bsl-1.0": "BSL-1.0",
    "cc0-1.0": "CC0-1.0",
    "expat": "MIT",
    "fsfap": "FSFAP",
    "fsful": "FSFUL",
    "fsfullr": "FSFULLR",
    "isc": "ISC",
    "mpl-1.1": "MPL-1.1",
    "mpl-2.0": "MPL-2.0",
    "openssl": "OpenSSL",
    "psf-2": "PSF-2.0",
    "unlicense": "Unlicense",
    "x11": "X11",
    "zlib": "Zlib",
}
_JOINED = re.compile(r"\s+(and/or|and|or)\s+", re.IGNORECASE)
_GROUPED = re.compile(r",\s*(?:(and|or)\s+)?", re.IGNORECASE)
_NOT_ID = re.compile(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True, slots=True)
class Declared:
    """An SPDX expression, and the text of each LicenseRef in it."""

    expression: str
    texts: Mapping[str, str]


@cache
def recipe() -> str:
    """Return a hash of how licences are read, for keys of what was read."""
    return " ".join(digest.of_file(Path(file)) for file in (__file__, copyright.__file__))


def declared(package: str, found: Copyright) -> Declared:
    """Return what a package declares: the licences of all its files, joined by AND."""
    texts: dict[str, str] = {}
    expressions = sorted({_expression(one, package, found, texts) for one in found.licences})
    if len(expressions) > 1:
        expressions = [f"({one})" if " " in one else one for one in expressions]
    return Declared(" AND ".join(expressions), texts)


def _expression(text: str, package: str, found: Copyright, texts: dict[str, str]) -> str:
    """Return one field: commas part groups, in a group `and` binds more than `or`, as in SPDX."""
    groups = []
    operators = []
    for group, operator in _split(_GROUPED, text):
        words = [_licence(name, package, found, texts) + after for name, after in _parts(group)]
        groups.append("".join(words))
        operators.append(operator)
    if len(groups) == 1:
        return groups[0]
    wrapped = [f"({group})" if " " in group else group for group in groups]
    joined = [
        f"{one} {operator.upper() or 'AND'} "
        for one, operator in zip(wrapped, operators, strict=True)
    ]
    return "".join(joined[:-1]) + wrapped[-1]


def _parts(group: str) -> Iterator[tuple[str, str]]:
    for name, operator in _split(_JOINED, group):
        word = "OR" if operator.lower() == "or" else "AND"
        yield name, f" {word} " if operator else ""


def _split(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    """Give each part of a text with the operator after it, "" after the last one."""
    start = 0
    for found in pattern.finditer(text):
        yield text[start : found.start()].strip(), found[1] or ""
        start = found.end()
    yield text[start:].strip(), ""


def _licence(name: str, package: str, found: Copyright, texts: dict[str, str]) -> str:
    if gnu := _GNU.fullmatch(name):
        family, major, minor, later = gnu.groups()
        suffix = "or-later" if later in ("+", "-or-later") else "only"
        return f"{family.upper()}-{major}.{minor or 0}-{suffix}"
    if name.lower() in _NAMES:
        return _NAMES[name.lower()]
    reference = f"LicenseRef-{_id(package)}-{_id(name.replace('+', '-or-later'))}"
    texts[reference] = found.texts.get(name, f"{name}: see the copyright file of {package}").strip()
    return reference


def _id(text: str) -> str:
    return _NOT_ID.sub("-", text).strip("-") or "unnamed"
