"""`edge factory rework`, `scrap`: a device is made again, or never used."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.cli import clock
from edge.cli.factory_verify import LINE
from edge.cli.output import Output

if TYPE_CHECKING:
    from edge.factory.books import Books
    from edge.factory.line import Line
    from edge.factory.rework import History

STATION = click.option("--station", required=True, help="The station whose ledger has it.")
OPERATOR = click.option("--operator", default="", help="Who says so.")
REASON = click.option("--reason", required=True, help="Why, for the record.")


def now_ms() -> int:
    """Return the time of what is written down."""
    return round(clock.of_wall().timestamp() * 1000)


@click.command()
@LINE
@click.argument("device")
@STATION
@REASON
@OPERATOR
@click.option("--new-board", is_flag=True, help="It gets another board, and keeps its id.")
@click.option("--serial", default="", help="With --new-board: what that board says of itself.")
@click.pass_obj
def rework(
    output: Output,
    *,
    line: Path,
    device: str,
    station: str,
    reason: str,
    operator: str,
    new_board: bool,
    serial: str,
) -> None:
    r"""Let DEVICE be made again at a station: it keeps its id, and gets a new key.

    Its board is taken when it is plugged in; with --new-board the next board that the line does not
    know. The certificate that it has is retired with the new record.

    \b
    Examples:
      edge factory rework line/ gw-000042 --station S1 --reason "new release"
      edge factory rework line/ gw-000042 --station S1 --reason "dead port" --new-board
    """
    from edge.factory import rework as doing

    if serial and not new_board:
        raise click.UsageError("--serial goes with --new-board")
    books, known = _opened(line, station, device)
    try:
        entry = doing.rework(
            books, known, operator=operator, reason=reason, new_board=new_board, serial=serial
        )
    finally:
        books.close()
    what = "its board" if entry.said.details["board"] == "same" else "another board"
    output.result(
        {"device": device, "station": station, "number": entry.n, **entry.said.details},
        f"{device}: made again when {what} is plugged in at {station}",
    )


@click.command()
@LINE
@click.argument("device")
@STATION
@REASON
@OPERATOR
@click.pass_obj
def scrap(
    output: Output, *, line: Path, device: str, station: str, reason: str, operator: str
) -> None:
    r"""Record that DEVICE is never to be used: no station takes it, and the console refuses it.

    \b
    Example:
      edge factory scrap line/ gw-000042 --station S1 --reason "fell down"
    """
    from edge.factory import rework as doing

    books, known = _opened(line, station, device)
    try:
        entry = doing.scrap(books, known, operator=operator, reason=reason)
    finally:
        books.close()
    output.result({"device": device, "station": station, "number": entry.n}, f"{device}: scrapped")


def _opened(folder: Path, station: str, device: str) -> "tuple[Books, History]":
    """Return the books of a station, open, and what the line knows of a device."""
    from edge.factory import line as lines
    from edge.factory import reading
    from edge.factory import rework as doing
    from edge.factory.books import open_books

    model: Line = lines.read(folder)
    known = doing.history(reading.of_line(folder, model), model, device)
    return open_books(folder, model, station, now_ms=now_ms), known
