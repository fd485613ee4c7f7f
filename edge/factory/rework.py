"""Devices that are made again, or never shall be used: said in the ledger, done at the station."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from edge.errors import RefusedError, ThingNotFoundError
from edge.factory.books import Books
from edge.factory.entry import Entry, Kind, Said
from edge.factory.line import Line
from edge.factory.made import Fate
from edge.factory.records import GOOD, RECORD_KEYS

_OF_IDENTITY: Final[tuple[str, ...]] = ("key", "certificate")


@dataclass(slots=True)
class History:
    """What all ledgers of a line say of one device.

    Attributes:
        device: Its id.
        serial: Of its board, the newest.
        fate: None until it was good once, or was scrapped.
        certificates: The numbers of all that were issued for it.
        record: What was last recorded of it, as far as it came.
        at: Where it was last seen: station and number of the entry.
    """

    device: str
    serial: str = ""
    fate: Fate | None = None
    certificates: tuple[str, ...] = ()
    record: dict[str, Any] | None = None
    at: tuple[str, int] | None = None

    def see(self, entry: Entry, line: Line) -> None:
        """Take an entry of the device, those of one station in their order."""
        details = entry.said.details
        self.at = (entry.station, entry.n)
        if entry.said.kind is Kind.START:
            self.serial = str(details.get("board_serial", ""))
            empty = dict.fromkeys(RECORD_KEYS, "")
            own = {"line": line.line, "product": line.product, "board": line.board}
            self.record = {**empty, "retired": [], "tests": {}, **own}
            self.record |= {"board_serial": self.serial, "order": details.get("order", "")}
        if entry.said.kind is Kind.STEP and self.record is not None:
            self.record |= {key: details[key] for key in _OF_IDENTITY if key in details}
            if isinstance(number := details.get("certificate_serial"), str):
                self.certificates = (*self.certificates, number)
                self.record["retired"] = list(self.certificates[:-1])
        if entry.said.kind is Kind.END and details.get("result") == GOOD:
            self.fate = Fate.GOOD
            self.record = {key: details[key] for key in RECORD_KEYS}
        if entry.said.kind is Kind.SCRAP:
            self.fate = Fate.SCRAPPED


def history(entries: Iterable[Entry], line: Line, device: str) -> History:
    """Return what is known of a device.

    Args:
        entries: Of all stations of the line.
        line: Its file.
        device: The id.

    Raises:
        ThingNotFoundError: The line has never made it.
    """
    found = History(device)
    ordered = sorted(
        (one for one in entries if one.said.device == device),
        key=lambda one: (one.at_ms, one.station, one.n),
    )
    for entry in ordered:
        found.see(entry, line)
    if found.at is None:
        raise ThingNotFoundError(f"{device}: this line has no record of it")
    return found


def scrap(books: Books, known: History, *, operator: str, reason: str) -> Entry:
    """Write down that a device is never to be used; its certificates are retired with it.

    Raises:
        RefusedError: It was scrapped before.
    """
    if known.fate is Fate.SCRAPPED:
        raise RefusedError(f"{known.device} was scrapped before")
    details = {**(known.record or {}), "reason": reason, "board_serial": known.serial}
    if known.certificates:
        details["retired"] = list(known.certificates)
    said = Said(Kind.SCRAP, device=known.device, operator=operator, details=details)
    return books.ledger.append(said)


def rework(
    books: Books,
    known: History,
    *,
    operator: str,
    reason: str,
    new_board: bool = False,
    serial: str = "",
) -> Entry:
    """Write down that a device is to be made again: with the same id, and with a new key.

    Args:
        books: Of the station where it will be plugged in.
        known: The device.
        operator: Who says so.
        reason: Why.
        new_board: It gets another board, the next one that this station does not know.
        serial: What that board says of itself, if that is known.

    Raises:
        RefusedError: It was scrapped, or the new board is the old one.
    """
    if known.fate is Fate.SCRAPPED:
        raise RefusedError(f"{known.device} was scrapped", hint="a new board gets a new id")
    if serial and serial == known.serial:
        raise RefusedError(f"{serial} is the board that it has", hint="leave --new-board out")
    other = books.index.of_serial(serial) if serial else None
    if other is not None:
        raise RefusedError(f"the board {serial} is {other.device}", hint="scrap that one first")
    is_known = bool(known.serial) and not new_board
    details = {
        "reason": reason,
        "board": "same" if is_known else "new",
        "board_serial": serial,
        "serial_before": known.serial,
        "certificates": list(known.certificates),
    }
    said = Said(Kind.REWORK, device=known.device, operator=operator, details=details)
    return books.ledger.append(said)
