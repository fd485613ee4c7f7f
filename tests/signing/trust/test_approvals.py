"""Who may start a roll-out: enough people of the image, for these bytes, until that time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_signing import canonical
from edge_signing.approval import Approval, Approver, Approvers, Signature
from edge_signing.errors import FormatError, TrustError
from edge_signing.release import Content
from edge_signing.trust import approvals, documents
from edge_signing.trust.offline import Target
from tests.fakes.agent_parts import NOW_S
from tests.fakes.approving import Board, approvers, person

VECTORS = Path(__file__).parents[2] / "vectors" / "trust"
NEW, OLD = "gateway/1.1/release.json", "gateway/1.0/release.json"
BOARD = Board({NEW: Content(900, b"n" * 32), OLD: Content(800, b"o" * 32)})
PEOPLE = approvers(2, "anna", "pete", "olga")
KEYIDS = {name: person(name).public_key.keyid for name in ("anna", "pete", "olga", "eve")}


def ordered(path: str = NEW) -> Target:
    content = BOARD.documents[path]
    return Target(path, content.length_bytes, content.sha256.hex(), {})


def require(
    document: bytes, *, of: Approvers = PEOPLE, release: Target | None = None, now_s: int = NOW_S
) -> None:
    approvals.require(document, of, release or ordered(), now_s=now_s)


@pytest.mark.parametrize("path", [NEW, OLD])
@pytest.mark.parametrize("names", [("anna", "pete"), ("pete", "olga"), ("anna", "olga", "pete")])
def test_enough_people_approve_each_release_of_the_plan(names: tuple[str, ...], path: str) -> None:
    require(BOARD.packed(*names), release=ordered(path))


def test_the_last_second_counts_and_the_next_does_not() -> None:
    document = BOARD.packed("anna", "pete")

    require(document, now_s=BOARD.not_after_s)
    with pytest.raises(TrustError, match="its approval ended 1 s ago"):
        require(document, now_s=BOARD.not_after_s + 1)


def test_without_an_approval_nothing_is_approved() -> None:
    with pytest.raises(TrustError, match="nobody approved it, 2 of 3 have to"):
        require(b"")


@pytest.mark.parametrize(
    ("names", "count"),
    [
        pytest.param((), 0, id="nobody"),
        pytest.param(("anna",), 1, id="one less"),
        pytest.param(("anna", "eve"), 1, id="an unknown key beside"),
        pytest.param(("eve", "mallory", "paul"), 0, id="unknown keys"),
    ],
)
def test_too_few_people_approve_nothing(names: tuple[str, ...], count: int) -> None:
    with pytest.raises(TrustError, match=f"{count} of 2 approvals that are wanted here"):
        require(BOARD.packed(*names))


def test_who_is_not_known_here_is_no_harm() -> None:
    require(BOARD.packed("anna", "eve", "pete"))


def test_one_key_counts_once_whatever_it_is_called() -> None:
    [anna] = BOARD.approval(["anna"]).signatures
    twice = Approval(BOARD.statement, (anna, replace(anna, keyid=KEYIDS["eve"])))

    with pytest.raises(TrustError, match="1 of 2"):
        require(replace(twice, signatures=_sorted(twice)).pack())


def test_one_key_written_in_two_ways_in_the_image_counts_once() -> None:
    pete = PEOPLE.keys[1]
    again = Approver("p256", pete.public.rstrip("\n"))
    of = Approvers(2, (pete, again))
    [signed] = BOARD.approval(["pete"]).signatures
    other = replace(signed, keyid=approvals.key_of(again).keyid)
    assert other.keyid != signed.keyid
    both = Approval(BOARD.statement, (signed, other))

    with pytest.raises(TrustError, match="1 of 2"):
        require(replace(both, signatures=_sorted(both)).pack(), of=of)


def _sorted(approval: Approval) -> tuple[Signature, ...]:
    return tuple(sorted(approval.signatures, key=lambda one: one.keyid))


@pytest.mark.parametrize(
    "changes",
    [
        {"campaign": "autumn"},
        {"not_after_s": BOARD.not_after_s + 1},
        {"plan": "ef" * 32},
        {"releases": {NEW: {"length": 900, "sha256": "66" * 32}}},
        {"releases": {"gateway/9.9/release.json": {"length": 900, "sha256": b"n".hex() * 32}}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_statement_that_was_changed_after_it_was_signed_is_void(changes: dict[str, Any]) -> None:
    value: Any = canonical.decode(BOARD.packed("anna", "pete"))
    value["statement"] |= changes

    with pytest.raises(TrustError, match=r"the signature of [0-9a-f]{8} is wrong"):
        require(canonical.encode(value))


def test_signatures_of_another_statement_are_wrong() -> None:
    others = replace(BOARD, campaign="autumn").approval(["anna", "pete"]).signatures

    with pytest.raises(TrustError, match="is wrong"):
        require(Approval(BOARD.statement, others).pack())


def test_a_wrong_signature_of_a_known_key_is_not_made_good_by_others() -> None:
    good = BOARD.approval(["anna", "pete", "olga"])
    first, *others = good.signatures
    wrong = replace(first, sig=bytes([first.sig[0] ^ 1]) + first.sig[1:])

    with pytest.raises(TrustError, match="is wrong"):
        require(replace(good, signatures=(wrong, *others)).pack())


def test_a_signature_of_one_person_under_the_id_of_another_is_wrong() -> None:
    anna, pete = (BOARD.approval([name]).signatures[0] for name in ("anna", "pete"))
    swapped = (replace(anna, keyid=pete.keyid), replace(pete, keyid=anna.keyid))
    approval = Approval(BOARD.statement, swapped)

    with pytest.raises(TrustError, match="is wrong"):
        require(replace(approval, signatures=_sorted(approval)).pack())


@pytest.mark.parametrize(
    ("release", "reason"),
    [
        (replace(ordered(), path="gateway/1.2/release.json"), "is of other releases"),
        (replace(ordered(), sha256="66" * 32), "other bytes were approved"),
        (replace(ordered(), length_bytes=901), "other bytes were approved"),
    ],
)
def test_a_release_that_was_not_approved_is_refused(release: Target, reason: str) -> None:
    with pytest.raises(TrustError, match=reason):
        require(BOARD.packed("anna", "pete"), release=release)


@pytest.mark.parametrize("document", [b"{}", b"[]", b"null", b"\xff", b'{"statement":{}}'])
def test_what_is_no_approval_is_refused(document: bytes) -> None:
    with pytest.raises(FormatError):
        require(document)


@pytest.mark.parametrize(
    "key",
    [
        Approver("p256", "-----BEGIN PUBLIC KEY-----\nabcd\n-----END PUBLIC KEY-----\n"),
        Approver("p256", "ab" * 32),
        Approver("ed25519", "zz" * 32),
    ],
)
def test_a_key_of_the_image_that_is_none_approves_nothing(key: Approver) -> None:
    of = Approvers(1, (key, *PEOPLE.keys))

    with pytest.raises(FormatError):
        require(BOARD.packed("anna", "pete"), of=of)


def test_an_approval_is_no_metadata_and_metadata_no_approval() -> None:
    """A person's key may be one of a role too: what it signs as one is nothing as the other."""
    with pytest.raises(FormatError):
        documents.read_any(BOARD.packed("anna", "pete"), "an approval")
    with pytest.raises(FormatError):
        Approval.unpack((VECTORS / "director.json").read_bytes())
