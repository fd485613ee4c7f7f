"""The sender of YMODEM: golden bytes, and a line that damages everything."""

import binascii
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import LinkError
from edge.flash.protocols import ymodem
from edge.flash.protocols.steps import Heard, Line, Receive, Send
from edge.flash.transports import driver
from tests.fakes.faulty_line import Damage, FaultyLine
from tests.fakes.ymodem_receiver import Receiver

DATA = bytes(range(256)) * 13  # three long blocks and a rest
DAMAGES = st.dictionaries(st.integers(0, 7), st.sampled_from(list(Damage)), max_size=3)


def send(line: FaultyLine, data: bytes = DATA) -> ymodem.Sent:
    dialog = ymodem.send(Line(), "edge.gz", data)
    return driver.run(dialog, line, clock_s=line.clock_s, listener=lambda _event: None)


@pytest.mark.parametrize(
    ("number", "data", "head", "size_bytes"),
    [
        pytest.param(0, ymodem.header("a", 5), "0100ff", 133, id="block 0"),
        pytest.param(1, b"x" * 1024, "0201fe", 1029, id="a long block"),
        pytest.param(257, b"x" * 129, "0201fe", 1029, id="the number is a byte"),
        pytest.param(2, b"x" * 128, "0102fd", 133, id="a short block"),
    ],
)
def test_a_block_has_its_layout(number: int, data: bytes, head: str, size_bytes: int) -> None:
    block = ymodem.block(number, data)

    assert block[:3].hex() == head
    assert len(block) == size_bytes
    assert binascii.crc_hqx(block[3:], 0) == 0


def test_block_0_says_name_and_size() -> None:
    assert ymodem.block(0, ymodem.header("f", 300)).hex() == (
        "0100ff" + b"f\x00300\x00".hex() + "00" * 122 + "5db5"
    )


def exchange(answers: list[bytes]) -> tuple[list[bytes], ymodem.Sent]:
    """Play a session of the file `f` with these answers, one for each wait."""
    dialog = ymodem.send(Line(), "f", b"abc")
    sent = []
    coming = iter(answers)
    step = next(dialog)
    while True:
        if isinstance(step, Send):
            sent.append(step.data)
        waits = isinstance(step, Receive) and step.timeout_s > 0
        try:
            step = dialog.send(Heard(next(coming) if waits else b"", 0.0))
        except StopIteration as end:
            return sent, end.value


def test_a_session_is_this_exchange() -> None:
    sent, result = exchange([b"C", b"", b"\x06", b"", b"\x06", b"\x06", b"C", b"", b"\x06"])

    assert sent == [
        ymodem.block(0, ymodem.header("f", 3)),
        ymodem.block(1, b"abc"),
        b"\x04",
        ymodem.block(0, bytes(128)),
    ]
    assert result == ymodem.Sent(blocks=3, repeats=0)


def test_a_clean_line_needs_no_block_twice() -> None:
    line = FaultyLine(Receiver())

    sent = send(line)

    assert line.receiver.data == DATA
    assert line.receiver.done
    assert sent.repeats == 0


def test_a_receiver_without_crc_gets_sums() -> None:
    line = FaultyLine(Receiver(with_crc=False))

    send(line)

    assert line.receiver.data == DATA


@pytest.mark.parametrize("damage", list(Damage))
@pytest.mark.parametrize("number", range(9))
def test_one_damaged_answer_harms_nothing(damage: Damage, number: int) -> None:
    line = FaultyLine(Receiver(), answers={number: damage})

    send(line)

    assert line.receiver.data == DATA


@pytest.mark.parametrize("damage", [each for each in Damage if each is not Damage.LATE])
@pytest.mark.parametrize("number", range(7))
def test_one_damaged_block_harms_nothing(damage: Damage, number: int) -> None:
    line = FaultyLine(Receiver(), blocks={number: damage})

    send(line)

    assert line.receiver.data == DATA


@given(answers=DAMAGES, blocks=DAMAGES)
def test_whatever_the_line_does_nothing_wrong_is_received(
    answers: dict[int, Damage], blocks: dict[int, Damage]
) -> None:
    line = FaultyLine(Receiver(), answers=answers, blocks=blocks)

    with contextlib.suppress(LinkError):
        send(line)

    assert DATA.startswith(line.receiver.data)


@given(blocks=DAMAGES.filter(lambda damages: Damage.LATE not in damages.values()))
def test_whatever_blocks_are_damaged_the_file_is_whole(blocks: dict[int, Damage]) -> None:
    line = FaultyLine(Receiver(), blocks=blocks)

    send(line)

    assert line.receiver.data == DATA


def test_an_empty_file_is_a_session_too() -> None:
    line = FaultyLine(Receiver())

    send(line, b"")

    assert line.receiver.done
    assert line.receiver.name == "edge.gz"


def test_a_receiver_that_gives_up_is_an_error() -> None:
    class GivesUp(Receiver):
        def take(self, data: bytes, now_s: float) -> bytes:
            return b"\x18" * 4 + b"\x08" * 4 if data[1] == 2 else super().take(data, now_s)

    with pytest.raises(LinkError, match="the receiver cancelled"):
        send(FaultyLine(GivesUp()))


def test_a_receiver_that_never_asks_is_an_error_after_a_minute() -> None:
    class Mute(Receiver):
        def tick(self, now_s: float) -> bytes:
            return b""

    line = FaultyLine(Mute())

    with pytest.raises(LinkError, match="did not ask for a file in 60 s"):
        send(line)
    assert 60 <= line.now_s < 70


def test_a_receiver_that_falls_silent_is_an_error() -> None:
    class FallsSilent(Receiver):
        def take(self, data: bytes, now_s: float) -> bytes:
            return super().take(data, now_s) if data[1] < 2 else b""

        def tick(self, now_s: float) -> bytes:
            return super().tick(now_s) if self._next == 0 else b""

    with pytest.raises(LinkError, match="block 2 was refused 10 times"):
        send(FaultyLine(FallsSilent()))
