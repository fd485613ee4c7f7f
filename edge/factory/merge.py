"""Bring copies of a line together: each station's ledger is as long as the longest copy of it.

Nothing is lost: of two ledgers that differ both are kept, and it is told.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from edge import atomic
from edge.errors import InputError, UntrustedError
from edge.factory import ids, reading
from edge.factory.ledger import FILE, HEAD, Head, entries
from edge.factory.ledger_files import ReadFiles, StationFiles
from edge.factory.line import Line, read, station_folder, station_names


@dataclass(frozen=True, slots=True)
class Merged:
    """What was brought together.

    Attributes:
        added: How many entries each station got.
        diverged: Stations whose ledgers differ, and where the other one was put.
        findings: What is wrong in the whole.
    """

    added: dict[str, int]
    diverged: dict[str, str]
    findings: list[str]


def merge(folder: Path, other: Path) -> Merged:
    """Bring what another copy of a line has more into this one.

    Raises:
        InputError: It is a copy of another line.
        UntrustedError: A ledger of the other copy is damaged: nothing of that station is taken.
        RefusedError: A station that would get more is at work here.
    """
    line, theirs = read(folder), read(other)
    if (line.line, line.product) != (theirs.line, theirs.product):
        raise InputError(
            f"{other} is the line {theirs.line} of {theirs.product}, and {folder} {line.line}"
            f" of {line.product}"
        )
    _merge_ranges(folder, other)
    added: dict[str, int] = {}
    diverged: dict[str, str] = {}
    for station in station_names(other):
        count, aside = _merge_station(folder, other, line, station)
        added[station] = count
        if aside:
            diverged[station] = aside
    findings = reading.verified(folder, line).findings
    findings += [
        f"{name} has two ledgers: {aside} is the other" for name, aside in diverged.items()
    ]
    return Merged(added, diverged, findings)


def _merge_ranges(folder: Path, other: Path) -> None:
    own, theirs = ids.read(folder), ids.read(other)
    if new := [one for one in theirs if one not in own]:
        ids.write(folder, (*own, *new))


def _merge_station(folder: Path, other: Path, line: Line, station: str) -> tuple[int, str]:
    """Return how many entries are new, and where a ledger that differs was put."""
    source = station_folder(other, station)
    theirs = _heads(source, line, station)
    place = station_folder(folder, station)
    place.mkdir(parents=True, exist_ok=True)
    files = StationFiles(place)
    try:
        own = _heads(place, line, station)
        shared = min(len(own), len(theirs))
        if own[:shared] != theirs[:shared]:
            return 0, _put_aside(source, place)
        if len(theirs) <= len(own):
            return 0, ""
        for number, text in enumerate(ReadFiles(source).lines(), 1):
            if len(own) < number <= len(theirs):
                files.append(text)
        _copy_beside(source, files)
        files.write(HEAD, Head(len(theirs), theirs[-1]).document())
        return len(theirs) - len(own), ""
    finally:
        files.close()


def _heads(place: Path, line: Line, station: str) -> list[str]:
    """Return the digests of all entries."""
    try:
        return [one.digest for one in entries(ReadFiles(place), line.line, station)]
    except UntrustedError as error:
        raise UntrustedError(f"{place}: {error}", hint=error.hint) from error


def _put_aside(source: Path, place: Path) -> str:
    data = (source / FILE).read_bytes()
    name = f"diverged-{hashlib.sha256(data).hexdigest()[:16]}.jsonl"
    with atomic.file(place / name) as stream:
        stream.write(data)
    return name


def _copy_beside(source: Path, files: StationFiles) -> None:
    """Bring what power cuts left half written, which the ledger names."""
    there = ReadFiles(source)
    for name in there.names():
        if name.startswith("torn-") and files.read(name) is None:
            files.write(name, there.read(name) or b"")
