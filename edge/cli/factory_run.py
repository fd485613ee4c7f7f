"""`edge factory run`: work at a station."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge.cli.factory_rework import now_ms
from edge.cli.factory_steps import FlashWords, real_steps
from edge.cli.factory_verify import LINE
from edge.cli.flash_boards import UsbOptions, ports
from edge.cli.options import ROOT
from edge.cli.output import Output
from edge.errors import EdgeError, InputError
from edge.factory.events import Event, Light, Listener, PortEvent, ScanEvent, StationEvent
from edge.factory.shift import Shift
from edge.flash.methods.serial_options import SerialOptions, Via

if TYPE_CHECKING:
    from edge.factory.station import Station

FOLDER = click.Path(path_type=Path, file_okay=False)
_MARKS: Final = {Light.GOOD: "✓", Light.BAD: "✗", Light.ASKING: "?"}


def image_words(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for an image and for what brings it to a board."""
    keys = click.option("--keys", type=FOLDER, help="A key folder, else the development keys.")
    unsigned = click.option(
        "--unsigned", is_flag=True, help="Take an image that nobody has signed."
    )
    boot_files = click.option(
        "--boot-files",
        type=FOLDER,
        envvar="EDGE_BOOT_FILES",
        help="usb: the folder with the second stage of Raspberry Pis.",
    )
    loader = click.option(
        "--loader",
        type=click.Path(path_type=Path, dir_okay=False),
        help="sdp: the boot loader that the ROM starts.",
    )
    for one in (loader, boot_files, unsigned, keys, ROOT):  # the last one is shown first
        command = one(command)
    return command


@click.command()
@LINE
@click.option("--station", required=True, help="Which work place this is.")
@click.option(
    "--port",
    "places",
    multiple=True,
    required=True,
    metavar="TARGET",
    help="A place for boards: usb:PORT, serial:PORT, file:cards/{device}.img; several times.",
)
@click.option("--operator", default="", help="Who works here; a scan can change it.")
@click.option("--order", default="", help="What it is for; a scan can change it.")
@click.option("--count", type=click.IntRange(1), help="End after so many good devices.")
@click.option("--once", is_flag=True, help="One run at each port, then end.")
@image_words
@click.option(
    "--via",
    type=click.Choice([str(one) for one in Via]),
    default="auto",
    show_default=True,
    help="serial: how the image comes to the board.",
)
@click.option("--host", help="serial: this machine's address as the board reaches it.")
@click.option("--bind", help="serial: the address to serve at, if that is another one.")
@click.option(
    "--restart", is_flag=True, help="serial, fastboot, dfu: start the board when flashed."
)
@click.option("--sound", is_flag=True, help="Ring the bell when somebody has to look.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines: docs/factory.md has the events.")
@click.pass_obj
def run(
    output: Output,
    *,
    line: Path,
    station: str,
    places: tuple[str, ...],
    operator: str,
    order: str,
    count: int | None,
    once: bool,
    root: Path | None,
    keys: Path | None,
    unsigned: bool,
    boot_files: Path | None,
    loader: Path | None,
    via: str,
    host: str | None,
    bind: str | None,
    restart: bool,
    sound: bool,
    as_json: bool,
) -> None:
    r"""Make devices of the folder LINE at this station, until Ctrl-C or --count.

    Each board that is plugged in goes through the steps of line.yml. On a terminal there is a tile
    for each port. What the scanner or the keyboard says is read from the standard input: an order,
    a name, an answer, `next`.

    \b
    Examples:
      edge factory run line/ --station S1 --port usb:1-1.1 --port usb:1-1.2
      edge factory run line/ --station S1 --port serial:/dev/ttyUSB0 --once --json
    """
    output.as_json |= as_json
    words = FlashWords(
        root,
        keys,
        unsigned,
        SerialOptions(via=Via(via), host=host, bind=bind, restart=restart),
        UsbOptions(boot_files=boot_files, loader=loader, restart=restart),
    )
    shift = Shift(station, now_ms, operator, order, count, once)
    _run(output, line, places, words, shift, sound=sound)


def _run(
    output: Output,
    folder: Path,
    places: tuple[str, ...],
    words: FlashWords,
    shift: Shift,
    *,
    sound: bool,
) -> None:
    from edge.factory import line as lines
    from edge.factory.books import open_books
    from edge.factory.station import Station
    from edge.factory.steps.labelling import LinePrinter, printer_of
    from edge.factory.target_ports import TargetPorts
    from edge.flash.disks import sysfs

    model = lines.read(folder)
    at = TargetPorts(places, ports, sysfs.disks, shift.clock_s)
    has_end = shift.once or shift.wanted is not None
    if endless := next((one for one in at.names if at.is_endless(one) and not has_end), None):
        raise InputError(f"{endless}: there is no end to files", hint="--count 10, or --once")
    books = open_books(folder, model, shift.station, now_ms=now_ms)
    try:
        labels = LinePrinter(printer_of(folder, model.printer), model.printer)
        steps = real_steps(folder, model, books, at, words, labels)
    except BaseException:
        books.close()
        raise
    with watching(output, sound=sound) as listener:
        found = Station(model, shift, books, at, steps, listener)
        _read_scans(found)
        tally = found.run()
    output.result(
        {"event": "done", "good": tally.good, "failed": tally.failed},
        f"{tally.good} good, {tally.failed} failed",
    )
    if shift.wanted is not None and tally.good < shift.wanted and not shift.once:
        raise EdgeError(
            f"{tally.good} of {shift.wanted} made",
            hint="nobody is there to change boards: the standard input has ended",
        )
    if shift.once and tally.failed:
        raise EdgeError(f"{tally.failed} of {tally.good + tally.failed} boards failed")


def _read_scans(station: "Station") -> None:
    """Hand on what the scanner says, in a thread that nobody waits for."""

    def read() -> None:
        for text in sys.stdin:
            station.scan(text.rstrip("\n"))
        station.nobody_answers()

    if sys.stdin is None or sys.stdin.closed:
        station.nobody_answers()
    else:
        threading.Thread(target=read, name="scanner", daemon=True).start()


@contextmanager
def watching(output: Output, *, sound: bool = False) -> Iterator[Listener]:
    """Give who tells events: as JSON lines, on the whole screen, or as lines for people."""
    if output.as_json:
        yield lambda event: output.result(event.to_json(), "")
    elif output.is_terminal and not output.quiet:
        from edge.factory.view.live import OperatorView

        keyboard = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else None
        with OperatorView(output.console, sound=sound, keyboard=keyboard) as view:
            yield view
    else:
        yield _Lines(output).take


class _Lines:
    """Tells what changes, a line each."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._steps: dict[str, tuple[str, str]] = {}

    def take(self, event: Event) -> None:
        """Tell an event, if it says anything new."""
        match event:
            case PortEvent():
                self._port(event)
            case StationEvent(note=note) if note:
                self._output.line(note)
            case ScanEvent(text=text, accepted=accepted, note=note):
                self._output.line(f"{'✓' if accepted else '✗'} {text}: {note}")
            case StationEvent():
                pass

    def _port(self, event: PortEvent) -> None:
        now = (event.unit, f"{event.light} {event.step} {event.attempt}")
        if self._output.quiet or self._steps.get(event.port) == now:
            return
        self._steps[event.port] = now
        mark = _MARKS.get(event.light, "·")
        words = [event.port, event.device, event.step, event.note, event.advice]
        self._output.line(f"{mark} " + "  ".join(one for one in words if one))
