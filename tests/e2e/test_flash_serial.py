"""An empty disk, provisioned through the console of U-Boot; the link is cut, and it goes on."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.board.search import find
from edge.cli import clock, trusted
from edge.cli.main import main
from edge.emulator import machine
from edge.emulator.command import Options
from edge.errors import LinkError
from edge.flash.events import Advance, Event, Note, Phase
from edge.flash.methods.serial import SerialMethod
from edge.flash.methods.serial_options import SerialOptions, Via
from edge.flash.sources import opening
from edge.flash.transports.address import UnixAddress
from edge.flash.transports.open_port import open_port
from edge.flash.transports.port import Port
from edge.release import disk_signature
from edge_signing.disk import DiskImage
from tests.e2e.conftest import Build
from tests.fakes.memory_source import MemorySource

pytestmark = pytest.mark.slow

BOOT_S = 240
READY = r"edge: slot (a|b): all (\d+) services ready after (\S+) s"
# QEMU's own network: the host has this address there, and is reached at its loopback.
NETWORK = SerialOptions(via=Via.NETWORK, host="10.0.2.2", bind="127.0.0.1")
LINE = SerialOptions(via=Via.SERIAL)


class Console:
    """The way to the console of a machine, which can be cut while the machine runs on."""

    def __init__(self, path: Path) -> None:
        self.address = UnixAddress(str(path))
        self.events: list[Event] = []
        self._cut_at_bytes: int | None = None
        self._port: Port | None = None

    def open(self, _address: object, _baud: int) -> Port:
        self._port = open_port(self.address)
        return self._port

    def cut_at(self, done_bytes: int) -> None:
        self._cut_at_bytes = done_bytes

    def listen(self, event: Event) -> None:
        self.events.append(event)
        if self._cut_at_bytes is None or not isinstance(event, Advance):
            return
        if event.phase is Phase.WRITE and event.done_bytes >= self._cut_at_bytes and self._port:
            self._cut_at_bytes = None
            self._port.close()

    def method(self, options: SerialOptions) -> SerialMethod:
        return SerialMethod(self.address, find("qemu-arm64"), options=options, opener=self.open)

    def notes(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, Note))


@contextmanager
def switched_on(build: Path, disk: Path, folder: Path) -> Iterator[Console]:
    """Run a machine that finds nothing to boot, or a system, until U-Boot is asked to stop."""
    path = folder / "console"
    path.unlink(missing_ok=True)
    words = machine.arguments(build, disk, Options(serial=f"unix:{path},server=on,wait=on"))
    virtual = machine.Machine(words)
    try:
        virtual.wait_for("waiting for connection", 60)
        yield Console(path)
    finally:
        virtual.cut_power()


def vouched(signature: bytes, block_map: bytes) -> DiskImage:
    """Verify with the keys that the build was made with."""
    root = trusted.key_ring(None).trusted_root()
    now = clock.of_wall()
    return disk_signature.verified(signature, block_map, trusted_root=root, now=now)


def empty_disk(folder: Path) -> Path:
    disk = folder / "disk.img"
    with disk.open("wb") as stream:
        stream.truncate(machine.DISK_MIB << 20)
    return disk


def test_an_empty_disk_is_provisioned_by_network_over_a_cut_and_boots_to_services(
    build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = build("minimal")
    disk = empty_disk(tmp_path)
    source = opening.open_source(str(out), vouch=vouched)
    with switched_on(out, disk, tmp_path) as console:
        console.cut_at(source.facts.mapped_bytes // 3)
        with pytest.raises(LinkError):
            console.method(NETWORK).flash(source, console.listen)
        with disk.open("rb") as stream:
            assert not any(stream.read(1 << 20))

        words = ["--via", "network", "--host", "10.0.2.2", "--bind", "127.0.0.1", "--yes", "--json"]
        capsys.readouterr()
        status = main(["flash", str(out), "--to", str(console.address), *words])

        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        done = events[-1]
        assert (status, done["event"]) == (0, "done")
        assert done["skipped_bytes"] >= source.facts.mapped_bytes // 4
        assert done["written_bytes"] == done["verified_bytes"] > 0
        assert done["rewritten_bytes"] == 0
        assert any("fetches from 10.0.2.2" in event.get("text", "") for event in events)
        assert console.method(NETWORK).verify(source, console.listen).written_bytes == 0
    with machine.running(out, disk=disk) as device:
        ready = device.wait_for(READY, BOOT_S)
    assert ready[1] == "a"


def test_a_small_image_goes_over_the_line_alone_and_a_cut_costs_one_piece(
    build: Build, tmp_path: Path
) -> None:
    out = build("minimal")
    disk = empty_disk(tmp_path)
    image, spans = small_image()
    source = MemorySource(image, spans)
    with switched_on(out, disk, tmp_path) as console:
        console.cut_at(150_000)
        with pytest.raises(LinkError):
            console.method(LINE).flash(source, console.listen)

        # U-Boot is in the middle of a transfer now, and comes back from there.
        report = console.method(LINE).flash(source, console.listen)

    assert report.skipped_bytes == 100_352
    assert report.written_bytes == report.verified_bytes == 512 + 2 * 100_352
    assert "3 of 4 pieces to send (1 are there already)" in console.notes()
    assert "at 115200 baud" in console.notes()
    content = disk.read_bytes()[: len(image)]
    assert all(content[start:end] == image[start:end] for start, end in spans)


def small_image() -> tuple[bytes, list[tuple[int, int]]]:
    """Return an image with a first sector and three parts that cannot be compressed."""
    noise = random.Random(7)
    image = bytearray(5 << 20)
    spans = [(0, 512)] + [(at << 20, (at << 20) + 100_352) for at in (2, 3, 4)]
    for start, end in spans:
        image[start:end] = noise.randbytes(end - start)
    return bytes(image), spans
