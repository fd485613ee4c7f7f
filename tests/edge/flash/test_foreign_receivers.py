"""Our sender against receivers of others: lrzsz on a pseudo terminal, U-Boot in QEMU."""

import random
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import process, toolbox
from edge.board.search import find
from edge.errors import EdgeError
from edge.flash.protocols import attach, ymodem
from edge.flash.protocols.attach import Attaching
from edge.flash.protocols.steps import Dialog, Line, Result
from edge.flash.protocols.uboot import Board, Rates, Window
from edge.flash.transports import driver
from edge.flash.transports.port import Port
from edge.flash.transports.socket_port import SocketPort
from tests.fakes.descriptor_port import DescriptorPort
from tests.fakes.lrzsz import at_the_other_end

pytestmark = pytest.mark.tools

NOISE = random.Random(11).randbytes(30_001)
SERIAL = find("qemu-arm64").flash.serial
assert SERIAL is not None
AREA_BYTES = (SERIAL.load_mib << 20) // 2
WINDOW = Window(SERIAL.load_addr, SERIAL.load_addr + AREA_BYTES, AREA_BYTES)
SLOW = Rates(115200, 115200)


def run(dialog: Dialog[Result], port: Port) -> Result:
    return driver.run(dialog, port, clock_s=time.monotonic, listener=lambda _event: None)


@pytest.mark.parametrize("size_bytes", [1, len(NOISE)])
def test_lrzsz_receives_what_we_send(size_bytes: int, tmp_path: Path) -> None:
    with at_the_other_end("rb", ["--quiet"], tmp_path) as (descriptor, receiver):
        sent = run(ymodem.send(Line(), "image.gz", NOISE[:size_bytes]), DescriptorPort(descriptor))
        assert receiver.wait(60) == 0

    assert (tmp_path / "image.gz").read_bytes() == NOISE[:size_bytes]
    assert (
        sent.repeats < 32
    )  # `rb` drops what comes while it asks for a block, on a busy machine often


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Port]:
    """The console of a U-Boot in QEMU, just switched on."""
    folder = tmp_path_factory.mktemp("uboot")
    firmware = toolbox.qemu_data().parents[1] / "lib/u-boot/qemu_arm64/u-boot.bin"
    disk = folder / "disk.img"
    with disk.open("wb") as stream:
        stream.truncate(8 << 20)
    path = folder / "console"
    machine = process.start(
        [
            *toolbox.tool("qemu-system-aarch64"),
            *("-L", str(toolbox.qemu_data())),
            *("-machine", "virt", "-cpu", "cortex-a53", "-m", "512", "-nodefaults"),
            *("-display", "none", "-bios", str(firmware)),
            *("-serial", f"unix:{path},server=on,wait=on"),
            *("-drive", f"if=none,format=raw,id=disk,file={disk}"),
            *("-device", "virtio-blk-pci,drive=disk,romfile="),
        ],
        piped=True,
    )
    assert machine.stdout is not None
    try:
        assert b"waiting for connection" in machine.stdout.readline()
        opened = SocketPort.unix(str(path))
        yield opened
        opened.close()
    finally:
        machine.kill()
        machine.wait()
        machine.stdout.close()
        assert machine.stdin is not None
        machine.stdin.close()


@pytest.fixture(scope="module")
def board(port: Port) -> Board:
    found = run(attach.attach(Line(), Attaching(wait_s=60), place="qemu"), port)
    board = Board(found.console, "virtio", 0)
    run(board.require_memory(WINDOW), port)
    run(board.select(), port)
    return board


def test_uboot_receives_what_we_send(board: Board, port: Port) -> None:
    sent = run(board.load(NOISE, WINDOW.load, rates=SLOW), port)

    assert sent.repeats == 0
    assert run(board.crc_in_memory(WINDOW.load, len(NOISE)), port) == zlib.crc32(NOISE)
    assert run(board.variable("filesize"), port) == f"{len(NOISE):x}"


def test_uboot_takes_another_rate_and_comes_back(board: Board, port: Port) -> None:
    run(board.load(NOISE[:3000], WINDOW.load, rates=Rates(115200, 921600)), port)

    assert run(board.crc_in_memory(WINDOW.load, 3000), port) == zlib.crc32(NOISE[:3000])


def test_uboot_gives_up_a_transfer_that_was_left(board: Board, port: Port) -> None:
    dialog = board.load(NOISE, WINDOW.load, rates=SLOW)
    stopped = 0

    class LeavesInTheMiddle(DescriptorPort):
        """Leaves with half a block on the line."""

        def write(self, data: bytes) -> None:
            nonlocal stopped
            stopped += 1
            port.write(data if stopped < 10 else data[:500])
            if stopped == 10:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(dialog, LeavesInTheMiddle(port.fileno()))

    assert run(attach.settle(board.console.line, Attaching(), switched=False), port)
    assert run(board.variable("arch"), port) == "arm"


def test_uboot_unpacks_writes_and_reads_back(board: Board, port: Port) -> None:
    content = NOISE[:4096]
    packed = zlib.compress(content, 9, 31)
    run(board.load(packed, WINDOW.load, rates=SLOW), port)

    crc = run(board.unpack(WINDOW, len(content)), port)
    run(board.write(16, len(content), WINDOW.unpack), port)

    assert crc == zlib.crc32(content)
    assert run(board.crc_on_disk(16, len(content), WINDOW.load), port) == crc
    with pytest.raises(EdgeError, match="`virtio write 45000000 ffff00 8` ended with status 1"):
        run(board.write(0xFFFF00, len(content), WINDOW.unpack), port)


def test_uboot_without_a_network_says_so(board: Board, port: Port) -> None:
    assert run(board.address(), port) is None
    assert run(board.variable("nothing_of_this_name"), port) is None


def test_uboot_turns_round_in_no_time(board: Board, port: Port) -> None:
    assert 0 <= run(board.console.turnaround_s(115200), port) < 1
