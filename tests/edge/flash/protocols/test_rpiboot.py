"""The boot ROM of Raspberry Pi: its second stage, the files it asks for, and boards that fail."""

import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import EdgeError, LinkError, RefusedError
from edge.flash.protocols import rpiboot
from edge.flash.protocols.steps import Heard
from edge.flash.protocols.usb_steps import (
    Ask,
    Order,
    Pause,
    UsbError,
    UsbGoneError,
    UsbStalledError,
    UsbTimeoutError,
    Write,
)
from tests.fakes.usb import rpi_rom
from tests.fakes.usb.in_process import Bus, answered, run
from tests.fakes.usb.rpi_rom import Story

CODE = bytes(range(251)) * 200
OUT = 1
GONE = UsbGoneError("gone")


@dataclass
class Folder:
    """Files in memory."""

    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, name: str) -> bytes | None:
        """Return one."""
        return self.files.get(name)


def started(story: Story, product: int = 0x2711) -> Bus:
    """Return a board that has its second stage."""
    bus = Bus()
    bus.plug("1-1", rpi_rom.rom(product, story))
    run(bus, rpiboot.send_second_stage(CODE, OUT))
    return bus


def test_the_rom_is_given_a_message_and_the_second_stage() -> None:
    story = Story()

    started(story)

    assert story.message == struct.pack("<i", len(CODE)) + bytes(20)
    assert story.second_stage == CODE


def test_the_transfers_are_those_of_the_rom() -> None:
    dialog = rpiboot.send_second_stage(b"x" * 600_000, OUT, signature=b"s" * 20)
    steps = [next(dialog)]
    try:
        while True:
            answer = bytes(4) if isinstance(steps[-1], Ask) else b""
            steps.append(dialog.send(Heard(answer, 0.0)))
    except StopIteration:
        pass

    assert steps[0] == Order(0x40, 0, 24, 0, timeout_s=1.0)
    assert steps[1] == Write(OUT, struct.pack("<i", 600_000) + b"s" * 20, 20.0)
    assert steps[2] == Order(0x40, 0, 600_000 & 0xFFFF, 600_000 >> 16, timeout_s=1.0)
    assert [len(step.data) for step in steps if isinstance(step, Write)] == [
        24,
        1 << 18,
        1 << 18,
        75_712,
    ]
    assert steps[-1] == Ask(0x40, 0, 4, 0, 4, 20.0)


def test_a_length_of_more_than_16_bits_is_in_two_words() -> None:
    dialog = rpiboot.send_second_stage(bytes(0x12345), OUT)
    steps = [next(dialog), dialog.send(Heard(b"", 0.0)), dialog.send(Heard(b"", 0.0))]

    assert steps[2] == Order(0x40, 0, 0x2345, 1, timeout_s=1.0)


def test_the_second_stage_gets_its_files_and_tells_of_the_board() -> None:
    story = Story(
        asks=("config.txt", "pieeprom.sig", "boot.img"),
        tells=("USER_SERIAL_NUM*d1e2f3a4", "MAC_ADDR*2c:cf:67:00:00:01"),
    )
    bus = started(story)
    files = {"config.txt": b"boot_ramdisk=1\n", "boot.img": bytes(100_000)}

    served = run(bus, rpiboot.serve(Folder(files), OUT))

    assert story.files == files
    assert story.absent == ["pieeprom.sig"]
    assert served.files == {"config.txt": 15, "boot.img": 100_000}
    assert served.absent == ["pieeprom.sig"]
    assert served.metadata == {"USER_SERIAL_NUM": "d1e2f3a4", "MAC_ADDR": "2c:cf:67:00:00:01"}
    assert not served.is_gone


def test_a_board_that_leaves_when_it_has_all_is_done() -> None:
    story = Story(asks=("boot.img",), ends=False)
    bus = started(story)

    served = run(bus, rpiboot.serve(Folder({"boot.img": b"x"}), OUT))

    assert served.is_gone
    assert served.files == {"boot.img": 1}


def test_a_second_stage_that_is_refused_is_said() -> None:
    story = Story(result=-3)
    bus = Bus()
    bus.plug("1-1", rpi_rom.rom(0x2712, story))

    with pytest.raises(LinkError, match="refused the second stage: result -3") as caught:
        run(bus, rpiboot.send_second_stage(CODE, OUT))
    assert "fused" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["../secret", "a/../../b", "/etc/passwd"])
def test_no_file_outside_is_given(name: str) -> None:
    bus = started(Story(asks=(name,)))

    with pytest.raises(RefusedError, match="outside"):
        run(bus, rpiboot.serve(Folder({name: b"x"}), OUT))


def test_a_transfer_that_fails_once_is_asked_for_again() -> None:
    story = Story(asks=("config.txt",))
    bus = started(story)
    first = bus.transfers + 1

    def spoil(number: int) -> None:
        if number == first:
            raise UsbTimeoutError("not now")

    bus.spoil = spoil
    served = run(bus, rpiboot.serve(Folder({"config.txt": b"x"}), OUT))

    assert served.files == {"config.txt": 1}


@pytest.mark.parametrize("at", range(1, 16))
def test_a_board_that_is_unplugged_at_any_transfer_is_seen(at: int) -> None:
    story = Story(asks=("config.txt", "boot.img"))
    bus = Bus()
    bus.plug("1-1", rpi_rom.rom(0x2711, story))

    def spoil(number: int) -> None:
        if number == at:
            bus.plug("1-1", None)

    bus.spoil = spoil
    files = Folder({"config.txt": b"x", "boot.img": b"y" * 20_000})
    try:
        run(bus, rpiboot.send_second_stage(CODE, OUT))
    except UsbGoneError:
        assert at <= 8
        return
    served = run(bus, rpiboot.serve(files, OUT))

    assert served.is_gone
    assert "boot.img" not in served.files


def test_a_rom_that_stalls_is_an_error_of_the_link() -> None:
    bus = Bus()
    bus.plug("1-1", rpi_rom.rom())

    def spoil(_number: int) -> None:
        raise UsbStalledError("stalled")

    bus.spoil = spoil
    with pytest.raises(LinkError):
        run(bus, rpiboot.send_second_stage(CODE, OUT))


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(UsbStalledError("stalled"), id="it stalls"),
        pytest.param(UsbTimeoutError("no answer"), id="it says nothing"),
        pytest.param(b"\xff" * 4, id="it says not yet"),
        pytest.param(b"", id="it says nothing whole"),
    ],
)
def test_a_rom_that_is_busy_yet_is_asked_once_more_after_a_wait(first: bytes | UsbError) -> None:
    dialog = rpiboot.send_second_stage(CODE, OUT)
    steps: list[object] = [next(dialog)]
    answers: list[bytes | UsbError] = [first, bytes(4)]
    try:
        while True:
            answer = answers.pop(0) if isinstance(steps[-1], Ask) else b""
            if isinstance(answer, UsbError):
                steps.append(dialog.throw(answer))
            else:
                steps.append(dialog.send(Heard(answer, 0.0)))
    except StopIteration:
        pass

    asked = [step for step in steps if isinstance(step, Ask | Pause)]
    assert [type(step) for step in asked] == [Ask, Pause, Ask]
    assert asked[1] == Pause(1.0)


def request(command: int, name: bytes) -> bytes:
    return struct.pack("<i", command) + name.ljust(256, b"\0")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(b"", "0 bytes", id="empty"),
        pytest.param(request(0, b"x")[:-1], "259 bytes", id="cut"),
        pytest.param(request(7, b"x"), "command 7", id="another command"),
    ],
)
def test_a_question_that_is_none_ends_it(reply: bytes, words: str) -> None:
    with pytest.raises(LinkError, match=words):
        answered(rpiboot.serve(Folder(), OUT), [reply], GONE)


def test_a_second_stage_that_never_has_enough_ends() -> None:
    with pytest.raises(LinkError, match="is not done"):
        answered(rpiboot.serve(Folder(), OUT), [request(0, b"x")] * 10_001, GONE)


def test_an_empty_name_ends_it() -> None:
    assert not answered(rpiboot.serve(Folder(), OUT), [request(1, b"")], GONE).is_gone


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=258, max_size=261), max_size=4))
def test_no_question_does_more_than_an_error(replies: list[bytes]) -> None:
    try:
        answered(rpiboot.serve(Folder(), OUT), replies, GONE)
    except EdgeError:
        return
