"""What a shift needs before its first board: each thing is looked at, and nothing is made.

The first faults that a station finds are the dear ones: a printer that is off, a certificate that
ended in the night. Here they are told one by one, each with what to do.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from edge import process
from edge.errors import (
    EdgeError,
    InputError,
    LinkError,
    RefusedError,
    ThingNotFoundError,
    UntrustedError,
)
from edge.factory.books import Books
from edge.factory.identity import authority as factory
from edge.factory.identity import chain
from edge.factory.identity.first_settings import server_certificates
from edge.factory.identity.station import StationAuthority
from edge.factory.labels import render
from edge.factory.labels.label import Label
from edge.factory.labels.printing import CupsPrinter, FilePrinter, TcpPrinter
from edge.factory.line import Line, Step
from edge.factory.steps.labelling import printer_of

LEAST_FREE_BYTES: Final = 256 << 20
_TIMEOUT_S: Final = 3.0
_DAY_S: Final = 86_400

Check = Callable[[], str]
"""Returns what was found, in a few words; it raises an `EdgeError` where that will not do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How a thing stands.

    Attributes:
        name: Of the thing.
        text: What was found, or what is wrong.
        error: Why no device can be made so; None when all is well.
    """

    name: str
    text: str
    error: EdgeError | None = None


def findings(checks: Mapping[str, Check]) -> Iterator[Finding]:
    """Look at one thing after the other, whatever is wrong with those before."""
    for name, check in checks.items():
        try:
            yield Finding(name, check())
        except EdgeError as error:
            yield Finding(name, str(error), error)


def server_ca(folder: Path, line: Line, now: datetime) -> bytes:
    """Return what the devices of a line are to trust their server by, in PEM.

    Raises:
        ThingNotFoundError: It is not there.
        InputError: It is no certificate.
        RefusedError: It is not valid now.
    """
    file = folder / line.server_ca
    try:
        pem = file.read_bytes()
    except FileNotFoundError as error:
        raise ThingNotFoundError(
            f"{file}: no such file", hint="put there what devices trust their server by, in PEM"
        ) from error
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
    server_certificates(pem)
    for one in x509.load_pem_x509_certificates(pem):
        _require_valid(one, str(file), now)
    return pem


def factory_certificate(folder: Path, station: StationAuthority, now: datetime) -> str:
    """Say until when the certificate is valid that the console lets devices in by.

    Raises:
        EdgeError: The line has none, it is not valid, or that of the station is of another one.
    """
    certificate, file = factory.trusted(folder), folder / factory.CERTIFICATE
    _require_valid(certificate, str(file), now)
    try:
        chain.require_station(station.certificate, certificate)
    except UntrustedError as error:
        raise UntrustedError(
            f"{file}: {error}",
            hint=f"a new authority for it: edge factory station renew {station.grant.station}",
        ) from error
    return f"{file}: the console has to know it (--factory-ca)"


def certificates_left(station: StationAuthority, now: datetime) -> str:
    """Say how many certificates a station may sign, and for how many days.

    Raises:
        RefusedError: None.
    """
    station.require_free(now)
    days = int(station.grant.until_s - now.timestamp()) // _DAY_S
    until = datetime.fromtimestamp(station.grant.until_s, UTC)
    return f"{station.left} certificates in {days} days, until {until:%Y-%m-%d}"


def ids_left(books: Books) -> str:
    """Say how many ids a station has.

    Raises:
        RefusedError: None.
    """
    if books.ids is None:
        return "they come from elsewhere"
    return f"{books.ids.left} left, the next is {books.ids.next()}"


def command(folder: Path, step: Step) -> str:
    """Return the program of a step of one's own.

    Raises:
        ThingNotFoundError: It is not there.
        InputError: It is no program.
    """
    word = (step.run or ("",))[0]
    if "/" not in word:
        found = shutil.which(word)
        if found is None:
            hint = f"a program in the folder of the line is ./{word}"
            raise ThingNotFoundError(f"{word}: no such program", hint=hint)
        return found
    file = folder / word
    if not file.is_file():
        raise ThingNotFoundError(f"{file}: no such file", hint="line.yml names it")
    if not os.access(file, os.X_OK):
        raise InputError(f"{file}: it may not be run", hint=f"chmod +x {file}")
    return str(file)


def room(folder: Path) -> str:
    """Say how much room there is for ledger and labels.

    Raises:
        RefusedError: It is little.
    """
    place = _nearest(folder)
    free_bytes = shutil.disk_usage(place).free
    if free_bytes < LEAST_FREE_BYTES:
        raise RefusedError(
            f"{place}: {free_bytes >> 20} MiB are free, {LEAST_FREE_BYTES >> 20} are needed",
            hint="a ledger that can not be written stops the station: make room",
        )
    return f"{free_bytes >> 20} MiB are free"


def printer(folder: Path, line: Line, device: str) -> str:
    """Say that the printer of a line is there; nothing is printed.

    Args:
        folder: Of the line.
        line: Names it.
        device: An id for a label, to see whether there is room for one like it.

    Raises:
        EdgeError: It is not there, or no label can be made for it.
    """
    found = printer_of(folder, line.printer)
    render.rendered(Label(device, line.product, "0" * 64), found.form)
    match found:
        case FilePrinter(path=path):
            _require_writable(path)
        case CupsPrinter(queue=queue, program=program):
            _require_queue(queue, program)
        case TcpPrinter(host=host, port=port):
            _require_answer(host, port)
        case _:
            pass
    return line.printer


def _require_writable(path: Path) -> None:
    place = _nearest(path)
    if not os.access(place, os.W_OK):
        raise InputError(f"{place}: it can not be written", hint="printer: of line.yml names it")


def _require_queue(queue: str, program: str) -> None:
    for one in (program, "lpstat"):
        if shutil.which(one) is None:
            raise ThingNotFoundError(f"{one}: no such program", hint="apt install cups-client")
    try:
        process.run(["lpstat", "-p", queue], timeout_s=_TIMEOUT_S)
    except EdgeError as error:
        raise ThingNotFoundError(
            f"printer lp:{queue}: CUPS does not know it", hint="lpstat -p lists the queues"
        ) from error


def _require_answer(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), _TIMEOUT_S).close()
    except OSError as error:
        raise LinkError(
            f"printer {host}:{port}: {error.strerror or error}",
            hint="is it on, and is its cable in?",
        ) from error


def _require_valid(one: x509.Certificate, place: str, now: datetime) -> None:
    if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
        first, last = one.not_valid_before_utc, one.not_valid_after_utc
        raise RefusedError(
            f"{place}: valid from {first:%Y-%m-%d} to {last:%Y-%m-%d}, and not now",
            hint="put a new one there; or is the clock of this machine wrong?",
        )


def _nearest(path: Path) -> Path:
    """Return the folder or file itself, else the nearest folder above that is there."""
    return next(one for one in (path, *path.absolute().parents) if one.exists())
