"""DFU 1.1: files to a board and back, golden transfers, and boards that are busy, refuse or go."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import EdgeError, LinkError
from edge.flash.protocols import dfu
from edge.flash.protocols.dfu import Abilities, Dfu, DfuError
from edge.flash.protocols.steps import Heard
from edge.flash.protocols.usb_steps import (
    Ask,
    Order,
    Pause,
    UsbGoneError,
    UsbStalledError,
)
from tests.fakes.usb import dfu_board
from tests.fakes.usb.dfu_board import DfuGadget
from tests.fakes.usb.in_process import Bus, answered, run

ABLE = Abilities(can_download=True, can_upload=True, stays=True, transfer_bytes=1024)
DATA = bytes(range(250)) * 21  # five blocks and a rest
GONE = UsbStalledError("stalled")


def board(**words: object) -> tuple[Bus, DfuGadget]:
    gadget = dfu_board.gadget(transfer_bytes=1024)
    for name, value in words.items():
        setattr(gadget, name, value)
    bus = Bus()
    bus.plug("1-1", gadget)
    return bus, gadget


@pytest.mark.parametrize("data", [b"", b"x", DATA, DATA[:2048]])
@pytest.mark.parametrize("stays", [True, False])
def test_a_file_arrives_and_comes_back(data: bytes, stays: bool) -> None:
    bus, gadget = board(stays=stays)
    if not data:
        with pytest.raises(DfuError):
            run(bus, Dfu(0, ABLE).download([data]))
        return

    run(bus, Dfu(0, ABLE).download([data]))

    assert gadget.places[0] == data
    if stays:
        for most, wanted in ((1 << 20, data), (100, data[:100])):
            got = bytearray()
            assert run(bus, Dfu(0, ABLE).upload(most, got.extend)) == len(wanted)
            assert got == wanted


def test_a_board_is_given_the_time_that_it_asks_for() -> None:
    bus, _gadget = board(busy=2)

    run(bus, Dfu(0, ABLE).download([b"x"]))

    assert bus.now_s == pytest.approx(120)  # 70 s twice, of which no more than a minute


def test_the_transfers_are_those_of_the_specification() -> None:
    dialog = Dfu(3, ABLE).download([b"abc"])
    status = iter([2, 3, 5, 6, 7, 2])
    steps = [next(dialog)]
    try:
        while True:
            answer = (
                struct.pack("<BBHBB", 0, 2, 1, next(status), 0)
                if isinstance(steps[-1], Ask)
                else b""
            )
            steps.append(dialog.send(Heard(answer, 0.0)))
    except StopIteration:
        pass

    assert steps[0] == Ask(0x21, 3, 0, 3, 6)
    orders = [step for step in steps if isinstance(step, Order)]
    assert orders == [Order(0x21, 1, 0, 3, b"abc"), Order(0x21, 1, 1, 3, b"")]
    waits = [step.time_s for step in steps if isinstance(step, Pause)]
    assert waits == [pytest.approx(0.258)] * 3  # 2 + 1 << 8 ms


def test_numbers_of_blocks_wrap() -> None:
    able = Abilities(can_download=True, can_upload=True, stays=True, transfer_bytes=8)
    bus, gadget = board(busy=0)
    data = bytes(8 * 65540)

    run(bus, Dfu(0, able).download([data]))

    assert gadget.blocks[65535:65538] == [65535, 0, 1]
    assert len(gadget.places[0]) == len(data)


def test_what_an_earlier_transfer_left_is_cleared() -> None:
    for state in (dfu_board.DNLOAD_IDLE, dfu_board.UPLOAD_IDLE, dfu_board.ERROR):
        bus, gadget = board(state=state)

        run(bus, Dfu(0, ABLE).download([b"x"]))

        assert gadget.places[0] == b"x"


@pytest.mark.parametrize(
    ("status", "words"), [(3, "can not be written"), (8, "out of range"), (99, "error 99")]
)
def test_a_board_that_refuses_a_block_says_why(status: int, words: str) -> None:
    bus, gadget = board(error_at=(2, status))

    with pytest.raises(DfuError, match=words):
        run(bus, Dfu(0, ABLE).download([DATA]))
    assert gadget.state == dfu_board.IDLE  # so that the next one can come


@pytest.mark.parametrize("state", [0, 1])
def test_a_board_that_runs_its_application_is_told_apart(state: int) -> None:
    bus, _gadget = board(state=state)

    with pytest.raises(LinkError, match="runs its application"):
        run(bus, Dfu(0, ABLE).download([b"x"]))


def test_what_a_board_is_not_able_to_is_not_tried() -> None:
    able = Abilities(can_download=False, can_upload=False, stays=True, transfer_bytes=8)

    with pytest.raises(DfuError, match="takes no file"):
        next(Dfu(0, able).download([b"x"]))
    with pytest.raises(DfuError, match="gives nothing"):
        next(Dfu(0, able).upload(8, bytearray().extend))


def test_a_board_that_goes_away_at_the_end_has_restarted() -> None:
    able = Abilities(can_download=True, can_upload=False, stays=False, transfer_bytes=1024)
    bus, gadget = board()

    def spoil(_number: int) -> None:
        if gadget.state == dfu_board.MANIFEST:
            bus.plug("1-1", None)

    bus.spoil = spoil
    run(bus, Dfu(0, able).download([b"x"]))

    assert gadget.places[0] == b"x"


@pytest.mark.parametrize("at", range(1, 12))
def test_a_board_that_is_unplugged_is_seen(at: int) -> None:
    bus, _gadget = board()
    bus.spoil = lambda number: bus.plug("1-1", None) if number == at else None

    with pytest.raises(UsbGoneError):
        run(bus, Dfu(0, ABLE).download([DATA]))


def test_a_board_is_told_to_leave_its_application() -> None:
    bus, gadget = board()

    run(bus, Dfu(0, ABLE).detach())

    assert gadget.detached == 1


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param("", id="nothing"),
        pytest.param("0921", id="cut"),
        pytest.param("0921 0f ff00 0400 1001", id="no room in a transfer"),
        pytest.param("0005", id="a length of zero"),
        pytest.param("0924 0f ff00 0010 1001", id="another kind"),
    ],
)
def test_descriptors_that_are_none_of_dfu_are_refused(extra: str) -> None:
    with pytest.raises(LinkError, match="no usable descriptor"):
        dfu.abilities(bytes.fromhex(extra))


def test_the_descriptor_is_read_wherever_it_lies() -> None:
    extra = bytes.fromhex("0524000110" "09210dff0000101001")  # fmt: skip

    assert dfu.abilities(extra) == Abilities(
        can_download=True,
        can_upload=False,
        stays=True,
        transfer_bytes=4096,
        leaves=True,
        detach_ms=255,
    )


def test_a_board_that_is_busy_for_ever_is_left() -> None:
    busy = struct.pack("<BBHBB", 0, 0, 0, 4, 0)
    idle = struct.pack("<BBHBB", 0, 0, 0, 2, 0)

    with pytest.raises(LinkError, match="busy without end"):
        answered(Dfu(0, ABLE).download([b"x"]), [idle] + [busy] * 10_001, GONE)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=5, max_size=7) | st.just(bytes([0, 0, 0, 0, 2, 0])), max_size=5))
def test_no_answer_does_more_than_an_error(replies: list[bytes]) -> None:
    for dialog in (Dfu(0, ABLE).download([b"abc"]), Dfu(0, ABLE).upload(9, bytearray().extend)):
        try:
            answered(dialog, list(replies), GONE)
        except EdgeError:
            continue
