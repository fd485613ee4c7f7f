"""Read the ledgers of a line without changing them: every chain followed, every entry right."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.errors import UntrustedError
from edge.factory import ids
from edge.factory.audit import Audit
from edge.factory.certificates import CertificateAudit
from edge.factory.entry import Entry
from edge.factory.identity import authority
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


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found in a line.

    Attributes:
        findings: What is wrong, a sentence each.
        counts: How many entries each station has.
        has_authority: Whether certificates could be looked at: the line knows its factory.
    """

    findings: list[str]
    counts: dict[str, int]
    has_authority: bool


def verified(folder: Path, line: Line) -> Verified:
    """Look at all that a line has written down.

    A ledger that is damaged is one finding; the others are looked at all the same.
    """
    audit = Audit(line, ids.read(folder))
    has_authority = (folder / authority.CERTIFICATE).exists()
    certificates = CertificateAudit(authority.trusted(folder)) if has_authority else None
    counts = dict.fromkeys(station_names(folder), 0)
    findings: list[str] = []
    for station in counts:
        try:
            for entry in of_station(folder, line, station):
                counts[station] += 1
                audit.take(entry)
                for found in certificates.look(entry) if certificates else ():
                    findings.append(f"{station} entry {entry.n}: {found}")
        except UntrustedError as error:
            findings.append(str(error))
    return Verified([*audit.findings, *findings], counts, has_authority)
