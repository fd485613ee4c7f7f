"""Approving with a key of one's own: in a file or a token, put together from several places."""

from pathlib import Path

import pytest
from securesystemslib.signer import SSlibKey

from edge.errors import InputError
from edge.keys import approval, file_key, public, token_key
from edge.keys.public import Algorithm, PublicPart
from edge.keys.secrets import nobody
from edge.keys.signers import open_signer
from edge.keys.uri import TokenUri, parse
from edge_agent.settings import Settings
from edge_signing import canonical
from edge_signing.release import Content
from edge_signing.trust import approvals
from edge_signing.trust.offline import Target
from tests.fakes.agent_parts import NOW_S
from tests.fakes.approving import Board, approvers, person
from tests.fakes.token import Token

PATH = "gateway/1.1/release.json"
BOARD = Board({PATH: Content(900, b"n" * 32)})
ORDERED = Target(PATH, 900, (b"n" * 32).hex(), {})


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_in_a_file_approves(tmp_path: Path, algorithm: Algorithm) -> None:
    made = file_key.make(tmp_path / "me.pem", algorithm)
    signer = open_signer(f"file:{tmp_path / 'me.pem'}", nobody)

    signed = approval.sign_approval(BOARD.statement, signer)

    document = approval.approved(BOARD.statement, [signed]).pack()
    approvals.require(document, approval.approvers([made], 1), ORDERED, now_s=NOW_S)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_in_a_token_approves(token: Token, algorithm: Algorithm) -> None:
    uri = parse(token.uri(f"approves-{algorithm}"))
    assert isinstance(uri, TokenUri)
    made = token_key.make(uri, algorithm, nobody)

    signed = approval.sign_approval(BOARD.statement, open_signer(token.uri(uri.object), nobody))

    document = approval.approved(BOARD.statement, [signed]).pack()
    approvals.require(document, approval.approvers([made], 1), ORDERED, now_s=NOW_S)


def test_the_public_keys_that_are_carried_are_what_the_image_says(tmp_path: Path) -> None:
    """What two people sent in `.pub` files is read by the agent, and known by the same ids."""
    parts = []
    for name in ("anna", "pete"):
        key = person(name).public_key
        assert isinstance(key, SSlibKey)
        public.write(PublicPart(name, "approver", key), tmp_path / f"{name}.pub")
        parts.append(public.read(tmp_path / f"{name}.pub"))
    people = approval.approvers([one.key for one in parts], 2)

    said = canonical.encode({"approvals": people.object()})
    found = Settings.unpack(said).options.approvers

    assert found == people
    assert [approvals.key_of(one).keyid for one in people.keys] == [one.key.keyid for one in parts]


@pytest.mark.parametrize("threshold", [0, 2])
def test_a_threshold_that_can_not_be_reached_is_refused(threshold: int) -> None:
    with pytest.raises(InputError, match="can not approve"):
        approvers(threshold, "anna")
