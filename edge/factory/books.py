"""The books of one station: its ledger, what is known from it, and the ids that it may give."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.errors import ThingNotFoundError
from edge.factory import ids as ranges
from edge.factory.entry import Entry, Kind, Said
from edge.factory.ids import Ids
from edge.factory.ledger import Ledger, Storage
from edge.factory.ledger_files import StationFiles
from edge.factory.line import Line, station_folder, station_names
from edge.factory.records import FAILED, Index
from edge.factory.spans import Span

_CUT_SHORT = "the station went out"


@dataclass(frozen=True, slots=True)
class Books:
    """What a station writes down and looks up.

    Attributes:
        ledger: Its ledger, ours alone.
        index: What the ledger says.
        ids: Those it may give; None where ids come from elsewhere.
    """

    ledger: Ledger
    index: Index
    ids: Ids | None

    def close(self) -> None:
        """Let others open them."""
        self.ledger.close()

    def end_open_runs(self) -> int:
        """Write down that runs which a power cut ended have failed; return how many.

        Raises:
            EdgeError: The ledger takes no more.
        """
        found = list(self.index.open.values())
        for one in found:
            details = {"result": FAILED, "step": "", "reason": _CUT_SHORT}
            self.ledger.append(Said(Kind.END, one.unit, one.device, one.port, details=details))
        return len(found)


def open_books(folder: Path, line: Line, station: str, *, now_ms: Callable[[], int]) -> Books:
    """Open the books of a station.

    Raises:
        ThingNotFoundError: There is no such station.
        RefusedError: Another process has them.
        UntrustedError: The ledger is damaged.
    """
    place = station_folder(folder, station)
    if not place.is_dir():
        known = ", ".join(station_names(folder)) or "none yet"
        raise ThingNotFoundError(
            f"there is no station {station!r} in {folder}; there are: {known}",
            hint=f"add it: edge factory station add {folder} {station}",
        )
    own = [one for one in ranges.read(folder) if one.station == station]
    span = line.ids.span if line.ids.source == "range" else None
    return books(StationFiles(place), line, station, span, own, now_ms=now_ms)


def books(
    storage: Storage,
    line: Line,
    station: str,
    span: Span | None,
    own: list[ranges.Range],
    *,
    now_ms: Callable[[], int],
) -> Books:
    """Open books that are in `storage`, which is closed if that fails."""
    index = Index()
    ids = Ids(span, own) if span else None

    def visit(entry: Entry) -> None:
        index.see(entry)
        if ids is not None and entry.said.device:
            ids.saw(entry.said.device)

    try:
        ledger = Ledger(storage, line=line.line, station=station, now_ms=now_ms, visit=visit)
    except BaseException:
        storage.close()
        raise
    return Books(ledger, index, ids)
