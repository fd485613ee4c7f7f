"""People with keys of their own, who approve roll-outs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from securesystemslib.signer import Signer

from edge.keys import approval
from edge.keys.file_key import FileSigner
from edge.keys.public import from_crypto
from edge_signing.approval import Approval, Approvers, Statement
from edge_signing.release import Content
from tests.fakes.agent_parts import NOW_S
from tests.fakes.operator import Operator

PLAN = "ab" * 32


@cache
def person(name: str) -> Signer:
    """Return somebody's key, the same for the same name: of P-256 if it begins with `p`."""
    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    if name.startswith("p"):
        private = ec.derive_private_key(int.from_bytes(name.encode()), ec.SECP256R1())
    else:
        private = ed25519.Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))
    return FileSigner(private, from_crypto(private.public_key()))


def approvers(threshold: int, *names: str) -> Approvers:
    """Return what an image says whose people these are."""
    return approval.approvers((person(name).public_key for name in names), threshold)  # type: ignore[misc]


@dataclass(frozen=True)
class Board:
    """People who approve releases, by the bytes of their documents."""

    documents: dict[str, Content]
    not_after_s: int = NOW_S + 86_400
    campaign: str = "spring"

    @property
    def statement(self) -> Statement:
        return Statement(self.campaign, self.documents, PLAN, self.not_after_s)

    def approval(self, names: Sequence[str]) -> Approval:
        """Return the approval that these people signed."""
        signed = (approval.sign_approval(self.statement, person(name)) for name in names)
        return approval.approved(self.statement, signed)

    def packed(self, *names: str) -> bytes:
        return self.approval(names).pack()


def released(operator: Operator, version: str) -> Board:
    """Return people who look at what the release role signed, not at the console."""
    found = operator.repository.targets("gateway")[f"gateway/{version}/release.json"]
    return Board({found.path: Content(found.length_bytes, bytes.fromhex(found.sha256))})
