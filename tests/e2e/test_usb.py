"""Boards on USB, by the kernel's own drivers, libusb and udev of a virtual machine.

What is plugged in there are boards on protocol level; who drives them are our commands, and those
of others: Debian's fastboot and dfu-util, NXP's uuu.
"""

import json
import os
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.flash import sparse, udev
from edge.flash.sparse import Part
from tests.e2e.usb_machine import (
    IMAGE_BYTES,
    MIB,
    Pi,
    Put,
    Run,
    Say,
    edge,
    eventually,
    here,
    machine,
    plug,
    ran,
    some_bytes,
)
from tests.fakes.usb import dfu_board, fastboot_board, imx_rom
from tests.fakes.usb.fastboot_board import Core
from tests.fakes.usb.gadget import Gadget
from tests.fakes.usb.rig import Rig

__all__ = ["edge", "here", "machine", "plug", "ran"]  # fixtures

pytestmark = pytest.mark.slow

SNAGRECOVER = os.environ.get("EDGE_SNAGRECOVER", "")  # it is under the GPL: installed apart
REFUSED, LINK, MISSING = 5, 6, 3


@pytest.fixture
def flash(edge: Say) -> Say:
    """Run `edge flash` of the image."""

    def run(*words: str, board: str = "rpi4") -> tuple[int, str]:
        argv = ["flash", "card.img", "--board", board, "--unsigned", "--boot-files", "boot"]
        return edge(*argv, *words, "--yes")

    return run


def test_a_raspberry_pi_goes_from_its_boot_rom_to_a_verified_card(plug: Put, flash: Say) -> None:
    pi = Pi()
    plug(0, pi.rom)

    status, said = flash("--to", "usb")

    assert status == 0, said
    assert pi.story.second_stage == Path("boot/bootcode4.bin").read_bytes()
    assert pi.story.files["boot.img"] == Path("boot/boot.img").read_bytes()
    assert pi.story.absent == ["pieeprom.sig"]
    assert pi.is_whole
    assert "USER_SERIAL_NUM d1e2f3a4" in said
    assert "read back and right" in said
    assert pi.disk is not None
    assert pi.disk.is_ejected


@pytest.mark.skipif(not SNAGRECOVER, reason="EDGE_SNAGRECOVER names no program")
def test_bootlins_snagrecover_drives_our_raspberry_pi(plug: Put, ran: Run) -> None:
    pi = Pi()
    pi.story.asks = ("config.txt", "boot.img")
    pi.story.tells = ()  # it knows no metadata
    plug(0, pi.rom)
    with tarfile.open("bootfiles.bin", "w") as archive:
        archive.add("boot/bootcode4.bin", "2711/bootcode4.bin")
    files = {"bootfiles": "bootfiles.bin", "boot": "boot/boot.img", "config": "boot/config.txt"}
    lines = (f"{name}:\n  path: {file}\n" for name, file in files.items())
    Path("firmware.yaml").write_text("".join(lines))

    ran(SNAGRECOVER, "-s", "bcm2711", "-f", "firmware.yaml")

    assert pi.story.second_stage == Path("boot/bootcode4.bin").read_bytes()
    assert pi.story.files["config.txt"] == Path("boot/config.txt").read_bytes()
    assert pi.story.files["boot.img"] == Path("boot/boot.img").read_bytes()


def test_four_boards_at_once_are_told_apart_by_their_ports(
    plug: Put, machine: Rig, flash: Say
) -> None:
    boards = [Pi() for _number in range(4)]
    for number, one in enumerate(boards):
        plug(number, one.rom, pause_s=0.004 if number == 3 else 0.0)
    boards[1].story.result = 9

    status, said = flash("--all", "--jobs", "4")

    assert status == 1, said
    assert "1 of 4 targets failed" in said
    assert f"usb:{machine.port_path(1)}: the boot ROM refused the second stage" in said
    assert [one.is_whole for one in boards] == [True, False, True, True]


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(3, id="in the ROM"),
        pytest.param(12, id="in the second stage"),
        pytest.param(150, id="in the card"),
    ],
)
def test_a_board_that_is_pulled_out_is_said_and_the_next_try_goes_on(
    plug: Put, at: int, machine: Rig, flash: Say
) -> None:
    pi, other = Pi(), Pi()
    plug(0, pi.rom).spoil_at = at
    plug(1, other.rom)

    status, said = flash("--all", "--jobs", "2")

    assert status == 1, said
    assert "1 of 2 targets failed" in said
    assert other.is_whole
    assert not pi.is_whole
    again = Pi()
    again.card = pi.card
    plug(0, again.rom)
    assert flash("--to", f"usb:{machine.port_path(0)}")[0] == 0
    assert again.is_whole


def test_another_board_than_the_image_is_for_is_refused(plug: Put, flash: Say) -> None:
    pi = Pi(0x2712)
    plug(0, pi.rom)

    status, said = flash("--to", "usb")

    assert status == REFUSED
    assert "it has a BCM2712, and rpi4 a BCM2711" in said
    assert not any(pi.card)


def test_a_card_that_keeps_other_bytes_is_found(plug: Put, flash: Say) -> None:
    pi = Pi()
    plug(0, pi.rom)

    def spoil() -> None:
        eventually(lambda: pi.disk is not None)
        if pi.disk is not None:
            pi.disk.flaw = 4 * MIB + 77

    threading.Thread(target=spoil).start()
    status, said = flash("--to", "usb")

    assert status != 0, said
    assert not pi.is_whole


def test_nothing_there_is_said_with_what_to_do(flash: Say) -> None:
    status, said = flash("--to", "usb")

    assert status == MISSING
    assert "no board waits for rpiboot on USB" in said
    assert "nRPIBOOT" in said


def test_boards_are_listed_by_their_ports(plug: Put, machine: Rig, edge: Say) -> None:
    plug(0, Pi().rom)
    plug(1, fastboot_board.gadget())
    plug(2, dfu_board.gadget())
    plug(3, imx_rom.rom())

    _status, said = edge("flash", "list", "--json")

    found = {one["way"]: one["port"] for one in json.loads(said)["boards"]}
    ways = ("rpiboot", "fastboot", "dfu", "sdp")
    assert found == {way: machine.port_path(number) for number, way in enumerate(ways)}


@pytest.fixture
def own_board(here: Path) -> str:
    """A board whose boot loader speaks all of them."""
    folder = here / "boards/all"
    folder.mkdir(parents=True)
    source = Path(__file__).parents[2] / "boards/qemu-arm64/board.yml"
    text = source.read_text().replace("name: qemu-arm64", "name: all", 1)
    ways = (
        "  fastboot: {disk: disk, product: edge-board}\n  dfu: {place: disk}\n"
        "  sdp: {chip: i.MX6ULL}\n"
    )
    (folder / "board.yml").write_text(text.replace("\nflash:\n", f"\nflash:\n{ways}", 1))
    for one in source.parent.iterdir():
        if one.name != "board.yml":
            (folder / one.name).symlink_to(one)
    return "all"


def test_fastboot_writes_a_disk(plug: Put, own_board: str, flash: Say) -> None:
    core = Core()
    plug(0, fastboot_board.gadget(core))

    status, said = flash("--to", "fastboot:FB0001", board=own_board)

    assert status == 0, said
    assert core.disk[:IMAGE_BYTES] == some_bytes()


def test_debians_fastboot_drives_our_board_and_our_pieces(plug: Put, ran: Run) -> None:
    core = Core(variables={"has-slot:disk": "no", "is-logical:disk": "no"})
    plug(0, fastboot_board.gadget(core))
    image = some_bytes()
    (piece,) = sparse.pieces([Part(0, image)], len(image), 1 << 30)
    Path("card.simg").write_bytes(piece.data)

    assert "FB0001" in ran("fastboot", "devices")
    ran("fastboot", "-s", "FB0001", "flash", "disk", "card.simg")

    assert core.disk[:IMAGE_BYTES] == image


def test_dfu_writes_a_disk_and_reads_it_back(plug: Put, own_board: str, flash: Say) -> None:
    gadget = dfu_board.gadget()
    gadget.busy = 0
    plug(0, gadget)

    short = some_bytes()[: MIB // 2]
    Path("card.img").write_bytes(short)

    status, said = flash("--to", "dfu", board=own_board)

    assert status == 0, said
    assert gadget.places[0] == short
    assert "read back and right" in said


def test_debians_dfu_util_drives_our_board(plug: Put, ran: Run) -> None:
    gadget = dfu_board.gadget()
    gadget.busy = 0
    plug(0, gadget)
    data = some_bytes()[:200_000]
    Path("file").write_bytes(data)

    assert "disk" in ran("dfu-util", "-l")
    ran("dfu-util", "-a", "boot", "-D", "file")
    ran("dfu-util", "-a", "boot", "-U", "back")
    ran("cmp", "-n", str(len(data)), "file", "back")

    assert gadget.places[1] == data


def test_an_imx_is_started_and_flashed(plug: Put, own_board: str, flash: Say) -> None:
    core, rom = Core(), imx_rom.rom()
    rom.then = lambda: fastboot_board.gadget(core, vendor=0x1FC9, product=0x0152)
    plug(0, rom)
    Path("flash.bin").write_bytes(imx_rom.boot_image())

    status, said = flash("--to", "sdp", "--loader", "flash.bin", board=own_board)

    assert status == 0, said
    assert rom.memory[0x877FF000] == imx_rom.boot_image()
    assert core.disk[:IMAGE_BYTES] == some_bytes()


def test_nxps_uuu_drives_our_rom(plug: Put, flash: Say, ran: Run) -> None:
    rom = imx_rom.rom()
    plug(0, rom)
    image = imx_rom.boot_image(offset=0)
    Path("flash.bin").write_bytes(image)
    Path("uuu.lst").write_text("uuu_version 1.2.39\nSDP: boot -f flash.bin\nSDP: done\n")

    ran("uuu", "uuu.lst")

    assert rom.jumped == 0x877FF000
    assert rom.memory[0x877FF000][: len(image)] == image


def test_udev_gives_boards_and_their_disks_to_who_sits_here(
    plug: Put, machine: Rig, edge: Say, ran: Run
) -> None:
    assert edge("udev", "install")[0] == 0
    ran("test", "-f", f"/{udev.FILE}")

    def tags(number: int) -> str:
        ran("udevadm", "settle")
        place = f"/sys/bus/usb/devices/{machine.port_path(number)}"
        return ran("udevadm", "info", "--query=property", place)

    boards: tuple[Callable[[], Gadget], ...] = (lambda: Pi().rom, lambda: fastboot_board.gadget())
    for number, board in enumerate(boards):
        port = plug(number, board())
        if "uaccess" not in tags(number):  # as the command says: plug it in again
            port.put(board())
            port.wait()
        assert "uaccess" in tags(number)
    plug(2, Gadget(0x1234, 0x5678, (imx_rom.HID,)))
    assert "uaccess" not in tags(2)
