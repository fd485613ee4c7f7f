"""NXP's serial download: what the ROM is told, boot images that are none, and ROMs that refuse."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import EdgeError, InputError, LinkError
from edge.flash.protocols import sdp
from edge.flash.protocols.sdp import Chip, Link
from edge.flash.protocols.steps import Heard
from edge.flash.protocols.usb_steps import Order, Read, UsbTimeoutError, Write
from tests.fakes.usb import imx_rom
from tests.fakes.usb.imx_rom import ImxRom, StreamRom
from tests.fakes.usb.in_process import Bus, run

HID = Link(0, 1)
ULL = Chip("i.MX6ULL", skips_dcd=True)
BASE = 0x877FF000


def board(rom: ImxRom | StreamRom) -> Bus:
    bus = Bus()
    bus.plug("1-1", rom)
    return bus


def test_a_program_is_loaded_and_started() -> None:
    rom = imx_rom.rom()
    image = imx_rom.boot_image()
    bus = board(rom)

    run(bus, sdp.boot(HID, ULL, image))

    assert [command for command, _address, _count in rom.commands] == [
        0x0A0A,
        0x0404,
        0x0C0C,
        0x0B0B,
    ]
    assert rom.commands[0] == (0x0A0A, 0x910000, 16)
    assert rom.dcd == image[0x42C:0x43C]
    assert rom.memory == {BASE: image}
    assert rom.jumped == BASE + 0x400
    assert bus.sightings() == []


def test_a_chip_that_does_not_skip_its_first_settings_does_not_find_them_again() -> None:
    image = imx_rom.boot_image()
    rom = imx_rom.rom()

    run(board(rom), sdp.boot(HID, Chip("i.MX6Q"), image))

    assert [command for command, _address, _count in rom.commands] == [0x0A0A, 0x0404, 0x0B0B]
    loaded = rom.memory[BASE]
    assert loaded[0x40C:0x410] == bytes(4)
    assert loaded[:0x40C] + loaded[0x410:] == image[:0x40C] + image[0x410:]


def test_of_a_closed_chip_the_table_stays_as_it_was_signed() -> None:
    image = imx_rom.boot_image()
    rom = imx_rom.rom()
    rom.is_closed = True

    run(board(rom), sdp.boot(HID, Chip("i.MX6Q"), image))

    assert rom.memory == {BASE: image}


def test_a_program_without_first_settings_is_loaded_alone() -> None:
    rom = imx_rom.rom()
    image = imx_rom.boot_image(with_dcd=False, offset=0)

    run(board(rom), sdp.boot(HID, ULL, image))

    assert [command for command, _address, _count in rom.commands] == [0x0404, 0x0B0B]


def test_a_large_program_goes_in_parts() -> None:
    rom = imx_rom.rom()
    image = imx_rom.boot_image(size=sdp.MOST_FILE_BYTES + 100)

    run(board(rom), sdp.boot(HID, ULL, image))

    assert sorted(rom.memory) == [BASE, BASE + sdp.MOST_FILE_BYTES]
    assert b"".join(rom.memory[at] for at in sorted(rom.memory)) == image


def test_the_reports_are_those_of_the_rom() -> None:
    dialog = sdp.boot(HID, ULL, imx_rom.boot_image(with_dcd=False, size=1500))
    steps = [next(dialog)]
    replies = iter([b"\3" + struct.pack("<I", 0x56787856), b"\4" + struct.pack("<I", 0x88888888)])
    while True:
        try:
            if isinstance(steps[-1], Read):
                reply = next(replies, None)
                if reply is None:
                    steps.append(dialog.throw(UsbTimeoutError("late")))
                    continue
                steps.append(dialog.send(Heard(reply, 0.0)))
            else:
                steps.append(dialog.send(Heard(b"", 0.0)))
        except StopIteration:
            break

    command = bytes.fromhex("01" "0404" "877ff000" "00" "000005dc" "00000000" "00")  # fmt: skip
    assert steps[0] == Order(0x21, 9, 0x0201, 0, command, 10.0)
    datas = [step.data for step in steps if isinstance(step, Order)]
    assert [(len(data), data[0]) for data in datas] == [(17, 1), (1025, 2), (477, 2), (17, 1)]
    assert steps[3] == Read(0x81, 65, 10.0)


def test_reports_go_to_an_endpoint_where_there_is_one() -> None:
    step = next(sdp.state(Link(0, 1, output=2)))

    assert isinstance(step, Write)
    assert (step.endpoint, step.data[:3]) == (2, b"\1\5\5")


@pytest.mark.parametrize("is_closed", [True, False])
def test_a_chip_says_whether_it_is_closed(is_closed: bool) -> None:
    rom = imx_rom.rom()
    rom.is_closed = is_closed

    assert run(board(rom), sdp.state(HID)) is is_closed


@pytest.mark.parametrize("command", [0x0404, 0x0A0A, 0x0C0C])
def test_a_rom_that_answers_otherwise_has_refused(command: int) -> None:
    rom = imx_rom.rom()
    rom.refuses = command

    with pytest.raises(LinkError, match=f"{command:#06x} with 0x00000bad"):
        run(board(rom), sdp.boot(HID, ULL, imx_rom.boot_image()))


def test_a_program_that_a_closed_chip_does_not_start_is_said() -> None:
    rom = imx_rom.rom()
    rom.says_at_jump = 0x33224411

    with pytest.raises(LinkError, match="did not start the program: 0x33224411") as caught:
        run(board(rom), sdp.boot(HID, ULL, imx_rom.boot_image()))
    assert "signed" in str(caught.value.hint)


def test_a_later_chip_is_given_its_container_as_it_is() -> None:
    rom = StreamRom(0x1FC9, 0x0146, (imx_rom.HID,), wants_bytes=5000, report_bytes=1020)
    chip = Chip("i.MX8MP", streams=True, report_bytes=1020)

    run(board(rom), sdp.boot(Link(0, 1, output=1), chip, bytes(range(250)) * 20))

    assert rom.got[:5000] == bytes(range(250)) * 20
    assert len(rom.got) == 5100
    assert rom.heads == []


def test_an_imx28_is_told_the_length_first() -> None:
    rom = StreamRom(0x15A2, 0x004F, (imx_rom.HID,), wants_bytes=2000)
    chip = Chip("i.MX28", streams=True, has_preamble=True)

    run(board(rom), sdp.boot(HID, chip, bytes(2000)))

    assert rom.heads == [bytes.fromhex("424c544301000000d007000000000002000007d0") + bytes(11)]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        pytest.param(b"", "no vector table", id="empty"),
        pytest.param(bytes(5000), "no vector table", id="zeros"),
        pytest.param(imx_rom.boot_image()[:0x410], "no vector table", id="cut in the table"),
        pytest.param(
            imx_rom.boot_image()[:0x42E], "outside of the image", id="cut before the settings"
        ),
        pytest.param(imx_rom.boot_image()[:0x434], "have 16 bytes", id="cut in the settings"),
        pytest.param(
            imx_rom.boot_image().replace(b"\xd2\x00\x10\x40", b"\xd1\x00\x10\x40"),
            "no first settings",
            id="no settings there",
        ),
        pytest.param(
            imx_rom.boot_image().replace(b"\xd2\x00\x10\x40", b"\xd2\xff\xff\x40"),
            "have 65535 bytes",
            id="settings without end",
        ),
        pytest.param(
            struct.pack("<8I", 0x402000D1, 4, 0, 0, 0, 8, 0, 0), "not in the image", id="no place"
        ),
    ],
)
def test_a_file_that_is_no_boot_image_is_refused(image: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        sdp.program(image)


@settings(max_examples=300, deadline=None)
@given(st.integers(0x400, 0x440), st.integers(0, 255))
def test_a_byte_changed_in_the_table_does_no_more_than_an_error(at: int, value: int) -> None:
    image = bytearray(imx_rom.boot_image())
    image[at] = value
    try:
        sdp.program(bytes(image))
    except EdgeError:
        return


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=70), max_size=4))
def test_no_report_does_more_than_an_error(replies: list[bytes]) -> None:
    dialog = sdp.boot(HID, ULL, imx_rom.boot_image())
    coming = iter(replies)
    step = next(dialog)
    try:
        while True:
            step = dialog.send(Heard(next(coming, b"") if isinstance(step, Read) else b"", 0.0))
    except (EdgeError, StopIteration):
        return
