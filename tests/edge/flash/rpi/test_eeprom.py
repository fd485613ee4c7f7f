"""Images of the EEPROM: what is in them, other settings, and images that are none."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import EdgeError, InputError
from edge.flash.rpi import eeprom
from edge.flash.rpi.eeprom import Eeprom
from tests.fakes.usb import eeprom_image
from tests.fakes.usb.eeprom_image import CONFIG

DATA = eeprom_image.image()


def test_files_are_found() -> None:
    assert Eeprom.parse(DATA).files == {
        "bootconf.txt": CONFIG,
        "bootconf.sig": b"",
        "pubkey.bin": b"",
    }


@pytest.mark.parametrize("content", [b"", b"x", CONFIG, b"y" * 2024, b"z" * (4096 - 24 - 8)])
def test_a_file_is_changed_and_nothing_else_moves(content: bytes) -> None:
    made = Eeprom.parse(DATA).with_file("bootconf.txt", content)

    assert made.files == {**Eeprom.parse(DATA).files, "bootconf.txt": content}
    assert made.data[:0x30000] == DATA[:0x30000]
    assert made.data[0x31000:] == DATA[0x31000:]
    assert made.with_file("bootconf.txt", CONFIG).data == DATA


def test_the_bytes_are_those_of_the_layout() -> None:
    made = Eeprom.parse(DATA).with_file("bootconf.txt", b"A=1\n").data[0x30000:0x31000]

    head = struct.pack(">II", 0x55AAF11F, 20) + b"bootconf.txt" + bytes(4) + b"A=1\n" + b"\xff" * 4
    padding = struct.pack(">II", 0x55AAFEEF, 4096 - len(head) - 8)
    assert made == (head + padding).ljust(4096, b"\xff")


@pytest.mark.parametrize(
    ("name", "length"), [("bootconf.txt", 4096), ("bootconf.txt", 4073), ("other", 1)]
)
def test_what_does_not_fit_is_refused(name: str, length: int) -> None:
    with pytest.raises(InputError):
        Eeprom.parse(DATA).with_file(name, b"x" * length)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "0 bytes, not 524288 or 2097152", id="empty"),
        pytest.param(DATA[:-1], "524287 bytes", id="short"),
        pytest.param(b"\xff" * len(DATA), "nothing in it", id="erased"),
        pytest.param(b"\x7fELF" + DATA[4:], "byte 0: no section", id="something else"),
        pytest.param(DATA[:4] + b"\x7f" + DATA[5:], "ends behind the image", id="too long"),
        pytest.param(
            DATA[:0x30004] + struct.pack(">I", 4) + DATA[0x30008:], "has no name", id="no name"
        ),
    ],
)
def test_what_is_no_image_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Eeprom.parse(data)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 0x33100), st.binary(min_size=1, max_size=8))
def test_no_damage_does_more_than_an_error(at: int, junk: bytes) -> None:
    data = DATA[:at] + junk + DATA[at + len(junk) :]
    try:
        Eeprom.parse(data).with_file("bootconf.txt", b"x")
    except EdgeError:
        return


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"BOOT_ORDER": "0xf6"}, b"[all]\nBOOT_UART=0\nBOOT_ORDER=0xf6\n"),
        ({"SIGNED_BOOT": "1"}, CONFIG + b"SIGNED_BOOT=1\n"),
        ({}, CONFIG),
    ],
)
def test_settings_are_changed_in_their_place(changes: dict[str, str], wanted: bytes) -> None:
    made = eeprom.with_settings(CONFIG, changes)

    assert made == wanted
    assert eeprom.settings(made) == {**eeprom.settings(CONFIG), **changes}


def test_a_setting_that_stands_twice_stands_once_after() -> None:
    assert eeprom.with_settings(b"A=1\n#A=3\nB=2\nA=4\n", {"A": "5"}) == b"A=5\n#A=3\nB=2\n"


def test_too_many_settings_are_refused() -> None:
    with pytest.raises(InputError, match="are the most"):
        eeprom.with_settings(CONFIG, {"A": "x" * 2000})
