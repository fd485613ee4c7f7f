"""SBOMs and what differs between two, as tables for people.

All of it is text of strangers: what can not be seen is written out (`visible`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from edge.cli.table import table, visible
from edge.sbom.choosing import SYSTEM_WORD
from edge.sbom.difference import Kind

# Beyond this a licence expression is of no use in a table; --json has all of it.
_LICENCE_MOST: Final = 60
_SIGNS: Final = {
    Kind.ADDED: "+",
    Kind.REMOVED: "-",
    Kind.CHANGED: "~",
    Kind.REBUILT: "~",
    Kind.MOVED: ">",
}
_SAME: Final = {Kind.REBUILT: "the same, built anew", Kind.MOVED: "the same"}


def package_lines(packages: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a table of packages."""
    rows = [
        (
            visible(one["name"]),
            visible(one["version"]),
            visible(one["architecture"]),
            _licence(one["licence"]),
            _places(one["places"]),
        )
        for one in packages
    ]
    return table(("package", "version", "for", "licence", "in"), rows) if rows else ["no packages"]


def service_lines(services: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a table of services."""
    rows = [
        (visible(one["name"]), visible(one["version"]), str(one["packages"])) for one in services
    ]
    return table(("service", "image", "packages"), rows, right={2}) if rows else ["no services"]


def difference_lines(
    services: Sequence[Mapping[str, Any]], packages: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return what differs, one line each: `+` added, `-` removed, `~` changed, `>` moved."""
    if not services and not packages:
        return ["the same services and packages"]
    lines = []
    if services:
        head = ("", "service", "from", "to", "packages")
        lines += table(head, [_service(one) for one in services], right={4})
    if packages:
        lines += [""] if lines else []
        head = ("", "package", "from", "to", "in")
        lines += table(head, [_package(one) for one in packages])
    counts = {kind: sum(one["kind"] == kind for one in packages) for kind in Kind}
    told = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)
    return [*lines, "", f"packages: {told or 'the same'}"]


def _service(one: Mapping[str, Any]) -> tuple[str, ...]:
    before, after = visible(one["before"]) or "-", visible(one["after"]) or "-"
    told = str(one["packages"])
    if one["kind"] == Kind.CHANGED and not one["packages"]:
        told = "own files"
    return (_SIGNS[Kind(one["kind"])], visible(one["name"]), before, after, told)


def _package(one: Mapping[str, Any]) -> tuple[str, ...]:
    where = _places(one["places"])
    if one["joined"]:
        where += f"; new in {_places(one['joined'])}"
    if one["left"]:
        where += f"; no longer in {_places(one['left'])}"
    after = _SAME.get(one["kind"]) or _versions(one["after"])
    sign, name = _SIGNS[Kind(one["kind"])], visible(one["name"])
    return (sign, name, _versions(one["before"]), after, where)


def _versions(versions: Sequence[str]) -> str:
    return ", ".join(visible(one) or "?" for one in versions) or "-"


def _places(places: Iterable[str]) -> str:
    return ", ".join(visible(one) or SYSTEM_WORD for one in places)


def _licence(text: str) -> str:
    told = visible(text) or "-"
    return told if len(told) <= _LICENCE_MOST else f"{told[: _LICENCE_MOST - 2]} …"
