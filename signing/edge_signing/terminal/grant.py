"""A grant: who may open one terminal of one device, once and until when, signed by support keys.

The console carries it and can not make one. It names the key that the person uses in this session
alone (X25519), so that nobody else can use it, and the certificate of the device, so that no
other device can.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from edge_signing import canonical
from edge_signing.errors import FormatError, TrustError
from edge_signing.fields import Fields
from edge_signing.terminal.keys import KEYS_MOST, SupportKeys
from edge_signing.trust.names import check_device

TYPE: Final = "terminal-grant"
FORMAT: Final = 1
GRANT_MOST_BYTES: Final = 16 << 10
SESSION: Final = re.compile(r"[0-9a-f]{32}")
IDLE_MOST_S: Final = 86_400
LONGEST_MOST_S: Final = 86_400
# From its signature to the last moment at which the session may begin.
HOLDS_MOST_S: Final = 86_400
COMMAND_MOST: Final = 4000
_TEXT: Final = re.compile(r"[ -~\u00a0-\U0010ffff]{0,200}")
_COMMAND: Final = re.compile(rf"(?s:[^\x00]{{0,{COMMAND_MOST}}})")
_DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{0,400}={0,2}")


@dataclass(frozen=True, slots=True)
class Grant:
    """What is granted.

    Attributes:
        session: Its id, never used again.
        device: The one device.
        epoch: Of its enrolment.
        certificate: The SHA-256 of its certificate in DER.
        key: The public X25519 key of the person, of this session alone.
        who: Who types, as the signers know them.
        reason: Why.
        command: What is run, and nothing else; empty for a shell.
        idle_s: After which the session ends if nothing is typed.
        longest_s: After which it ends in any case.
        issued_at_s: When it was signed, seconds since 1970.
        not_after_s: Until when the session has to have begun.
    """

    session: str
    device: str
    epoch: int
    certificate: bytes
    key: bytes
    who: str
    reason: str
    command: str
    idle_s: int
    longest_s: int
    issued_at_s: int
    not_after_s: int

    def signed_bytes(self) -> bytes:
        """Return what is signed."""
        return canonical.encode(self._object())

    def _object(self) -> dict[str, object]:
        return {
            "_type": TYPE,
            "certificate": self.certificate.hex(),
            "command": self.command,
            "device": self.device,
            "epoch": self.epoch,
            "format": FORMAT,
            "idle_s": self.idle_s,
            "issued_at_s": self.issued_at_s,
            "key": self.key.hex(),
            "longest_s": self.longest_s,
            "not_after_s": self.not_after_s,
            "reason": self.reason,
            "session": self.session,
            "who": self.who,
        }

    @classmethod
    def take(cls, fields: Fields) -> "Grant":
        """Return the grant whose fields these are.

        Raises:
            FormatError: They are others.
        """
        fields.one_of("_type", (TYPE,))
        fields.one_of("format", (FORMAT,))
        made = cls(
            session=fields.text("session", SESSION),
            device=fields.text("device", _DEVICE),
            epoch=fields.integer("epoch"),
            certificate=fields.sha256("certificate"),
            key=fields.sha256("key"),
            who=fields.text("who", _TEXT),
            reason=fields.text("reason", _TEXT),
            command=fields.text("command", _COMMAND),
            idle_s=fields.integer("idle_s", least=1, most=IDLE_MOST_S),
            longest_s=fields.integer("longest_s", least=1, most=LONGEST_MOST_S),
            issued_at_s=fields.integer("issued_at_s"),
            not_after_s=fields.integer("not_after_s"),
        )
        fields.end()
        check_device(made.device)
        if not 0 < made.not_after_s - made.issued_at_s <= HOLDS_MOST_S:
            raise FormatError(f"grant: holds from {made.issued_at_s} to {made.not_after_s}")
        return made


@dataclass(frozen=True, slots=True)
class SignedGrant:
    """A grant with signatures, by the ids of their keys; nothing is verified yet."""

    grant: Grant
    signatures: Mapping[str, bytes] = field(repr=False)

    def pack(self) -> bytes:
        """Return its one form."""
        made = [
            {"key": id_, "signature": base64.b64encode(signature).decode()}
            for id_, signature in sorted(self.signatures.items())
        ]
        return canonical.encode({"signatures": made, "signed": self.grant._object()})

    @classmethod
    def unpack(cls, data: bytes) -> "SignedGrant":
        """Return what the bytes say.

        Raises:
            FormatError: They are no grant.
        """
        fields = Fields(canonical.decode(data, limit_bytes=GRANT_MOST_BYTES), "grant")
        signatures = fields.each("signatures", _signature)
        grant = Grant.take(fields.fields("signed"))
        fields.end()
        found = dict(signatures)
        if len(found) != len(signatures) or len(found) > KEYS_MOST:
            raise FormatError("grant: a key has signed twice, or there are too many")
        made = cls(grant, found)
        if made.pack() != data:
            raise FormatError("grant: not in the form that it would be written in")
        return made


@dataclass(frozen=True, slots=True)
class Standing:
    """What a grant is compared with.

    Attributes:
        certificate: The SHA-256 of the device's own.
        now_s: The time that counts: the clock, or what is known to have passed.
        forgotten_s: Grants that end until then may have been used: their ids were let go.
    """

    device: str
    epoch: int
    certificate: bytes
    now_s: int
    forgotten_s: int = 0


def require(
    signed: SignedGrant,
    keys: SupportKeys,
    standing: Standing,
    was_used: Callable[[str], bool],
) -> None:
    """Refuse a grant that opens nothing here and now.

    Raises:
        TrustError: It is not signed by enough keys, for another device or enrolment, over, or was
            used before.
    """
    grant = signed.grant
    keys.require(signed.signatures, grant.signed_bytes())
    if grant.device != standing.device:
        raise TrustError(f"grant: for the device {grant.device!r}")
    if grant.epoch != standing.epoch:
        raise TrustError(f"grant: for the enrolment {grant.epoch}, this is {standing.epoch}")
    if grant.certificate != standing.certificate:
        raise TrustError("grant: for another certificate of this device")
    if standing.now_s >= grant.not_after_s or grant.not_after_s <= standing.forgotten_s:
        raise TrustError(f"grant: it was good until {grant.not_after_s}")
    if was_used(grant.session):
        raise TrustError("grant: it was used before")


def _signature(fields: Fields) -> tuple[str, bytes]:
    id_ = fields.sha256("key").hex()
    text = fields.text("signature", _BASE64)
    try:
        return id_, base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise FormatError(f"grant: a signature: {error}") from error
