"""Records: a chain from the handshake to what the device has signed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.terminal.device_key import DeviceSigner
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.terminal import parcels
from edge_signing.terminal.frames import Size
from edge_signing.terminal.handshake import Answer, check_answer, transcript
from edge_signing.terminal.parcels import Kind, Order, Parcel
from edge_signing.terminal.record import CHUNK_MOST_BYTES, Closing, Recorder
from tests.fakes.support import SESSION, Ends


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends.make(tmp_path_factory.mktemp("record"))


def answered(ends: Ends) -> tuple[Answer, bytes]:
    """Return the answer of a device and the transcript."""
    packed = ends.signed().pack()
    said = Parcel(SESSION, 0, Kind.ANSWER, b"\5" * 32)
    answer = Answer.unpack(DeviceSigner.of(ends.identity).signed(said, packed).content)
    return answer, transcript(packed, answer.key, answer.certificate)


def recorded(ends: Ends) -> tuple[list[bytes], Closing, bytes]:
    """Return a record, what the device says of it, and the transcript."""
    _answer, digest = answered(ends)
    recorder = Recorder(digest)
    chunks = []
    recorder.begin(ends.signed().grant, Size(), 10)
    for number in range(4):
        recorder.add(number, "o", b"%d\n" % number)
        chunks.append(recorder.chunk())
    said = Parcel(SESSION, 0, Kind.CLOSED, recorder.closing("it ended", 0).pack())
    signed = DeviceSigner.of(ends.identity).signed(said, b"")
    return chunks, Closing.unpack(signed.content), digest


def test_a_whole_record_is_that_of_the_device(ends: Ends) -> None:
    chunks, closing, digest = recorded(ends)

    closing.require(ends.certificate, digest, chunks)

    lines = [json.loads(line) for line in b"".join(chunks).splitlines()]
    assert lines[0]["version"] == 2
    assert lines[1:] == [[float(one), "o", f"{one}\n"] for one in range(4)]


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(lambda one: one[:-1], id="the end is cut"),
        pytest.param(lambda one: one[1:], id="the begin is cut"),
        pytest.param(lambda one: [one[1], one[0], *one[2:]], id="another order"),
        pytest.param(lambda one: [*one, b"x"], id="one more"),
        pytest.param(lambda one: [one[0] + one[1], *one[2:]], id="joined"),
        pytest.param(lambda one: [one[0].replace(b"jo", b"al"), *one[1:]], id="another name"),
        pytest.param(lambda one: [], id="nothing"),
    ],
)
def test_a_console_can_cut_nothing_out_of_a_record(ends: Ends, cut: object) -> None:
    chunks, closing, digest = recorded(ends)

    with pytest.raises(TrustError):
        closing.require(ends.certificate, digest, cut(chunks))  # type: ignore[operator]


@pytest.mark.parametrize(
    "change", [{"reason": "nothing"}, {"status": 7}, {"chunks": 3}, {"digest": b"\0" * 32}]
)
def test_a_console_can_not_say_another_end(ends: Ends, change: dict[str, object]) -> None:
    chunks, closing, digest = recorded(ends)
    forged = replace(closing, **change)  # type: ignore[arg-type]

    with pytest.raises(TrustError):
        forged.require(ends.certificate, digest, chunks)


def test_a_record_of_another_session_is_refused(ends: Ends) -> None:
    chunks, closing, _digest = recorded(ends)

    with pytest.raises(TrustError):
        closing.require(ends.certificate, b"\1" * 32, chunks)


@given(data=st.binary(max_size=40_000))
def test_whatever_is_printed_fits_into_chunks(data: bytes) -> None:
    recorder = Recorder(bytes(32))
    recorder.add(0.0, "o", data)

    chunks = []
    while chunk := recorder.chunk():
        chunks.append(chunk)

    assert all(len(one) <= CHUNK_MOST_BYTES for one in chunks)
    assert recorder.waiting_bytes == 0
    said = "".join(json.loads(line)[2] for line in b"".join(chunks).splitlines())
    assert data.decode(errors="replace").startswith(said)


def test_an_answer_is_that_of_the_device_of_the_grant(ends: Ends, tmp_path: Path) -> None:
    answer, digest = answered(ends)
    other = Ends.make(tmp_path, "unit-1")
    signed = ends.signed()

    assert check_answer(signed.grant, signed.pack(), answer) == digest
    for forged in (
        replace(answer, key=b"\6" * 32),
        replace(answer, certificate=other.certificate),
        replace(answer, signature=answer.signature[:-1] + b"\0"),
        answered(other)[0],
    ):
        with pytest.raises(SigningError):
            check_answer(signed.grant, signed.pack(), forged)


def test_parcels_are_read_as_they_were_written() -> None:
    said = (Parcel(SESSION, 0, Kind.OPEN, b"x" * 9), Parcel(SESSION, 1, Kind.STORED, number=7))

    assert parcels.unpack(parcels.pack(said)) == said
    for wrong in (b"", b"{}", parcels.pack(said * 40), parcels.pack(said)[:-1]):
        with pytest.raises(FormatError):
            parcels.unpack(wrong)


def test_a_parcel_counts_once_and_none_may_be_missing() -> None:
    order = Order()

    assert [order.is_news(Parcel(SESSION, one, Kind.ALIVE)) for one in (0, 0, 1, 0, 2)] == [
        True, False, True, False, True,
    ]  # fmt: skip
    with pytest.raises(FormatError):
        order.is_news(Parcel(SESSION, 4, Kind.ALIVE))


def test_the_reason_of_a_device_can_not_move_a_cursor() -> None:
    assert "\x1b" not in Parcel(SESSION, 0, Kind.REFUSED, b"\x1b[2Jno").text


def test_many_parcels_go_in_messages_that_can_be_read() -> None:
    left = [Parcel(SESSION, n, Kind.FRAME, b"\xff" * 20_000) for n in range(30)]
    read: list[Parcel] = []
    while left:
        now = parcels.fitting(left)
        read += parcels.unpack(parcels.pack(now))
        left = left[len(now) :]

    assert [one.n for one in read] == list(range(30))
