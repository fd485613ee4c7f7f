"""Which board on USB is meant: on ports that are made up, with the profile of Raspberry Pi 4."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.board.model import Board
from edge.board.search import find
from edge.cli.flash_boards import UsbOptions
from edge.cli.flash_targets import Choosing
from edge.errors import EdgeError, InputError, RefusedError, ThingNotFoundError
from edge.flash.disks.choice import Limits
from edge.flash.disks.disk import Disk, Transport
from edge.flash.methods.dfu import DfuMethod
from edge.flash.methods.fastboot import FastbootMethod
from edge.flash.methods.rpiboot import RpibootMethod
from edge.flash.methods.sdp import SdpMethod
from edge.flash.transports.usb_bus import Bus as UsbBus
from tests.fakes.memory_source import MemorySource
from tests.fakes.usb import dfu_board, fastboot_board, imx_rom, rpi_rom
from tests.fakes.usb.fastboot_board import Core
from tests.fakes.usb.in_process import Bus

STICK = Disk("sdz", "/dev/sdz", 32 * 10**9, Transport.USB, model="Ultra", serial="4C53", port="1-4")
FLASH = {
    "rpiboot": {"chip": "2711"},
    "fastboot": {"disk": "mmc0"},
    "dfu": {"place": "disk"},
    "sdp": {"chip": "i.MX6ULL"},
}


@pytest.fixture
def ports() -> Bus:
    return Bus()


@pytest.fixture
def choosing(ports: Bus, tmp_path: Path) -> Callable[..., Choosing]:
    """Return how targets are chosen for a board that can be flashed in such ways."""
    (tmp_path / "flash.bin").write_bytes(imx_rom.boot_image())

    def made(*disks: Disk, ways: tuple[str, ...] = tuple(FLASH), **words: object) -> Choosing:
        def profile() -> Board:
            base = find("rpi4")
            flash = {way: FLASH[way] for way in ways}
            return base.model_validate({**base.model_dump(exclude_none=True), "flash": flash})

        said = {"boot_files": tmp_path, "loader": tmp_path / "flash.bin", "wait_s": 0.0, **words}
        return Choosing(
            MemorySource(bytes(4096)).facts,
            profile,
            Limits(),
            usb=UsbOptions(**said),  # type: ignore[arg-type]
            disks=lambda: disks,
            bus=lambda: ports,
        )

    return made


def plug_all(ports: Bus) -> None:
    """Plug in one board of each kind."""
    ports.plug("1-1", rpi_rom.rom())
    ports.plug("1-2", fastboot_board.gadget())
    ports.plug("1-3.1", dfu_board.gadget())
    ports.plug("1-3.2", imx_rom.rom())


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("usb", RpibootMethod, "usb:1-1"),
        ("usb:1-1", RpibootMethod, "usb:1-1"),
        ("fastboot", FastbootMethod, "fastboot:1-2"),
        ("fastboot:1-2", FastbootMethod, "fastboot:1-2"),
        ("fastboot:FB0001", FastbootMethod, "fastboot:1-2"),
        ("fastboot:tcp:127.0.0.1", FastbootMethod, "fastboot:tcp:127.0.0.1:5554"),
        ("dfu", DfuMethod, "dfu:1-3.1"),
        ("dfu:DFU0001", DfuMethod, "dfu:1-3.1"),
        ("sdp", SdpMethod, "sdp:1-3.2"),
    ],
)
def test_a_board_is_found_by_each_of_its_names(
    ports: Bus, choosing: Callable[..., Choosing], text: str, kind: type, target: str
) -> None:
    plug_all(ports)

    (found,) = choosing().named([text])

    assert isinstance(found.method, kind)
    assert found.method.target == target


def test_the_only_board_is_taken_without_a_word(
    ports: Bus, choosing: Callable[..., Choosing]
) -> None:
    ports.plug("1-1", rpi_rom.rom())

    assert choosing().only_one(wait_s=0).method.target == "usb:1-1"
    with pytest.raises(RefusedError, match="more could be meant"):
        choosing(STICK).only_one(wait_s=0)
    assert choosing(STICK, ways=("dfu",)).only_one(wait_s=0).method.target == "/dev/sdz"


def test_all_means_cards_and_boards(ports: Bus, choosing: Callable[..., Choosing]) -> None:
    plug_all(ports)
    ports.plug("1-5", rpi_rom.rom())

    targets = [
        one.method.target for one in choosing(STICK, ways=("rpiboot", "fastboot", "dfu")).every()
    ]

    assert targets == ["/dev/sdz", "usb:1-1", "fastboot:1-2", "dfu:1-3.1", "usb:1-5"]


def test_a_device_whose_system_runs_is_meant_only_by_its_name(
    ports: Bus, choosing: Callable[..., Choosing]
) -> None:
    ports.plug("1-2", dfu_board.running(None))

    with pytest.raises(ThingNotFoundError, match="no board waits for dfu") as caught:
        choosing().named(["dfu"])
    assert caught.value.hint == "--to dfu:1-2 means device that can be sent to DFU"
    assert [one.method.target for one in choosing(STICK, ways=("dfu",)).every()] == ["/dev/sdz"]
    assert choosing().named(["dfu:1-2"])[0].method.target == "dfu:1-2"


def test_equal_boards_are_told_apart_by_their_ports(
    ports: Bus, choosing: Callable[..., Choosing]
) -> None:
    ports.plug("1-1", fastboot_board.gadget(Core()))
    ports.plug("1-2", fastboot_board.gadget(Core()))

    with pytest.raises(
        RefusedError, match="2 boards wait for fastboot: fastboot:1-1, fastboot:1-2"
    ):
        choosing().named(["fastboot"])
    with pytest.raises(RefusedError, match="have the serial number FB0001"):
        choosing().named(["fastboot:FB0001"])
    (found,) = choosing().named(["fastboot:1-2"])
    assert found.method.target == "fastboot:1-2"


@pytest.mark.parametrize(
    ("text", "words", "error", "said"),
    [
        pytest.param("usb", {}, ThingNotFoundError, "no board waits for rpiboot", id="none"),
        pytest.param("dfu:1-2", {}, ThingNotFoundError, "does not speak dfu", id="other way"),
        pytest.param("dfu:X", {}, ThingNotFoundError, "serial number X", id="serial number"),
        pytest.param("fastboot:9-9", {}, ThingNotFoundError, "no board waits there", id="port"),
        pytest.param("fastboot", {"ways": ("dfu",)}, InputError, "no flash.fastboot", id="profile"),
        pytest.param("sdp", {}, RefusedError, "has a i.MX6UL, and rpi4 a i.MX6ULL", id="chip"),
    ],
)
def test_a_board_that_is_not_the_one_is_refused(
    ports: Bus,
    choosing: Callable[..., Choosing],
    text: str,
    words: dict[str, object],
    error: type[EdgeError],
    said: str,
) -> None:
    ports.plug("1-2", fastboot_board.gadget())
    ports.plug("1-3", imx_rom.rom(0x007D))

    with pytest.raises(error, match=said):
        choosing(**words).named([text])


def test_a_raspberry_pi_of_another_chip_is_refused(
    ports: Bus, choosing: Callable[..., Choosing]
) -> None:
    ports.plug("1-1", rpi_rom.rom(0x2712))

    with pytest.raises(RefusedError, match="it has a BCM2712, and rpi4 a BCM2711"):
        choosing().named(["usb"])


def test_what_the_rom_needs_is_asked_for(ports: Bus, choosing: Callable[..., Choosing]) -> None:
    plug_all(ports)

    with pytest.raises(InputError, match="wants a boot loader") as caught:
        choosing(loader=None).named(["sdp"])
    assert "--loader" in str(caught.value.hint)
    with pytest.raises(ThingNotFoundError, match="no such folder"):
        choosing(boot_files=Path("nowhere")).named(["usb"])


def test_without_libusb_cards_are_written_all_the_same(choosing: Callable[..., Choosing]) -> None:
    def missing() -> UsbBus:
        raise ThingNotFoundError("USB needs a package that is missing: usb")

    choice = choosing(STICK)
    without = Choosing(choice.facts, choice.profile, Limits(), disks=choice.disks, bus=missing)

    assert without.only_one(wait_s=0).method.target == "/dev/sdz"
    with pytest.raises(ThingNotFoundError, match="a package that is missing"):
        without.named(["usb"])
