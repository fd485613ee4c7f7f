"""Boards with a boot loader that speaks fastboot or DFU, and an i.MX that is given one."""

from dataclasses import dataclass, field

import pytest

from edge.errors import EdgeError, LinkError, RefusedError, UntrustedError
from edge.flash.events import Advance, Phase
from edge.flash.methods.dfu import DfuMethod, DfuOptions
from edge.flash.methods.fastboot import FastbootMethod, FastbootOptions
from edge.flash.methods.fastboot_back import UbootDisk
from edge.flash.methods.sdp import SdpMethod
from edge.flash.protocols.usb_steps import UsbGoneError
from edge.flash.transports.fastboot_usb import FastbootUsb
from tests.fakes.usb import dfu_board, fastboot_board, imx_rom
from tests.fakes.usb.fastboot_board import Core
from tests.fakes.usb.gadget import Gadget
from tests.fakes.usb.in_process import Bus
from tests.fakes.usb.job import MIB, PORT, Ear, some_image


@dataclass
class FastbootBench:
    """A board in fastboot on USB."""

    core: Core
    bus: Bus = field(default_factory=Bus)
    ear: Ear = field(default_factory=Ear)

    def __post_init__(self) -> None:
        self.bus.plug(PORT, fastboot_board.gadget(self.core))

    def method(self, options: FastbootOptions | None = None) -> FastbootMethod:
        (seen,) = self.bus.sightings()
        return FastbootMethod(
            f"fastboot:{PORT}",
            options or FastbootOptions("disk", "edge-board"),
            lambda: FastbootUsb(self.bus.open(seen)),
            self.bus.clock_s,
        )


def fastboot_bench(**words: object) -> FastbootBench:
    core = Core(**words)  # type: ignore[arg-type]
    core.disk[:] = b"\xee" * len(core.disk)
    return FastbootBench(core)


@pytest.mark.parametrize("most_bytes", [64 << 10, 300 << 10, 64 << 20])
def test_a_board_in_fastboot_gets_the_image(most_bytes: int) -> None:
    source = some_image()
    bench = fastboot_bench(most_bytes=most_bytes)

    report = bench.method().flash(source, bench.ear)

    for span in source.facts.spans:
        place = slice(span.offset_bytes, span.end_bytes)
        assert bench.core.disk[place] == source._image[place]
    assert bench.core.disk[2 * MIB : 4 * MIB] == b"\xee" * (2 * MIB)
    assert report.verified_bytes == 0
    assert "not read back" in bench.ear.notes
    assert bench.ear.events[-2] == Advance(Phase.WRITE, *[source.facts.mapped_bytes] * 2)


@pytest.mark.parametrize("lost_at", range(1, 40, 3))
def test_a_board_that_is_pulled_out_has_no_partition_table(lost_at: int) -> None:
    source = some_image()
    bench = fastboot_bench(most_bytes=256 << 10)
    total = 60

    def spoil(number: int) -> None:
        if number == min(lost_at + 9, total):
            bench.bus.plug(PORT, None)

    bench.bus.spoil = spoil
    with pytest.raises(UsbGoneError):
        bench.method().flash(source, bench.ear)
    assert bench.core.disk[: 64 << 10] != source._image[: 64 << 10]


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        pytest.param(
            {"variables": {"product": "x"}}, RefusedError, "it is x, not edge-board", id="product"
        ),
        pytest.param(
            {"variables": {"partition-size:disk": "0x500000"}},
            RefusedError,
            "the image",
            id="small",
        ),
        pytest.param(
            {"variables": {"max-download-size": "lots"}},
            LinkError,
            "takes lots at a time",
            id="size",
        ),
        pytest.param({"most_bytes": 1000}, LinkError, "takes 0x3e8", id="little"),
        pytest.param({"refuses": "flash"}, EdgeError, "not today", id="refused"),
        pytest.param({"mute_at": "flash"}, LinkError, "no answer", id="mute"),
    ],
)
def test_a_board_in_fastboot_that_does_not_fit_is_refused(
    words: dict[str, object], error: type[EdgeError], said: str
) -> None:
    bench = fastboot_bench(**words)

    with pytest.raises(error, match=said):
        bench.method().flash(some_image(), bench.ear)
    assert set(bench.core.disk) == {0xEE}


def test_a_board_is_started_when_that_is_wished() -> None:
    bench = fastboot_bench()

    bench.method(FastbootOptions("disk", restart=True)).flash(some_image(), bench.ear)

    assert bench.core.commands[-1] == "reboot"


UBOOT = UbootDisk("mmc 0", 0x42000000)


@pytest.mark.parametrize(
    ("words", "uboot"),
    [
        pytest.param({"runs": True}, UBOOT, id="commands of U-Boot"),
        pytest.param({"variables": {"max-fetch-size": "0x10000"}}, None, id="fetch"),
    ],
)
def test_what_fastboot_wrote_is_read_back_where_the_boot_loader_can(
    words: dict[str, object], uboot: UbootDisk | None
) -> None:
    source = some_image()
    bench = fastboot_bench(**words)
    options = FastbootOptions("disk", uboot=uboot)

    report = bench.method(options).flash(source, bench.ear)

    assert report.verified_bytes == source.facts.mapped_bytes
    assert "not read back" not in bench.ear.notes
    assert bench.method(options).verify(source, Ear()).verified_bytes == report.verified_bytes
    bench.core.disk[4 * MIB + 600] ^= 1
    with pytest.raises(UntrustedError, match=f"differs from the image at byte {4 * MIB + 512}"):
        bench.method(options).verify(source, Ear())


@pytest.mark.parametrize("flaw", [0, MIB, 4 * MIB + 899])
def test_a_bit_that_fastboot_wrote_otherwise_is_found(flaw: int) -> None:
    bench = fastboot_bench(runs=True, spoilt=flaw)

    with pytest.raises(UntrustedError, match="differs from the image"):
        bench.method(FastbootOptions("disk", uboot=UBOOT)).flash(some_image(), bench.ear)


def test_a_boot_loader_that_runs_no_commands_is_refused_before_anything_is_written() -> None:
    bench = fastboot_bench()

    with pytest.raises(RefusedError, match="runs no commands"):
        bench.method(FastbootOptions("disk", uboot=UBOOT)).flash(some_image(), bench.ear)
    assert set(bench.core.disk) == {0xEE}


def test_nothing_is_read_back_when_that_is_not_wanted() -> None:
    bench = fastboot_bench(runs=True)
    options = FastbootOptions("disk", uboot=UBOOT, verify=False)

    assert bench.method(options).flash(some_image(), bench.ear).verified_bytes == 0
    assert not any(one.startswith("oem") for one in bench.core.commands)


def test_a_boot_loader_that_gives_nothing_back_can_not_be_verified() -> None:
    bench = fastboot_bench()

    with pytest.raises(RefusedError, match="gives nothing back"):
        bench.method().verify(some_image(), bench.ear)


def dfu_bench(**words: object) -> tuple[Bus, dfu_board.DfuGadget, DfuMethod]:
    gadget = dfu_board.gadget()
    gadget.busy = 0
    for name, value in words.items():
        setattr(gadget, name, value)
    bus = Bus()
    bus.plug(PORT, gadget)
    return bus, gadget, DfuMethod(PORT, DfuOptions("disk"), bus)


def test_a_board_with_dfu_gets_the_whole_image_and_gives_it_back() -> None:
    source = some_image()
    _bus, gadget, method = dfu_bench()

    report = method.flash(source, Ear())

    assert gadget.places[0] == source._image
    assert report.verified_bytes == len(source._image)
    assert method.verify(source, Ear()).verified_bytes == len(source._image)


@pytest.mark.parametrize("leaves", [True, False])
def test_a_board_whose_system_runs_is_sent_to_dfu_first(leaves: bool) -> None:
    source = some_image()
    bus, loader, method = dfu_bench()
    board = dfu_board.running(loader, leaves=leaves)
    bus.plug(PORT, board)
    ear = Ear()

    report = method.flash(source, ear)

    assert board.told_ms == 2500
    assert report.verified_bytes == len(source._image)
    assert "its system runs" in ear.notes


def test_a_board_that_does_not_come_back_from_its_system_is_said() -> None:
    bus, _loader, method = dfu_bench()
    bus.plug(PORT, dfu_board.running(None))

    with pytest.raises(LinkError, match="the board in the mode of DFU did not come in 15 s"):
        method.flash(some_image(), Ear())


@pytest.mark.parametrize("flaw", [0, 3 * MIB, 6 * MIB - 1])
def test_a_bit_that_came_back_otherwise_is_found(flaw: int) -> None:
    _bus, _gadget, method = dfu_bench(flaw=flaw)

    with pytest.raises(UntrustedError, match="differs from the image"):
        method.flash(some_image(), Ear())


def test_a_disk_that_gives_less_back_is_found() -> None:
    source = some_image()
    _bus, gadget, method = dfu_bench()
    method.flash(source, Ear())
    gadget.places[0] = gadget.places[0][:-5000]

    with pytest.raises(UntrustedError, match="of it came back"):
        method.verify(source, Ear())


def test_a_place_that_the_board_does_not_have_is_refused() -> None:
    bus, gadget, _method = dfu_bench()

    with pytest.raises(RefusedError, match="no place 'rootfs' there: boot, disk"):
        DfuMethod(PORT, DfuOptions("rootfs"), bus).flash(some_image(), Ear())
    assert gadget.places == {}


def test_a_board_with_dfu_is_reset_when_that_is_wished() -> None:
    bus, gadget, _method = dfu_bench()

    DfuMethod(PORT, DfuOptions("boot", verify=False, restart=True), bus).flash(some_image(), Ear())

    assert gadget.resets == 1
    assert list(gadget.places) == [1]


def test_an_imx_starts_its_boot_loader_and_is_flashed_by_fastboot() -> None:
    core = Core()
    rom = imx_rom.rom()
    rom.then = lambda: fastboot_board.gadget(core, vendor=0x1FC9, product=0x0152)
    bus = Bus()
    bus.plug(PORT, rom)
    source, ear = some_image(), Ear()
    image = imx_rom.boot_image()

    SdpMethod(PORT, lambda: image, FastbootOptions("disk"), bus).flash(source, ear)

    assert rom.memory[0x877FF000] == image
    assert core.disk[: 6 * MIB] == source._image
    assert "i.MX6ULL" in ear.notes


@pytest.mark.parametrize(
    ("after", "words"),
    [
        pytest.param(lambda: None, "the boot loader did not come", id="gone"),
        pytest.param(
            lambda: Gadget(0x0525, 0xB4A4, ()), "0525:b4a4 and does not speak fastboot", id="SPL"
        ),
    ],
)
def test_a_boot_loader_that_does_not_speak_fastboot_is_said(after: object, words: str) -> None:
    rom = imx_rom.rom()
    rom.then = after  # type: ignore[assignment]
    bus = Bus()
    bus.plug(PORT, rom)

    with pytest.raises(LinkError, match=words):
        SdpMethod(PORT, imx_rom.boot_image, FastbootOptions("disk"), bus).flash(some_image(), Ear())
