"""Frames: what was changed, said again, left out or moved does not open, and nothing after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_signing.errors import FormatError, TrustError
from edge_signing.terminal.frames import (
    BODY_MOST_BYTES,
    TO_DEVICE,
    TO_PERSON,
    End,
    Kind,
    Opener,
    Sealer,
    Size,
)
from edge_signing.terminal.handshake import own_key, public_bytes, session_keys

KEY = bytes(range(32))


def opener() -> Opener:
    return Opener(KEY, TO_DEVICE)


@given(bodies=st.lists(st.binary(max_size=100), max_size=8))
def test_frames_open_as_they_were_sealed(bodies: list[bytes]) -> None:
    sealer, door = Sealer(KEY), opener()

    assert [door.open(sealer.seal(Kind.KEYS, one)).body for one in bodies] == bodies


@given(at=st.integers(0, 30), other=st.integers(1, 255))
def test_a_changed_byte_ends_all(at: int, other: int) -> None:
    sealer, door = Sealer(KEY), opener()
    sealed = bytearray(sealer.seal(Kind.KEYS, b"reboot\n"))
    sealed[at % len(sealed)] ^= other

    with pytest.raises(TrustError):
        door.open(bytes(sealed))
    with pytest.raises(TrustError):
        door.open(sealer.seal(Kind.KEYS, b"id\n"))


@given(order=st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_only_the_order_in_which_they_were_made_opens(order: list[int]) -> None:
    sealer, door = Sealer(KEY), opener()
    sealed = [sealer.seal(Kind.KEYS, bytes([one])) for one in range(6)]

    opened = []
    for one in order:
        try:
            opened.append(door.open(sealed[one]).body[0])
        except TrustError:
            opened.append(-1)

    right = 0
    while right < len(order) and order[right] == right:
        right += 1
    assert opened == [*range(right), *([-1] * (len(order) - right))]


def test_a_frame_does_not_open_in_the_other_direction() -> None:
    with pytest.raises(TrustError):
        Opener(KEY, TO_PERSON).open(Sealer(KEY).seal(Kind.KEYS))
    with pytest.raises(TrustError):
        opener().open(b"")
    with pytest.raises(FormatError):
        Sealer(KEY).seal(Kind.KEYS, b"x" * (BODY_MOST_BYTES + 1))


def test_the_bytes_of_a_frame_never_change() -> None:
    """RFC 8439 with a nonce that counts; the first byte of what is sealed is the kind."""
    sealer = Sealer(KEY)

    first, second = sealer.seal(Kind.KEYS, b"ls\n"), sealer.seal(Kind.SIZE, b"")

    assert (first.hex(), second.hex()) == (FIRST, SECOND)


FIRST = "1ad4313b479a88a9f8625fc098f228b861b4444d"
SECOND = "6a27b2f545df1dfffdde236dbbb01b05f0"


def test_both_ends_have_the_same_keys_and_others_for_another_transcript() -> None:
    one, two = own_key(b"\1" * 32), own_key(b"\2" * 32)

    mine, theirs = (
        session_keys(one, public_bytes(two), b"t" * 32),
        session_keys(two, public_bytes(one), b"t" * 32),
    )
    other = session_keys(one, public_bytes(two), b"u" * 32)

    assert mine == theirs
    assert len({mine.to_device, mine.to_person, other.to_device, other.to_person}) == 4


def test_a_key_that_gives_no_secret_is_refused() -> None:
    with pytest.raises(TrustError, match="no secret"):
        session_keys(own_key(b"\1" * 32), bytes(32), b"t" * 32)


def test_sizes_and_ends_are_read_as_they_were_written() -> None:
    assert Size.unpack(Size(132, 43, "xterm-256color").pack()) == Size(132, 43, "xterm-256color")
    assert End.unpack(End("left").pack()) == End("left")
    assert End.unpack(End("it ended", 7).pack()) == End("it ended", 7)
    for wrong in (b"{}", Size(0, 1).pack(), Size(1, 1001).pack(), Size(80, 24, "a b").pack()):
        with pytest.raises(FormatError):
            Size.unpack(wrong)
    for wrong in (End("x", 256).pack(), End("x", True).pack()):
        with pytest.raises(FormatError):
            End.unpack(wrong)
