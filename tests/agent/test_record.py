"""The record: what is read is what was written, and a damaged one is none."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.machine import Result, State
from edge_agent.record import Action, Record
from edge_signing.errors import FormatError
from edge_signing.messages import Desired, Policy
from edge_signing.release import Content, HashTree, Image, PatchSet, Payload, Release
from edge_signing.trust.sighting import UNSEEN
from tests.fakes.sightings import sighting

IMAGES = (
    Image("boot", Content(4096, b"b" * 32)),
    Image("rootfs", Content(8192, b"r" * 32), HashTree(b"t" * 32, b"salt")),
)
PATCH = Payload("patch", "rootfs", Content(1, b"1" * 32), Content(2, b"2" * 32), IMAGES[0].content)
RELEASE = Release("gateway", "1.2.0", ("board",), IMAGES, counter=7)
ACTION = Action(
    id="a-1",
    kind="install",
    target="b",
    desired=Desired(3, "a-1", RELEASE.path, b'{"signed":{}}', Policy(reboot="window")),
    release=RELEASE,
    patches=(PatchSet("gateway", "1.2.0", "1.1.0", (PATCH,)),),
    seen=sighting(9, keys="ab"),
    entered={State.CHECKING: 1, State.INSTALLING: 2},
)
DIRECTOR = sighting(5, root=2, keys="d")
STATE = b'"state":"installing"'
RECORD = Record(
    State.INSTALLING,
    "boot-1",
    ACTION,
    "a",
    2,
    DIRECTOR,
    sighting(9),
    3,
    "a-0",
    Result.FAILED,
    "because",
)

actions = st.builds(
    Action,
    id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    kind=st.sampled_from(("install", "revert")),
    target=st.sampled_from(("a", "b")),
    bundle=st.text(st.characters(codec="utf-8"), max_size=40),
    seen=st.sampled_from([UNSEEN, sighting((1 << 63) - 1, root=(1 << 63) - 1, keys="abc")]),
    entered=st.dictionaries(st.sampled_from(State), st.integers(0, 99)),
    rejections=st.integers(0, 9),
    is_there=st.booleans(),
    reason=st.text(st.characters(codec="utf-8"), max_size=80),
)


@pytest.mark.parametrize("record", [Record(), RECORD], ids=["new", "installing"])
def test_what_is_read_is_what_was_written(record: Record) -> None:
    assert Record.unpack(record.pack()) == record


@given(actions, st.sampled_from([one for one in State if one is not State.IDLE]))
def test_every_record_is_read_as_it_was_written(action: Action, state: State) -> None:
    if state is State.REPORTING:
        action = replace(action, result=Result.CANCELLED)
    record = Record(state, "boot", action)

    assert Record.unpack(record.pack()) == record


def test_a_record_damaged_at_any_byte_is_refused() -> None:
    packed = RECORD.pack()

    for at in range(len(packed)):
        for change in (1, 0x20, 0x80):
            damaged = bytearray(packed)
            damaged[at] ^= change
            with pytest.raises(FormatError):
                Record.unpack(bytes(damaged))


def test_a_record_cut_short_at_any_byte_is_refused() -> None:
    packed = RECORD.pack()

    for length in range(len(packed)):
        with pytest.raises(FormatError):
            Record.unpack(packed[:length])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        pytest.param(b'"format":2', b'"format":3', "format 3 is not known", id="later format"),
        pytest.param(b'"format":2', b'"format":1', "format 1 is not known", id="earlier format"),
        pytest.param(STATE, b'"state":"dancing"', "'dancing' is not known", id="unknown state"),
        pytest.param(b'"seq":3', b'"seq":3,"zeal":1', "zeal: not known", id="unknown field"),
        pytest.param(b'"version":9', b'"version":0', "can not be seen", id="keys of nothing"),
        pytest.param(b'"epoch":2,', b"", "epoch is missing", id="missing field"),
        pytest.param(STATE, b'"state":"idle"', "with or without an action", id="idle at work"),
        pytest.param(STATE, b'"state":"reporting"', "without a result", id="no result"),
    ],
)
def test_a_record_that_is_not_understood_is_refused(old: bytes, new: bytes, reason: str) -> None:
    body, _line, _digest = RECORD.pack().rpartition(b"\n")
    changed = body.replace(old, new, 1)
    assert changed != body

    with pytest.raises(FormatError, match=reason):
        Record.unpack(changed + b"\n" + hashlib.sha256(changed).hexdigest().encode())


def test_a_mark_names_the_action_and_its_release() -> None:
    marks = {
        ACTION.mark(),
        replace(ACTION, id="a-2").mark(),
        replace(ACTION, release=replace(RELEASE, counter=8)).mark(),
    }

    assert len(marks) == 3
    assert replace(ACTION, reason="x", rejections=1).mark() == ACTION.mark()


def test_the_slot_that_should_run_follows_from_the_result() -> None:
    ended = replace(ACTION, result=Result.SUCCEEDED)

    assert ended.wanted_slot() == "b"
    assert replace(ended, result=Result.FAILED).wanted_slot() == "a"
    assert replace(ended, release=None).wanted_slot() == "a"
    assert replace(ended, release=None, kind="revert").wanted_slot() == "b"
