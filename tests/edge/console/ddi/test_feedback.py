"""What feedback means, on both channels, and what names it."""

import contextlib
import json
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.ddi import feedback
from edge.console.ddi.feedback import Channel, Feedback, Verdict
from edge_signing.errors import FormatError

EXECUTIONS = ("closed", "canceled", "rejected", "download", "downloaded", "proceeding", "scheduled")
FINISHED = ("success", "failure", "none")
GO_ON = {
    "rejected": Verdict.WARNING,
    "download": Verdict.DOWNLOADING,
    "downloaded": Verdict.DOWNLOADED,
    "proceeding": Verdict.INSTALLING,
    "scheduled": Verdict.SCHEDULED,
    "resumed": Verdict.INSTALLING,
    "of the future": Verdict.INSTALLING,
}


def read(status: object) -> Feedback:
    return feedback.read(json.dumps({"status": status}).encode())


@pytest.mark.parametrize("finished", FINISHED)
@pytest.mark.parametrize("execution", GO_ON)
def test_only_closed_and_canceled_end_an_order(execution: str, finished: str) -> None:
    found = feedback.verdict(Channel.DEPLOYMENT, Feedback(execution, finished))

    assert (found, found.is_final) == (GO_ON[execution], False)


@pytest.mark.parametrize(
    ("channel", "execution", "finished", "verdict"),
    [
        (Channel.DEPLOYMENT, "closed", "success", Verdict.SUCCEEDED),
        (Channel.DEPLOYMENT, "closed", "none", Verdict.SUCCEEDED),
        (Channel.DEPLOYMENT, "closed", "failure", Verdict.FAILED),
        (Channel.DEPLOYMENT, "canceled", "success", Verdict.CANCELLED),
        (Channel.CANCEL, "closed", "success", Verdict.CANCELLED),
        (Channel.CANCEL, "closed", "none", Verdict.CANCELLED),
        (Channel.CANCEL, "closed", "failure", Verdict.FAILED),
        (Channel.CANCEL, "rejected", "success", Verdict.CANCEL_REFUSED),
    ],
)
def test_what_ends_an_order_or_keeps_it(
    channel: Channel, execution: str, finished: str, verdict: Verdict
) -> None:
    assert feedback.verdict(channel, Feedback(execution, finished)) is verdict


@pytest.mark.parametrize(("execution", "finished"), list(product(EXECUTIONS, FINISHED)))
def test_nothing_but_closed_accepts_a_cancellation(execution: str, finished: str) -> None:
    found = feedback.verdict(Channel.CANCEL, Feedback(execution, finished))

    assert found.is_final == (execution == "closed")


def test_one_detail_stands_for_a_list_and_unknown_members_are_left_out() -> None:
    found = read({"execution": "proceeding", "details": "one", "x": [1], "code": 7})

    assert found == Feedback("proceeding", details=("code 7", "one"))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"[" * 60_000, id="deep"),
        pytest.param(b'{"a":' * 40 + b"1" + b"}" * 40, id="nested"),
        pytest.param(b"1" * 6000, id="long number"),
        pytest.param(b"{}", id="no status"),
        pytest.param(b'{"status":[]}', id="status is a list"),
        pytest.param(b'{"status":{"execution":1}}', id="execution is a number"),
        pytest.param(b'{"status":{"execution":"closed","result":"x"}}', id="result is a text"),
        pytest.param(b'{"status":{"execution":"closed","result":{"finished":"x"}}}', id="finished"),
        pytest.param(b'{"status":{"execution":"closed","details":[1]}}', id="details"),
        pytest.param(
            b'{"status":{"execution":"closed","result":{"progress":{"cnt":-1}}}}', id="negative"
        ),
    ],
)
def test_what_is_no_feedback_is_refused(body: bytes) -> None:
    with pytest.raises(FormatError):
        feedback.read(body)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_feedback_or_refused(body: bytes) -> None:
    with contextlib.suppress(FormatError):
        feedback.read(body)


def test_a_repeat_has_the_same_number_and_all_else_another() -> None:
    one = Feedback("proceeding", "none", 1, 2, ("a", "b"))
    others = [
        Feedback("proceeding", "none", 1, 2, ("a, b",)),
        Feedback("proceeding", "none", 1, 3, ("a", "b")),
        Feedback("proceeding", "success", 1, 2, ("a", "b")),
        Feedback("download", "none", 1, 2, ("a", "b")),
    ]

    numbers = {each.number(Channel.DEPLOYMENT) for each in (one, *others)}
    numbers.add(one.number(Channel.CANCEL))
    again = Feedback("proceeding", "none", 1, 2, ("a", "b"))

    assert len(numbers) == 6
    assert one.number(Channel.DEPLOYMENT) == again.number(Channel.DEPLOYMENT)
    assert 1 <= min(numbers) <= max(numbers) < 1 << 53


def test_nothing_that_a_terminal_obeys_is_left_of_a_text() -> None:
    found = read(
        {"execution": "closed", "details": ["\x1b[2Jgone", "a\u202eb", "\x9b1m", "\ud800", "a\nb"]}
    )

    assert found.reason == "\ufffd[2Jgone\na\ufffdb\n\ufffd1m\n\ufffd\na\nb"


def test_of_too_many_or_too_long_details_the_newest_are_kept() -> None:
    lines = [f"line {number} " + "x" * 90 for number in range(200)]

    found = read({"execution": "closed", "details": lines})

    assert len(found.details) == feedback.DETAILS_MOST
    assert len(found.reason) <= 1000
    assert found.reason.endswith(lines[-1])


def test_of_a_long_log_the_lines_that_are_no_trace_are_kept() -> None:
    lines = [f"[function_{number}] : nothing happens" for number in range(100)]

    found = read({"execution": "closed", "details": ["Image invalid", *lines]})
    short = read({"execution": "closed", "details": ["Image invalid", *lines[:2]]})

    assert found.reason == "Image invalid"
    assert short.details == ("Image invalid", *lines[:2])
