"""line.yml is read strictly, and no line can be written that makes good what is doubtful."""

import pytest

from edge.errors import InputError, ProblemsError
from edge.factory.line import Line, schema
from edge.factory.spans import span
from edge.factory.step_names import OnFailure
from tests.fakes.factory_line import TEXT, line_of

ALL = "[{step: detect}, {step: identity}, {step: flash}, {step: verify}, {step: register}]"

SWAPPED = "{step: verify}, {step: flash}"


def test_a_line_without_steps_has_those_that_every_line_has() -> None:
    names = [one.step for one in line_of().steps]

    assert names == ["detect", "identity", "customise", "flash", "verify", "register", "label"]


def test_a_step_of_ones_own_is_a_command() -> None:
    steps = ALL.replace(
        "{step: register}", "{step: modem, run: [./modem], retries: 2}, {step: register}"
    )

    found = line_of(f"steps: {steps}").steps[4]

    assert (found.run, found.retries, found.on_failure) == (("./modem",), 2, OnFailure.STOP)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        pytest.param("stepz: []", "unknown key 'stepz'", id="unknown key"),
        pytest.param(
            f"steps: {ALL.replace('{step: verify}, ', '')}", "'verify' is missing", id="no verify"
        ),
        pytest.param(
            f"steps: {ALL.replace('{step: identity}, ', '')}",
            "'identity' is missing",
            id="no identity",
        ),
        pytest.param(
            f"steps: {ALL.replace('step: verify', 'step: verify, on_failure: skip')}",
            "can not be skipped",
            id="skipped verify",
        ),
        pytest.param(
            f"steps: {ALL.replace('{step: flash}', '{step: flashh}')}",
            "no step 'flashh'",
            id="typo",
        ),
        pytest.param(
            f"steps: {ALL.replace('{step: flash}, ', '').replace('{step: verify}', SWAPPED)}",
            "'flash' comes before 'verify'",
            id="order",
        ),
        pytest.param(
            f"steps: {ALL.replace('step: flash', 'step: flash, run: [x]')}",
            "takes no run",
            id="own flash",
        ),
        pytest.param("golden: {good: [A]}", "golden needs a step with run", id="golden, no test"),
        pytest.param("identity: device", "behind flash and verify", id="own key before it runs"),
        pytest.param("printer: usb:1", "is none", id="printer"),
    ],
)
def test_a_line_that_is_wrong_says_where(more: str, words: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        line_of(more)

    assert any(words in problem.message for problem in caught.value.problems)
    assert all(problem.line >= 1 for problem in caught.value.problems)


def test_a_step_that_is_missing_is_told_where_the_steps_are() -> None:
    names = ("detect", "identity", "flash", "register")
    steps = "".join(f"- {{step: {one}}}\n" for one in names)

    with pytest.raises(ProblemsError) as caught:
        line_of(f"steps:\n{steps}")

    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == ("steps", len(TEXT.splitlines()) + 2)


@pytest.mark.parametrize(
    "text",
    [
        "gw-1",
        "gw-1..hw-9",
        "gw-01..gw-100",
        "gw-9..gw-1",
        "gw..gw",
        "..",
        "é1..é2",
        "a1..a999999999",
    ],
)
def test_what_is_no_range_of_ids_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        span(text)


def test_an_id_of_a_range_is_known_by_its_number() -> None:
    found = span("gw-0010..gw-0099")

    names = ("gw-0042", "gw-42", "gw-0100", "x-0042", "gw-00\uff142")
    assert found.name(42) == "gw-0042"
    assert [found.number(one) for one in names] == [42, None, None, None, None]


def test_ids_from_a_range_need_one() -> None:
    with pytest.raises(ProblemsError, match="'range' is missing"):
        line_of(text=TEXT.replace("{range: gw-0001..gw-9999}", "{from: range}"))


def test_the_schema_knows_each_key() -> None:
    assert set(schema()["properties"]) == set(Line.key_fields())
