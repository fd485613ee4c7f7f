"""`edge serial`: the console of a board, and which ports there are."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from edge.cli.output import Output
from edge.cli.table import table
from edge.flash.terminal import pump, raw
from edge.flash.transcript import Transcript
from edge.flash.transports.address import parse
from edge.flash.transports.open_port import BAUD, open_port
from edge.flash.transports.survey import found_ports


@click.command()
@click.argument("port", required=False)
@click.option("--baud", type=click.IntRange(50, 4_000_000), default=BAUD, help="Its rate.")
@click.option(
    "--log", type=click.Path(path_type=Path, dir_okay=False), help="Append what it says to FILE."
)
@click.option("--timestamps", is_flag=True, help="Begin each line of the log with the time.")
@click.option("--json", "as_json", is_flag=True, help="List the ports as one JSON object.")
@click.pass_obj
def serial(
    output: Output,
    *,
    port: str | None,
    baud: int,
    log: Path | None,
    timestamps: bool,
    as_json: bool,
) -> None:
    r"""Open the console of a board at PORT, or list the serial ports.

    PORT is a device, socket:HOST:PORT, unix:PATH or rfc2217://HOST:PORT. Ctrl-] ends it; all other
    keys go to the board, Ctrl-C too.

    \b
    Examples:
      edge serial
      edge serial /dev/ttyUSB0 --log board.log --timestamps
      edge serial /dev/ttyUSB0,1500000
      edge serial socket:192.0.2.7:4001
    """
    output.as_json |= as_json
    if port is None:
        _list(output)
        return
    address = parse(port)
    with ExitStack() as stack:
        opened = open_port(address, baud=baud)
        stack.callback(opened.close)
        stream = stack.enter_context(log.open("ab", buffering=0)) if log else None
        if not output.quiet:
            output.line(f"{address}: connected; Ctrl-] ends it")
        said = _written(Transcript(lambda: datetime.now(UTC), timestamps=timestamps), stream)
        with raw(sys.stdin.fileno()):
            pump(opened, sys.stdin.fileno(), said)
    if not output.quiet:
        output.line("")


def _written(transcript: Transcript, stream: BinaryIO | None) -> Callable[[bytes], None]:
    def said(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        if stream is not None:
            stream.write(transcript.take(data))

    return said


def _list(output: Output) -> None:
    ports = found_ports()
    rows = [
        [port.path, port.usb_id or "", port.serial_number or "", port.location or "", port.what]
        for port in ports
    ]
    text = "\n".join(table(["PORT", "USB ID", "SERIAL", "LOCATION", "WHAT"], rows))
    facts = {"ports": [asdict(port) for port in ports]}
    output.result(facts, text if ports else "no serial port is plugged in")
