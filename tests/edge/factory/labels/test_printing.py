"""Printers: files, CUPS by a program of its name, and ports that are slow, closed or break."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.errors import EdgeError, InputError, LinkError, ToolError
from edge.factory.labels import printing, render
from edge.factory.labels.printing import CupsPrinter, FilePrinter, TcpPrinter
from edge.factory.labels.render import Form
from tests.edge.factory.labels.test_labels import LABEL
from tests.fakes.ports import free_port


@contextmanager
def _port(*, breaks: int = 0, takes: int = 1 << 20) -> Iterator[tuple[int, list[bytes]]]:
    """Give a printer's port, and what came to it; the first connections break after some bytes."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for number in range(breaks + 1):
                try:
                    client, _address = server.accept()
                except OSError:
                    return
                with client:
                    if number < breaks:
                        client.recv(takes)
                        linger = struct.pack("ii", 1, 0)
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                        continue
                    data = b""
                    while piece := client.recv(takes):
                        data += piece
                    came.append(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], came
        thread.join(5)


def _waits() -> tuple[list[float], Callable[[float], None]]:
    waited: list[float] = []
    return waited, waited.append


def test_a_folder_gets_a_file_for_each_device(tmp_path: Path) -> None:
    printer = printing.parse(f"file:{tmp_path}/labels", Form.SVG)

    assert printing.printed(printer, LABEL) == 1

    assert (tmp_path / "labels/gw-000001.svg").read_bytes() == render.svg(LABEL)


def test_a_file_has_the_form_of_its_name(tmp_path: Path) -> None:
    printing.printed(printing.parse(f"file:{tmp_path}/one.png"), LABEL)

    assert (tmp_path / "one.png").read_bytes() == render.png(LABEL)


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("no folder")

    with pytest.raises(EdgeError, match=r"labels/gw-000001\.pdf"):
        printing.printed(FilePrinter(tmp_path / "labels"), LABEL)


def _lp(folder: Path, status: int) -> Path:
    program = folder / "lp"
    program.write_text(
        f'#!/bin/sh\necho "$@" >"{folder}/words"\ncat >"{folder}/page"\n'
        f"[ {status} = 0 ] || echo 'lp: The printer or class does not exist.' >&2\nexit {status}\n"
    )
    program.chmod(0o755)
    return program


def test_a_queue_of_cups_gets_the_page(tmp_path: Path) -> None:
    printer = CupsPrinter("labels", program=str(_lp(tmp_path, 0)))

    printing.printed(printer, LABEL)

    assert (tmp_path / "page").read_bytes() == render.pdf(LABEL)
    assert (tmp_path / "words").read_text() == "-s -d labels -t gw-000001 -- -\n"


def test_a_queue_that_is_not_there_is_told_and_not_asked_again(tmp_path: Path) -> None:
    waited, wait = _waits()

    with pytest.raises(ToolError, match="does not exist"):
        printing.printed(CupsPrinter("x", program=str(_lp(tmp_path, 1))), LABEL, sleep=wait)

    assert not waited


def test_a_printer_on_a_port_gets_one_whole_label() -> None:
    with _port() as (port, came):
        assert printing.printed(TcpPrinter("127.0.0.1", port), LABEL) == 1

    assert came == [render.zpl(LABEL)]


def test_a_slow_printer_gets_it_too() -> None:
    with _port(takes=64) as (port, came):
        printing.printed(TcpPrinter("127.0.0.1", port), LABEL)

    assert came == [render.zpl(LABEL)]


def test_a_printer_that_breaks_in_the_middle_gets_it_again() -> None:
    waited, wait = _waits()

    with _port(breaks=2, takes=100) as (port, came):
        assert printing.printed(TcpPrinter("127.0.0.1", port), LABEL, sleep=wait) == 3

    assert came == [render.zpl(LABEL)]
    assert waited == [1, 2]


def test_a_printer_that_is_off_is_told_after_some_attempts() -> None:
    waited, wait = _waits()

    with pytest.raises(LinkError, match="gw-000001: Connection refused") as caught:
        printing.printed(TcpPrinter("127.0.0.1", free_port()), LABEL, sleep=wait)

    assert len(waited) == printing.TRIES - 1
    assert "paper" in str(caught.value.hint)


def test_a_printer_that_takes_nothing_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        printer = TcpPrinter("127.0.0.1", server.getsockname()[1], timeout_s=0.05)
        with pytest.raises(LinkError, match="timed out"):
            printer.send(LABEL, render.zpl(LABEL) * 1000)


@pytest.mark.parametrize(
    ("text", "printer"),
    [
        ("file:labels", FilePrinter(Path("labels"))),
        ("file:one.zpl", FilePrinter(Path("one.zpl"), Form.ZPL)),
        ("lp:zebra_1", CupsPrinter("zebra_1")),
        ("tcp:printer.example", TcpPrinter("printer.example")),
        ("tcp:10.0.0.7:6101", TcpPrinter("10.0.0.7", 6101)),
        ("tcp:[fd00::1]:9100", TcpPrinter("fd00::1")),
    ],
)
def test_a_printer_has_a_name(text: str, printer: printing.Printer) -> None:
    assert printing.parse(text) == printer


@pytest.mark.parametrize(
    "text", ["", "lpt1", "file:", "lp:", "lp:-d", "lp:a b", "tcp::1", "tcp:h:0"]
)
def test_what_is_no_printer_is_told(text: str) -> None:
    with pytest.raises(InputError, match="is none"):
        printing.parse(text)
