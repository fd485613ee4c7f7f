"""Fastboot: golden packets, replies that are cut, damaged or late, and boards that refuse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import EdgeError, InputError, LinkError
from edge.flash.events import Event, Note, Phase
from edge.flash.protocols import fastboot
from edge.flash.protocols.fastboot import FastbootRefusedError
from edge.flash.protocols.steps import Dialog, Heard, Receive, Result, Send, Tell
from edge.flash.transports import driver
from tests.fakes.usb.fastboot_board import Core, CorePort


def run(dialog: Dialog[Result], core: Core, told: list[Event] | None = None) -> Result:
    port = CorePort(core)
    listener = (lambda _event: None) if told is None else told.append
    return driver.run(dialog, port, clock_s=port.clock_s, listener=listener)


def played(dialog: Dialog[Result], replies: list[bytes]) -> tuple[list[bytes], Result]:
    """Answer each wait with the next of these; return what was sent, and the result."""
    sent: list[bytes] = []
    coming = iter(replies)
    step = next(dialog)
    while True:
        if isinstance(step, Send):
            sent.append(step.data)
        answer = next(coming, b"") if isinstance(step, Receive) else b""
        try:
            step = dialog.send(Heard(answer, 0.0))
        except StopIteration as end:
            return sent, end.value


def test_the_packets_are_those_of_the_protocol() -> None:
    assert played(fastboot.variable("version"), [b"OKAY0.4"]) == ([b"getvar:version"], "0.4")
    replies = [b"DATA00000003", b"OKAY"]
    assert played(fastboot.download(b"abc"), replies) == ([b"download:00000003", b"abc"], None)
    sent, reply = played(fastboot.flash("boot"), [b"INFOerasing", b"TEXTx", b"OKAYdone"])
    assert (sent, reply.value, reply.notes) == ([b"flash:boot"], "done", ("erasing", "x"))
    assert played(fastboot.erase("boot"), [b"OKAY"])[0] == [b"erase:boot"]
    assert played(fastboot.set_active("b"), [b"OKAY"])[0] == [b"set_active:b"]
    assert played(fastboot.oem("format"), [b"OKAY"])[0] == [b"oem format"]
    assert played(fastboot.reboot(), [b"OKAY"])[0] == [b"reboot"]
    assert played(fastboot.reboot("bootloader"), [b"OKAY"])[0] == [b"reboot-bootloader"]
    replies = [b"DATA00000004", b"ab", b"cd", b"OKAY"]
    assert played(fastboot.upload("upload", 10), replies) == ([b"upload"], b"abcd")


def test_what_a_board_says_meanwhile_is_passed_on() -> None:
    told: list[Event] = []

    run(fastboot.oem("led"), Core(), told)

    assert [event.text for event in told if isinstance(event, Note)] == ["oem led"]


@pytest.mark.parametrize("pad", [False, True])
def test_variables_are_read_one_or_all(pad: bool) -> None:
    core = Core(pad=pad, variables={"partition-size:disk": "0x800000"})

    assert run(fastboot.variable("product"), core) == "edge-board"
    assert run(fastboot.variable("unknown"), core) is None
    assert run(fastboot.variables(), core)["partition-size:disk"] == "0x800000"
    assert run(fastboot.variables(), Core(refuses="getvar:all")) == {}


def test_an_old_board_says_nothing_for_what_it_does_not_know() -> None:
    assert played(fastboot.variable("slot-count"), [b"OKAY"])[1] is None


def test_a_large_file_arrives_as_it_is() -> None:
    core = Core()
    data = bytes(range(256)) * 3000
    sizes: list[int] = []

    def progress(done: int) -> Tell:
        sizes.append(done)
        return Tell(Note(Phase.WRITE, ""))

    run(fastboot.download(data, progress), core)

    assert core.memory == data
    assert sum(sizes) == len(data)


@pytest.mark.parametrize(
    ("replies", "error", "words"),
    [
        pytest.param([], LinkError, "no answer", id="nothing"),
        pytest.param([b"HTTP/1.1 200"], LinkError, "was answered", id="something else"),
        pytest.param([b"OK"], LinkError, "was answered", id="cut"),
        pytest.param([b"FAILdata too large"], FastbootRefusedError, "data too large", id="refused"),
        pytest.param([b"FAIL"], FastbootRefusedError, "no reason", id="refused without a word"),
        pytest.param([b"DATA00000004"], LinkError, "was answered", id="another length"),
        pytest.param([b"DATA0003"], LinkError, "was answered", id="a short length"),
        pytest.param([b"DATA-0000003"], LinkError, "was answered", id="no length"),
        pytest.param([b"OKAY"], LinkError, "was answered", id="no wish for data"),
        pytest.param([b"DATA00000003"], LinkError, "no answer", id="silent after the data"),
        pytest.param([b"DATA00000003", b"FAILcrc"], FastbootRefusedError, "crc", id="bad data"),
        pytest.param([b"DATA00000003", b"DATA00000003"], LinkError, "was answered", id="twice"),
    ],
)
def test_a_download_that_goes_wrong_ends_in_an_error(
    replies: list[bytes], error: type[EdgeError], words: str
) -> None:
    with pytest.raises(error, match=words):
        played(fastboot.download(b"abc"), replies)


def test_a_board_that_babbles_ends() -> None:
    with pytest.raises(LinkError, match="no end"):
        played(fastboot.oem("x"), [b"INFOagain"] * 10_001)


@pytest.mark.parametrize("text", ["flash:" + "x" * 60, "flash:ä", "flash:a\nb", ""])
def test_what_no_board_takes_is_not_sent(text: str) -> None:
    with pytest.raises(InputError, match="is no command"):
        next(fastboot.command(text))


def test_more_than_was_asked_for_is_not_kept() -> None:
    with pytest.raises(LinkError, match="was answered"):
        played(fastboot.upload("upload", 3), [b"DATA00000004"])
    with pytest.raises(LinkError, match="5 bytes came"):
        played(fastboot.upload("upload", 9), [b"DATA00000004", b"abcde"])


def test_a_board_that_is_gone_before_it_answers_has_restarted() -> None:
    told: list[Event] = []

    run(fastboot.reboot(), Core(mute_at="reboot"), told)

    assert any(isinstance(event, Note) and "restart" in event.text for event in told)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=5))
def test_no_reply_does_more_than_an_error(replies: list[bytes]) -> None:
    for dialog in (fastboot.download(b"abc"), fastboot.flash("x"), fastboot.variables()):
        try:
            played(dialog, list(replies))
        except EdgeError:
            continue
