"""`edge factory check`: whether a station has all that its shift needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.cli import clock
from edge.cli.factory_rework import now_ms
from edge.cli.factory_run import image_words
from edge.cli.factory_verify import LINE
from edge.cli.output import Output
from edge.errors import ThingNotFoundError

if TYPE_CHECKING:
    from edge.cli.factory_steps import FlashWords
    from edge.factory.books import Books
    from edge.factory.checking import Check, Finding
    from edge.factory.line import Line


@click.command()
@LINE
@click.option("--station", required=True, help="Which work place this is.")
@click.option(
    "--port",
    "places",
    multiple=True,
    metavar="TARGET",
    help="A place for boards, as for run; several times.",
)
@image_words
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def check(
    output: Output,
    *,
    line: Path,
    station: str,
    places: tuple[str, ...],
    root: Path | None,
    keys: Path | None,
    unsigned: bool,
    boot_files: Path | None,
    loader: Path | None,
    as_json: bool,
) -> None:
    r"""Say before the shift whether the station of the folder LINE has all that it needs.

    Image, certificates, ids, printer, commands of steps, room on the disk and the named ports:
    a line each. No label is printed and no board touched. The status is that of the first thing
    that is wrong.

    \b
    Examples:
      edge factory check line/ --station S1
      edge factory check line/ --station S1 --port usb:1-1.1 --json
    """
    from edge.cli.factory_steps import FlashWords
    from edge.cli.flash_boards import UsbOptions
    from edge.factory import checking
    from edge.factory import line as lines
    from edge.flash.methods.serial_options import SerialOptions

    output.as_json |= as_json
    usb = UsbOptions(boot_files=boot_files, loader=loader)
    words = FlashWords(root, keys, unsigned, SerialOptions(), usb)
    model = lines.read(line)
    with _opened(line, model, station) as books:
        asked = Asked(line, model, books, words, clock.of_wall())
        found = list(checking.findings(asked.checks() | asked.of_ports(places)))
    facts = [_facts(one) for one in found]
    status = next((one["status"] for one in facts if one["status"]), 0)
    output.result({"ok": not status, "checks": facts}, "\n".join(_lines(found)))
    click.get_current_context().exit(status)


@contextmanager
def _opened(folder: Path, line: "Line", station: str) -> Iterator["Books"]:
    """Give the books of a station as `run` opens them: nobody else has them meanwhile."""
    from edge.factory.books import open_books

    books = open_books(folder, line, station, now_ms=now_ms)
    try:
        yield books
    finally:
        books.close()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at.

    Attributes:
        folder: Of the line.
        line: What it makes.
        books: Of the station.
        words: What was said of flashing.
        now: The time in UTC.
    """

    folder: Path
    line: "Line"
    books: "Books"
    words: "FlashWords"
    now: datetime

    def checks(self) -> "dict[str, Check]":
        """Return what is to be looked at, by name."""
        from edge.factory import checking
        from edge.factory.identity.station import StationAuthority, open_station
        from edge.factory.line import station_folder
        from edge.keys.secrets import nobody

        folder, line, books = self.folder, self.line, self.books
        place = station_folder(folder, books.ledger.station)

        def authority() -> StationAuthority:
            return open_station(place, nobody)

        found: dict[str, Check] = {
            "image": self._image,
            "first settings": self._settings,
            "server CA": self._server_ca,
            "station": lambda: checking.certificates_left(authority(), self.now),
            "factory": lambda: checking.factory_certificate(folder, authority(), self.now),
            "ids": lambda: checking.ids_left(books),
            "room": lambda: checking.room(place),
        }
        for step in line.steps:
            if step.run:
                found[f"step {step.step}"] = partial(checking.command, folder, step)
        if any(one.step == "label" for one in line.steps):
            span = line.ids.span
            device = span.name(span.last) if span else "0" * 12
            found["printer"] = partial(checking.printer, folder, line, device)
        return found

    def of_ports(self, places: tuple[str, ...]) -> "dict[str, Check]":
        """Return what is to be looked at for each port."""
        return {f"port {one}": partial(self._port, one) for one in dict.fromkeys(places)}

    def _settings(self) -> str:
        from edge.cli import factory_steps

        found = factory_steps.settings(self.folder, self.line)("device")
        return f"{len(found)} files beside the identity"

    def _image(self) -> str:
        from edge.cli import factory_steps

        facts = factory_steps.image(self.folder, self.line, self.words).facts
        signer = f"signed by {facts.signer}" if facts.signer else "signed by nobody"
        return f"{facts.name}: {facts.version or 'no version'}, {signer}"

    def _server_ca(self) -> str:
        from edge.factory import checking

        checking.server_ca(self.folder, self.line, self.now)
        return str(self.folder / self.line.server_ca)

    def _port(self, text: str) -> str:
        from edge.board import search
        from edge.cli import flash_boards
        from edge.factory import target_ports
        from edge.flash.rpi import boot_files
        from edge.flash.targets import BoardTarget, DiskTarget, PortTarget, SerialTarget
        from edge.flash.way import Way

        target, flash = target_ports.checked(text), search.find(self.line.board).flash
        match target:
            case PortTarget() | BoardTarget(way=Way.RPIBOOT) if flash.rpiboot is not None:
                return f"boot files in {boot_files.folder(self.words.usb.boot_files)}"
            case BoardTarget(way=Way.SDP):
                file = flash_boards.required_loader(self.words.usb.loader, text)
                return f"a boot loader of {len(flash_boards.loader(file))} bytes"
            case SerialTarget(place=path) | DiskTarget(path=path) if path.startswith("/"):
                if not Path(path).exists():
                    raise ThingNotFoundError(f"{path}: no such file", hint="is it plugged in?")
                return "it is there"
            case _:
                return "it can be one"


def _facts(one: "Finding") -> dict[str, Any]:
    from edge.cli.main import status_of

    return {
        "check": one.name,
        "text": one.text,
        "hint": one.error.hint if one.error else None,
        "status": status_of(one.error) if one.error else 0,
    }


def _lines(found: "list[Finding]") -> list[str]:
    lines = []
    for one in found:
        lines.append(f"{'✗' if one.error else '✓'} {one.name}: {one.text}")
        if one.error and one.error.hint:
            lines.append(f"    {one.error.hint}")
    return lines
