"""What is kept of a device that says too much."""

import pytest

from edge.console.mqtt.inbox import (
    EVENTS_MOST,
    REPLIES_MOST,
    WANTS_MOST,
    Bucket,
    Inbox,
    Message,
    What,
)


def _inbox() -> Inbox:
    return Inbox(Bucket(100, 1000, 1000, 0.0))


def test_only_the_newest_state_is_kept_and_a_birth_comes_first() -> None:
    inbox = _inbox()
    for payload in (b"1", b"2", b"3"):
        inbox.put(Message(What.STATE, payload))
        inbox.put(Message(What.ONLINE, payload))

    assert [(one.what, one.payload) for one in inbox.take()] == [
        (What.ONLINE, b"3"),
        (What.STATE, b"3"),
    ]
    assert inbox.is_empty


def test_events_stay_in_order_and_have_a_limit() -> None:
    inbox = _inbox()
    for number in range(EVENTS_MOST + 3):
        inbox.put(Message(What.EVENTS, b"%d" % number))

    assert [one.payload for one in inbox.take()] == [b"%d" % n for n in range(EVENTS_MOST)]
    assert inbox.dropped == 3


def test_a_want_that_is_said_twice_is_answered_once() -> None:
    inbox = _inbox()
    for word in (b"a", b"b", b"a"):
        inbox.put(Message(What.WANT, b"", word))

    assert [inbox.next_want(), inbox.next_want(), inbox.next_want()] == [
        Message(What.WANT, b"", b"a"),
        Message(What.WANT, b"", b"b"),
        None,
    ]


def test_wants_have_a_limit() -> None:
    inbox = _inbox()
    for number in range(WANTS_MOST + 1):
        inbox.put(Message(What.WANT, b"", b"%d" % number))

    assert inbox.dropped == 1
    assert inbox.has_wants_only


def test_what_comes_while_others_are_taken_is_taken_too() -> None:
    inbox = _inbox()
    inbox.put(Message(What.EVENTS, b"1"))
    taking = inbox.take()
    next(taking)

    inbox.put(Message(What.STATE, b"2"))

    assert [one.payload for one in taking] == [b"2"]


def test_a_bucket_lets_a_burst_through_and_then_a_rate() -> None:
    bucket = Bucket(per_s=100, most=1000, left=1000, at_s=0.0)

    bucket.take(1200)

    assert bucket.wait_s(0.0) == pytest.approx(2.01)
    assert bucket.wait_s(1.0) == pytest.approx(1.01)
    assert bucket.wait_s(2.5) == 0
    assert not bucket.is_full
    assert bucket.wait_s(100.0) == 0
    assert bucket.is_full


def test_answers_stay_in_order_have_a_limit_and_come_back_when_they_could_not_be_stored() -> None:
    inbox = _inbox()
    for number in range(REPLIES_MOST + 3):
        inbox.put(Message(What.REPLY, b"%d" % number))
    inbox.put(Message(What.STATE, b"s"))

    taken = inbox.take()
    assert next(taken).what is What.STATE
    first = next(taken)
    inbox.put_back(first)

    assert [one.payload for one in inbox.take()] == [b"%d" % n for n in range(REPLIES_MOST)]
    assert inbox.dropped == 3
    assert inbox.is_empty
