"""Fastboot over TCP and UDP, against a board of the test and against Debian's fastboot client."""

import random
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from edge import process
from edge.errors import LinkError, ThingNotFoundError
from edge.flash import sparse
from edge.flash.protocols import fastboot
from edge.flash.protocols.steps import Dialog, Result
from edge.flash.sparse import Part
from edge.flash.transports import driver, fastboot_udp
from edge.flash.transports.fastboot_tcp import FastbootTcp
from edge.flash.transports.fastboot_udp import FastbootUdp
from edge.flash.transports.port import Port
from tests.fakes.usb.fastboot_board import Core
from tests.fakes.usb.fastboot_net import Losses, tcp_board, udp_board

DATA = random.Random(5).randbytes(300_000)


def run(port: Port, dialog: Dialog[Result]) -> Result:
    return driver.run(dialog, port, clock_s=time.monotonic, listener=lambda _event: None)


def flashed(port: Port) -> str | None:
    """Do what a client does: ask, bring data."""
    try:
        product = run(port, fastboot.variable("product"))
        run(port, fastboot.download(DATA))
    finally:
        port.close()
    return product


def test_a_board_is_reached_by_tcp() -> None:
    core = Core()
    with tcp_board(core) as number:
        assert flashed(FastbootTcp("127.0.0.1", number)) == "edge-board"
    assert core.memory == DATA


@pytest.mark.parametrize("most_bytes", [512, 1024, 9000])
def test_a_board_is_reached_by_udp(most_bytes: int) -> None:
    core = Core()
    with udp_board(core, Losses(most_bytes=most_bytes)) as number:
        assert flashed(FastbootUdp("127.0.0.1", number)) == "edge-board"
    assert core.memory == DATA


def test_datagrams_that_are_lost_or_come_twice_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastboot_udp, "AGAIN_S", 0.02)
    core = Core()
    losses = Losses(lost=frozenset(range(3, 700, 7)), twice=frozenset(range(5, 700, 11)))
    with udp_board(core, losses) as number:
        assert flashed(FastbootUdp("127.0.0.1", number)) == "edge-board"
    assert core.memory == DATA


def test_a_board_that_says_nothing_more_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastboot_udp, "AGAIN_S", 0.02)
    monkeypatch.setattr(fastboot_udp, "GIVE_UP_S", 0.3)
    losses = Losses(lost=frozenset(range(20, 10_000)))
    with udp_board(Core(), losses) as number, pytest.raises(LinkError, match="no answer"):
        flashed(FastbootUdp("127.0.0.1", number))


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        pytest.param(Losses(version=0), "version 0", id="version"),
        pytest.param(Losses(most_bytes=100), "packets of 100 bytes", id="size"),
        pytest.param(Losses(error=b"locked"), "says: locked", id="error"),
    ],
)
def test_a_board_on_udp_that_does_not_fit_is_refused(losses: Losses, words: str) -> None:
    with udp_board(Core(), losses) as number, pytest.raises(LinkError, match=words):
        flashed(FastbootUdp("127.0.0.1", number))


def test_nobody_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
    with pytest.raises(ThingNotFoundError):
        FastbootTcp("127.0.0.1", number)
    with pytest.raises(ThingNotFoundError):
        FastbootTcp("host.invalid")


@pytest.mark.parametrize("hello", [b"FB00", b"SSH-2.0", b"FBxx"])
def test_another_service_is_told_apart(hello: bytes) -> None:
    with tcp_board(Core(), hello) as number, pytest.raises(LinkError, match="is not fastboot"):
        FastbootTcp("127.0.0.1", number)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param(b"", "closed the connection", id="closed"),
        pytest.param(struct.pack(">Q", 4), "closed the connection", id="cut"),
        pytest.param(struct.pack(">Q", 1 << 62), "was said to come", id="huge"),
    ],
)
def test_a_connection_that_breaks_is_an_error(said: bytes, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _address = listening.accept()
            with connection:
                connection.recv(4)
                connection.sendall(b"FB01" + said)

        thread = threading.Thread(target=serve)
        thread.start()
        port = FastbootTcp("127.0.0.1", listening.getsockname()[1])
        thread.join()
        with pytest.raises(LinkError, match=words):
            run(port, fastboot.variable("version"))
        port.close()


@pytest.mark.tools
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_debians_client_agrees_about_what_a_board_says(kind: str, tmp_path: Path) -> None:
    """The board that our client is tried with is one for Debian's client too."""
    image = bytearray(6 << 20)
    image[: 1 << 20] = DATA * 3 + bytes((1 << 20) - 3 * len(DATA))
    (tmp_path / "image").write_bytes(image)
    (tmp_path / "image.simg").write_bytes(
        b"".join(one.data for one in sparse.pieces([Part(0, bytes(image))], len(image), 1 << 30))
    )
    core = Core(variables={"has-slot:disk": "no", "is-logical:disk": "no"})
    with (tcp_board if kind == "tcp" else udp_board)(core) as number:
        client = ["fastboot", "-s", f"{kind}:127.0.0.1:{number}"]
        said = process.run([*client, "getvar", "product"], timeout_s=60)
        process.run([*client, "flash", "disk", str(tmp_path / "image.simg")], timeout_s=60)

    assert "product: edge-board" in said.stderr
    assert core.disk[: 6 << 20] == image


@pytest.mark.tools
def test_debians_simg2img_expands_our_pieces(tmp_path: Path) -> None:
    pieces = list(sparse.pieces([Part(4096, DATA), Part(1 << 20, bytes(9000))], 2 << 20, 100_000))
    names = []
    for number, piece in enumerate(pieces):
        file = tmp_path / f"{number}.simg"
        file.write_bytes(piece.data)
        names.append(str(file))
    process.run(["simg2img", *names, str(tmp_path / "image")], timeout_s=60)

    got = (tmp_path / "image").read_bytes()
    assert len(pieces) > 3
    assert got[4096 : 4096 + len(DATA)] == DATA
    assert not any(got[:4096])
    assert not any(got[4096 + len(DATA) :])
    assert len(got) == 2 << 20
