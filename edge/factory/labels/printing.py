"""Where labels go: a file, a queue of CUPS, or a printer that takes ZPL on a TCP port."""

import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from edge import atomic, process
from edge.errors import EdgeError, InputError, LinkError
from edge.factory.labels import render
from edge.factory.labels.label import Label
from edge.factory.labels.layout import Place
from edge.factory.labels.render import Form

TRIES: Final = 3
PORT: Final = 9100  # "raw", as printers have it
_WAIT_S: Final = 1.0
_TIMEOUT_S: Final = 10.0
# A printer that goes on listening says nothing; one that broke says so at once.
_LISTEN_S: Final = 0.5
_QUEUE: Final = re.compile(r"[A-Za-z0-9_.@-]{1,127}")


class Printer(Protocol):
    """Takes labels, one at a time.

    Attributes:
        form: What it takes.
    """

    @property
    def form(self) -> Form:
        """What it takes."""

    def send(self, label: Label, content: bytes) -> None:
        """Print one; it may be called again when it failed.

        Raises:
            LinkError: It may work later.
            EdgeError: It will not work.
        """


@dataclass(frozen=True, slots=True)
class FilePrinter:
    """A folder that gets a file for each device, or one file."""

    path: Path
    form: Form = Form.PDF

    def send(self, label: Label, content: bytes) -> None:
        """Write the file, whole or not at all."""
        is_file = self.path.suffix.removeprefix(".") in set(Form)
        file = self.path if is_file else self.path / f"{label.device}.{self.form}"
        try:
            with atomic.file(file) as stream:
                stream.write(content)
        except OSError as error:
            raise EdgeError(f"{file}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class CupsPrinter:
    """A queue of CUPS, by its command `lp`."""

    queue: str
    form: Form = Form.PDF
    program: str = "lp"

    def send(self, label: Label, content: bytes) -> None:
        """Give it to the queue."""
        raw = ["-o", "raw"] if self.form is Form.ZPL else []
        words = [self.program, "-s", "-d", self.queue, *raw, "-t", label.device]
        process.run([*words, "--", "-"], input_bytes=content, timeout_s=_TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class TcpPrinter:
    """A printer that prints what comes on a port.

    It says nothing of what it did: what is known is that it took all of it. Of a label that came
    in parts no printer of ZPL prints anything, so it may be sent again.
    """

    host: str
    port: int = PORT
    form: Form = Form.ZPL
    timeout_s: float = _TIMEOUT_S

    def send(self, label: Label, content: bytes) -> None:
        """Send it, and hear whether the printer breaks the connection."""
        place = f"printer {self.host}:{self.port}"
        try:
            with socket.create_connection((self.host, self.port), self.timeout_s) as printer:
                printer.sendall(content)
                printer.shutdown(socket.SHUT_WR)
                printer.settimeout(_LISTEN_S)
                with suppress(TimeoutError):
                    while printer.recv(4096):
                        pass
        except OSError as error:
            raise LinkError(
                f"{place}: {label.device}: {error.strerror or error}",
                hint="is it on, has it paper, is its lid closed?",
            ) from error


def parse(text: str, form: Form | None = None) -> Printer:
    """Return the printer that a text names: `file:PATH`, `lp:QUEUE` or `tcp:HOST[:PORT]`.

    Args:
        text: As a person writes it.
        form: What it takes; None for what is usual there.

    Raises:
        InputError: It names none.
    """
    kind, _colon, rest = text.partition(":")
    host, _mark, port = rest.rpartition(":") if ":" in rest else (rest, "", str(PORT))
    match kind:
        case "file" if rest:
            suffix = Path(rest).suffix.removeprefix(".")
            usual = Form(suffix) if suffix in set(Form) else Form.PDF
            return FilePrinter(Path(rest), form or usual)
        case "lp" if _QUEUE.fullmatch(rest) and not rest.startswith("-"):
            return CupsPrinter(rest, form or Form.PDF)
        case "tcp" if host and port.isdecimal() and 0 < int(port) < 1 << 16:
            return TcpPrinter(host.strip("[]"), int(port), form or Form.ZPL)
        case _:
            raise InputError(
                f"printer {text!r} is none", hint="file:FOLDER, lp:QUEUE or tcp:HOST[:PORT]"
            )


def printed(
    printer: Printer,
    label: Label,
    place: Place | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Print a label and return how often that was tried.

    Args:
        printer: Where.
        label: What.
        place: How large it is.
        sleep: Waits between two attempts.

    Raises:
        LinkError: It did not work several times.
        EdgeError: It will not work.
    """
    content = render.rendered(label, printer.form, place)
    for attempt in range(1, TRIES + 1):
        try:
            printer.send(label, content)
        except LinkError:
            if attempt == TRIES:
                raise
            sleep(_WAIT_S * attempt)
        else:
            return attempt
    raise AssertionError("the last attempt returns or raises")
