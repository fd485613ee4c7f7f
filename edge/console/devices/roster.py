"""Lists of devices as files that people edit: CSV for a table program, JSON for other programs.

Columns `device`, `certificate`, `tags`, `groups`, `notes` and `attr.NAME` are read; what the
console finds out by itself (`state`, `version` …) is written, and ignored when it comes back. A
cell that a table program would take for a formula has a `'` before it in the file.

Source: RFC 4180; OWASP, "CSV Injection".
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from edge.errors import InputError

_ATTRIBUTE: Final = "attr."
_LISTS: Final = ("tags", "groups")
_READ: Final = ("device", "certificate", *_LISTS, "notes")
_TOLD: Final = (
    "state",
    "board",
    "product",
    "version",
    "services",
    "slot",
    "phase",
    "reason",
    "is_online",
    "last_seen_s",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True, slots=True)
class Entry:
    """A device of a list.

    Attributes:
        line: Where it is in the file, from 1; 0 if that is not known.
        certificate: SHA-256 in hex; empty if not known.
    """

    device: str
    certificate: str = ""
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    notes: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    line: int = 0

    def object(self) -> dict[str, object]:
        """Return it as the API takes it."""
        facts = asdict(self)
        del facts["line"]
        lists = {"tags": list(self.tags), "groups": list(self.groups)}
        return {**facts, **lists, "certificate": self.certificate or None}


def read(data: bytes, place: str) -> list[Entry]:
    """Return the devices of a file, CSV or JSON.

    Raises:
        InputError: It is neither, or a device is not said as it should be.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: no UTF-8 at byte {error.start}") from error
    found = _of_json(text, place) if text.lstrip()[:1] in ("{", "[") else _of_csv(text, place)
    seen: dict[str, Entry] = {}
    for one in found:
        if one.device in seen:
            raise InputError(f"{_at(place, one)}: {one.device!r} is there twice")
        seen[one.device] = one
    return found


def write_csv(devices: Sequence[Mapping[str, Any]]) -> str:
    """Return devices, as the API tells them, as CSV."""
    names = sorted({name for one in devices for name in one["attributes"]})
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([*_READ, *(f"{_ATTRIBUTE}{name}" for name in names), *_TOLD])
    for one in devices:
        read_cells = [
            " ".join(one[name]) if name in _LISTS else str(one[name] or "") for name in _READ
        ]
        cells = [one["attributes"].get(name, "") for name in names]
        writer.writerow(
            [_shielded(cell) for cell in (*read_cells, *cells, *(_told(one[n]) for n in _TOLD))]
        )
    return stream.getvalue()


def _of_csv(text: str, place: str) -> list[Entry]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(row)]
    except csv.Error as error:
        raise InputError(f"{place}:{reader.line_num}: {error}") from error
    if not rows:
        raise InputError(f"{place}: empty", hint="the first line names the columns: device,tags")
    head = [name.strip() for name in rows[0][1]]
    _check_head(head, place)
    found = []
    for line, row in rows[1:]:
        if len(row) != len(head):
            raise InputError(f"{place}:{line}: {len(row)} cells where the head has {len(head)}")
        cells = {name: _bare(cell) for name, cell in zip(head, row, strict=True)}
        found.append(_entry(cells, line))
    return found


def _check_head(head: Iterable[str], place: str) -> None:
    names = list(head)
    if "device" not in names:
        raise InputError(f"{place}:1: no column 'device'")
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{place}:1: column {name!r} is there twice")
        if name not in (*_READ, *_TOLD) and not name.startswith(_ATTRIBUTE):
            raise InputError(
                f"{place}:1: there is no column {name!r}",
                hint=f"known: {', '.join(_READ)}, {_ATTRIBUTE}NAME",
            )


def _entry(cells: Mapping[str, str], line: int) -> Entry:
    attributes = {
        name.removeprefix(_ATTRIBUTE): cell
        for name, cell in cells.items()
        if name.startswith(_ATTRIBUTE) and cell
    }
    return Entry(
        device=cells["device"].strip(),
        certificate=cells.get("certificate", "").strip(),
        tags=tuple(cells.get("tags", "").split()),
        groups=tuple(cells.get("groups", "").split()),
        notes=cells.get("notes", ""),
        attributes=attributes,
        line=line,
    )


def _of_json(text: str, place: str) -> list[Entry]:
    try:
        said = json.loads(text)
    except ValueError as error:
        raise InputError(f"{place}: no JSON: {error}") from error
    listed = said.get("devices") if isinstance(said, dict) else said
    if not isinstance(listed, list):
        raise InputError(f"{place}: no list of devices")
    return [_of_object(one, f"{place}: devices[{number}]") for number, one in enumerate(listed)]


def _of_object(said: object, place: str) -> Entry:
    if not isinstance(said, dict) or not isinstance(said.get("device"), str):
        raise InputError(f"{place}: no object with a 'device'")
    attributes = said.get("attributes") or {}
    texts = {name: said.get(name) or "" for name in ("certificate", "notes")}
    lists = {name: said.get(name) or [] for name in _LISTS}
    if not _are_texts(texts.values()) or not isinstance(attributes, dict):
        raise InputError(f"{place}: certificate and notes are texts, attributes an object")
    if not _are_texts(attributes.values()):
        raise InputError(f"{place}.attributes: values are texts")
    for name, one in lists.items():
        if not isinstance(one, list) or not _are_texts(one):
            raise InputError(f"{place}.{name}: not a list of texts")
    return Entry(
        said["device"],
        texts["certificate"],
        tuple(lists["tags"]),
        tuple(lists["groups"]),
        texts["notes"],
        dict(attributes),
    )


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(one, str) for one in values)


def _shielded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


def _told(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return " ".join(f"{name}={one}" for name, one in value.items())
        case _:
            return str(value)


def _at(place: str, one: Entry) -> str:
    return f"{place}:{one.line}" if one.line else place
