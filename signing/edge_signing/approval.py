"""What people approve with keys of their own: that releases may be rolled out, until a time.

A device whose image names approvers installs nothing that the console orders without enough of
their signatures. The console never has the keys: who steals it can not even start a roll-out of
what was released. Pure; signatures are verified in `edge_signing.trust.approvals`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import MOST, Fields
from edge_signing.release import Content
from edge_signing.trust.names import check_target_path

Algorithm = Literal["ed25519", "p256"]

FORMAT: Final = 1
KIND: Final = "approval"
ALGORITHMS: Final[tuple[Algorithm, ...]] = ("ed25519", "p256")
APPROVERS_MOST: Final = 32
RELEASES_MOST: Final = 64
DOCUMENT_MOST_BYTES: Final = 1 << 20  # of release.json
_CAMPAIGN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SIGNATURE: Final = re.compile(r"(?:[0-9a-f]{2}){1,100}")
_PUBLIC: Final[Mapping[Algorithm, re.Pattern[str]]] = {
    "ed25519": _DIGEST,
    "p256": re.compile(
        r"-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]{1,400}\n-----END PUBLIC KEY-----\n?"
    ),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What is approved.

    Attributes:
        campaign: The id of the roll-out.
        releases: Its documents by path: the target, and all that a device may have to be given on
            the way to it or back.
        plan: The digest of the roll-out's plan, in hex; a device does not look into it.
        not_after_s: The last second in which a device takes it up, since 1970.

    Raises:
        FormatError: A name is none, or there are no or too many releases.
    """

    campaign: str
    releases: Mapping[str, Content]
    plan: str
    not_after_s: int

    def __post_init__(self) -> None:
        if not _CAMPAIGN.fullmatch(self.campaign):
            raise FormatError(f"approval: campaign {self.campaign!r} is not one")
        if not _DIGEST.fullmatch(self.plan):
            raise FormatError(f"approval: plan {self.plan!r} is not a digest")
        if not 1 <= len(self.releases) <= RELEASES_MOST:
            raise FormatError(
                f"approval: {len(self.releases)} releases are not 1 to {RELEASES_MOST}"
            )
        for path in self.releases:
            check_target_path(path)

    def object(self) -> dict[str, object]:
        """Return it as a value for JSON."""
        return {
            "campaign": self.campaign,
            "format": FORMAT,
            "kind": KIND,
            "not_after_s": self.not_after_s,
            "plan": self.plan,
            "releases": {
                path: {"length": one.length_bytes, "sha256": one.sha256.hex()}
                for path, one in self.releases.items()
            },
        }

    def pack(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical.encode(self.object())

    @classmethod
    def read(cls, fields: Fields) -> "Statement":
        """Return what a part of a document says.

        Raises:
            FormatError: It is no such statement.
        """
        fields.one_of("format", (FORMAT,))
        fields.one_of("kind", (KIND,))
        statement = cls(
            fields.text("campaign", _CAMPAIGN),
            _releases(fields.anything("releases")),
            fields.text("plan", _DIGEST),
            fields.integer("not_after_s", most=MOST),
        )
        fields.end()
        return statement


@dataclass(frozen=True, slots=True)
class Signature:
    """Somebody's signature.

    Attributes:
        keyid: The id of his key, as TUF makes it: 64 hex digits.
        sig: Ed25519 over the statement, or P-256 over its SHA-256, as DER.
    """

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Approval:
    """A statement with its signatures, in the order of their key ids, each key once."""

    statement: Statement
    signatures: tuple[Signature, ...] = ()

    def pack(self) -> bytes:
        """Return the document."""
        return canonical.encode(
            {
                "signatures": [
                    {"keyid": one.keyid, "sig": one.sig.hex()} for one in self.signatures
                ],
                "statement": self.statement.object(),
            }
        )

    @classmethod
    def unpack(cls, document: bytes) -> "Approval":
        """Return what a document says, unverified.

        Raises:
            FormatError: It is not canonical JSON, or no approval in this format.
        """
        fields = Fields(canonical.decode(document), KIND)
        approval = cls(
            Statement.read(fields.fields("statement")), fields.each("signatures", _signature)
        )
        fields.end()
        ids = [one.keyid for one in approval.signatures]
        if sorted(set(ids)) != ids or len(ids) > APPROVERS_MOST:
            raise FormatError("approval: its signatures are not in order, each once")
        return approval


@dataclass(frozen=True, slots=True)
class Approver:
    """The public key of somebody who may approve.

    Attributes:
        algorithm: Its kind.
        public: 64 hex digits (ed25519) or PEM (p256), as in a `.pub` file.
    """

    algorithm: Algorithm
    public: str


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may approve, and how many of them have to."""

    threshold: int
    keys: tuple[Approver, ...]

    def object(self) -> dict[str, object]:
        """Return what the image of a device says of it."""
        keys = [{"algorithm": one.algorithm, "public": one.public} for one in self.keys]
        return {"keys": keys, "threshold": self.threshold}

    @classmethod
    def read(cls, fields: Fields) -> "Approvers":
        """Return what the image of a device says.

        Raises:
            FormatError: It says something else, or the threshold can never be reached.
        """
        keys = fields.each("keys", _approver)
        if len(set(keys)) != len(keys) or len(keys) > APPROVERS_MOST:
            raise FormatError("approvals: the keys are too many, or one is there twice")
        approvers = cls(fields.integer("threshold", least=1, most=max(len(keys), 1)), keys)
        fields.end()
        if not keys:
            raise FormatError("approvals: there are no keys")
        return approvers


def _approver(fields: Fields) -> Approver:
    algorithm = fields.one_of("algorithm", ALGORITHMS)
    return Approver(algorithm, fields.text("public", _PUBLIC[algorithm]))


def _signature(fields: Fields) -> Signature:
    return Signature(fields.text("keyid", _DIGEST), bytes.fromhex(fields.text("sig", _SIGNATURE)))


def _releases(value: object) -> dict[str, Content]:
    if not isinstance(value, dict):
        raise FormatError("approval: releases is not an object")
    found = {}
    for path, said in value.items():
        fields = Fields(said, f"approval: {path}")
        length_bytes = fields.integer("length", least=1, most=DOCUMENT_MOST_BYTES)
        found[path] = Content(length_bytes, fields.sha256("sha256"))
        fields.end()
    return found
