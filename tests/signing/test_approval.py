"""Approvals: their bytes, and what is refused."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from edge_signing import canonical
from edge_signing.approval import Approval, Signature, Statement
from edge_signing.errors import FormatError
from edge_signing.release import Content

STATEMENT = Statement(
    "spring",
    {
        "gateway/1.1/release.json": Content(900, b"\x01" * 32),
        "gateway/1.0/release.json": Content(800, b"\x02" * 32),
    },
    "cd" * 32,
    1_793_491_200,
)
APPROVAL = Approval(STATEMENT, (Signature("0a" * 32, b"\x0f\x10"), Signature("0b" * 32, b"\x11")))
SAID = (
    b'{"campaign":"spring","format":1,"kind":"approval","not_after_s":1793491200,'
    b'"plan":"' + b"cd" * 32 + b'","releases":{'
    b'"gateway/1.0/release.json":{"length":800,"sha256":"' + b"02" * 32 + b'"},'
    b'"gateway/1.1/release.json":{"length":900,"sha256":"' + b"01" * 32 + b'"}}}'
)
GOLDEN = (
    b'{"signatures":[{"keyid":"' + b"0a" * 32 + b'","sig":"0f10"},'
    b'{"keyid":"' + b"0b" * 32 + b'","sig":"11"}],"statement":' + SAID + b"}"
)


def test_an_approval_has_these_bytes() -> None:
    assert STATEMENT.pack() == SAID
    assert APPROVAL.pack() == GOLDEN
    assert Approval.unpack(GOLDEN) == APPROVAL


def changed(part: str, **changes: object) -> bytes:
    value: Any = canonical.decode(GOLDEN)
    for name, new in changes.items():
        value[part][name] = new
    return canonical.encode(value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format 2 is not known"),
        ({"kind": "release"}, "kind 'release' is not known"),
        ({"campaign": ""}, "campaign '' is not one"),
        ({"campaign": "../x"}, "is not one"),
        ({"plan": "CD" * 32}, "plan .* is not one"),
        ({"not_after_s": -1}, "not_after_s -1 is not a number"),
        ({"not_after_s": True}, "not_after_s True is not a number"),
        ({"releases": {}}, "0 releases are not 1 to 64"),
        ({"releases": []}, "releases is not an object"),
        ({"releases": {"gateway/../release.json": {"length": 1, "sha256": "01" * 32}}}, "gateway"),
        ({"releases": {"gateway/1.1/release.json": {"length": 1}}}, "sha256 is missing"),
        ({"releases": {"gateway/1.1/release.json": {"length": 0, "sha256": "01" * 32}}}, "length"),
        (
            {"releases": {f"gateway/{n}/x": {"length": 1, "sha256": "01" * 32} for n in range(65)}},
            "65 releases",
        ),
        ({"device": "unit-7"}, "device: not known"),
    ],
)
def test_a_statement_that_is_none_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        Approval.unpack(changed("statement", **changes))


@pytest.mark.parametrize(
    "signatures",
    [
        pytest.param([{"keyid": "0a" * 32, "sig": "11"}] * 2, id="one key twice"),
        pytest.param([{"keyid": key * 32, "sig": "11"} for key in ("0b", "0a")], id="not in order"),
        pytest.param([{"keyid": "0A" * 32, "sig": "11"}], id="upper case"),
        pytest.param([{"keyid": "0a" * 32, "sig": ""}], id="no signature"),
        pytest.param([{"keyid": "0a" * 32, "sig": "1"}], id="half a byte"),
        pytest.param([{"keyid": "0a" * 32, "sig": "11", "by": "me"}], id="more"),
        pytest.param([{"keyid": f"{n:064x}", "sig": "11"} for n in range(33)], id="too many"),
        pytest.param({}, id="no list"),
    ],
)
def test_signatures_that_are_none_are_refused(signatures: object) -> None:
    value: Any = canonical.decode(GOLDEN)
    value["signatures"] = signatures

    with pytest.raises(FormatError):
        Approval.unpack(canonical.encode(value))


def test_an_approval_of_another_form_is_refused() -> None:
    for wrong in (GOLDEN + b"\n", GOLDEN.replace(b'","sig', b'", "sig'), GOLDEN[:-1], b"", b"{}"):
        with pytest.raises(FormatError):
            Approval.unpack(wrong)


@given(some.integers(0, len(GOLDEN) - 1), some.integers(1, 255))
def test_a_changed_byte_makes_it_another_approval_or_none(at: int, change: int) -> None:
    wrong = bytearray(GOLDEN)
    wrong[at] ^= change

    with contextlib.suppress(FormatError):
        assert Approval.unpack(bytes(wrong)) != APPROVAL
