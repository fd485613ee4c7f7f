"""Read the ledgers of a line without changing them: every chain followed, every entry right."""

from collections.abc import Iterator
from pathlib import Path

from edge.errors import UntrustedError
from edge.factory import ids
from edge.factory.audit import Audit
from edge.factory.entry import Entry
from edge.factory.ledger import entries
from edge.factory.ledger_files import ReadFiles
from edge.factory.line import Line, station_folder, station_names


def of_station(folder: Path, line: Line, station: str) -> Iterator[Entry]:
    """Give the entries of one station.

    Raises:
        UntrustedError: Its ledger is damaged, or was changed.
    """
    place = station_folder(folder, station)
    try:
        yield from entries(ReadFiles(place), line.line, station)
    except UntrustedError as error:
        raise UntrustedError(f"{place}: {error}", hint=error.hint) from error


def of_line(folder: Path, line: Line) -> Iterator[Entry]:
    """Give the entries of all stations, one station after the other.

    Raises:
        UntrustedError: A ledger is damaged, or was changed.
    """
    for station in station_names(folder):
        yield from of_station(folder, line, station)


def findings(folder: Path, line: Line) -> tuple[list[str], dict[str, int]]:
    """Return what is wrong in a line, and how many entries each station has.

    A ledger that is damaged is one finding; the others are looked at all the same.
    """
    audit = Audit(line, ids.read(folder))
    counts: dict[str, int] = {}
    for station in station_names(folder):
        counts[station] = 0

        def counted(name: str = station) -> Iterator[Entry]:
            for entry in of_station(folder, line, name):
                counts[name] += 1
                yield entry

        try:
            audit.take(counted())
        except UntrustedError as error:
            audit.findings.append(str(error))
    return audit.findings, counts
