"""Sequences of roots: whose signatures each step needs, offline and online alike."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Role, Root

from edge_signing.errors import TrustError
from edge_signing.trust import documents, roots
from tests.fakes.forge import NOW, Yard


@dataclass(frozen=True)
class Step:
    """A root: the numbers of its keys, how many must sign, who signed, and whether it is taken."""

    keys: tuple[int, ...]
    threshold: int
    signed_by: tuple[int, ...]
    taken: bool = True


FIVE = (0, 1, 2, 3, 4)
ONE_OTHER = (0, 1, 3, 4, 5)
CASES = {
    "one key rotated": [Step((1,), 1, (1,)), Step((2,), 1, (2, 1)), Step((2,), 1, (2,))],
    "three of five in all ways": [
        Step(FIVE, 3, (0, 2, 4)),
        Step(FIVE, 3, (0, 4, 1)),
        Step(FIVE, 3, (0, 1, 3)),
    ],
    "one of five rotated": [Step(FIVE, 3, (0, 2, 4)), Step(ONE_OTHER, 3, (0, 4, 1))],
    "one of five rotated, with more": [
        Step(FIVE, 3, (0, 2, 4)),
        Step(ONE_OTHER, 3, (0, 2, 4, 5)),
        Step(ONE_OTHER, 3, (0, 4, 5)),
    ],
    "all of five rotated": [
        Step(FIVE, 3, (0, 2, 4)),
        Step((5, 6, 7, 8, 9), 3, (0, 2, 4, 5, 6, 7)),
        Step((5, 6, 7, 8, 9), 3, (5, 6, 7)),
    ],
    "threshold up": [Step((1, 2, 3), 1, (1,)), Step((1, 2, 3), 2, (1, 2))],
    "threshold down": [
        Step((1, 2, 3), 2, (1, 2)),
        Step((1, 2, 3), 1, (1, 2)),
        Step((1, 2, 3), 1, (1,)),
    ],
    "threshold up with a new key": [Step((1,), 1, (1,)), Step((1, 2), 2, (1, 2))],
    "not by the old key": [Step((1,), 1, (1,)), Step((2,), 1, (2,), taken=False)],
    "not by the new key": [Step((1,), 1, (1,)), Step((2,), 1, (1,), taken=False)],
    "not by enough new keys": [
        Step(FIVE, 3, (0, 2, 4)),
        Step(ONE_OTHER, 3, (0, 2, 4), taken=False),
    ],
    "not by enough old keys": [
        Step(FIVE, 3, (0, 2, 4)),
        Step(ONE_OTHER, 3, (0, 4, 5), taken=False),
    ],
    "new threshold not reached": [
        Step((1, 2, 3), 1, (1,)),
        Step((1, 2, 3), 2, (2,), taken=False),
    ],
    "old threshold not reached": [
        Step((1, 2, 3), 2, (1, 2)),
        Step((1, 2, 3), 1, (1,), taken=False),
    ],
}


@cache
def signer(number: int) -> CryptoSigner:
    """Return the key of a number; of both kinds."""
    del number
    return CryptoSigner.generate_ed25519()


@cache
def ecdsa(number: int) -> CryptoSigner:
    del number
    return CryptoSigner.generate_ecdsa()


def made(step: Step, version: int, like: Root) -> bytes:
    """Return the bytes of a root whose other roles are those of `like`."""
    keys = {number: (ecdsa if number % 2 else signer)(number) for number in range(10)}
    others = {name: role for name, role in like.roles.items() if name != "root"}
    used = {key_id: like.keys[key_id] for role in others.values() for key_id in role.keyids}
    own = {keys[number].public_key.keyid: keys[number].public_key for number in step.keys}
    root = Root(
        version=version,
        spec_version="1.0.31",
        expires=NOW + timedelta(days=365),
        keys={**used, **own},
        roles={**others, "root": Role(list(own), step.threshold)},
        consistent_snapshot=True,
    )
    metadata = Metadata(root)
    for number in step.signed_by:
        metadata.sign(keys[number], append=True)
    return documents.to_bytes(metadata)


@pytest.mark.parametrize("steps", CASES.values(), ids=CASES.keys())
def test_a_sequence_of_roots_is_followed_as_far_as_it_holds(yard: Yard, steps: list[Step]) -> None:
    like = yard.load("root").signed
    chain = {
        roots.file_name(version): made(step, version, like)
        for version, step in enumerate(steps, start=1)
    }
    for name, data in chain.items():
        (yard.metadata / name).write_bytes(data)
    yard.trusted_root = chain["1.root.json"]
    held = [data for data, step in zip(chain.values(), steps, strict=True) if step.taken]

    if len(held) == len(steps):
        assert roots.follow(yard.trusted_root, chain) == held[-1]
        assert yard.look().root == held[-1]
        return
    with pytest.raises(TrustError, match="signatures of the role root"):
        roots.follow(yard.trusted_root, chain)
    with pytest.raises(TrustError, match="root was signed by"):
        yard.look()
    assert yard.known()["root.json"] == held[-1]


def test_a_signature_that_no_root_asked_for_is_refused_offline(yard: Yard) -> None:
    like = yard.load("root").signed
    first = made(Step((1,), 1, (1,)), 1, like)
    second = made(Step((2,), 1, (1, 2, 3)), 2, like)

    with pytest.raises(TrustError, match="a key that is not of root"):
        roots.follow(first, {"2.root.json": second})
