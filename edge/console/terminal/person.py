"""The person's end of one terminal: what is asked for, and whether it is the device that answers.

Pure: keys and noise come from outside, and who calls brings the parcels.
"""

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.errors import UntrustedError
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.terminal.frames import TO_PERSON, Frame, Kind, Opener, Sealer, Size
from edge_signing.terminal.grant import Grant, SignedGrant
from edge_signing.terminal.handshake import (
    Answer,
    check_answer,
    public_bytes,
    read_certificate,
    session_keys,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks of a device.

    Attributes:
        certificate: The SHA-256 of the device's certificate, as whoever signs knows it.
        command: One command; empty for a shell.
        holds_s: How long the grant is good for a session to begin.
    """

    device: str
    epoch: int
    certificate: bytes
    who: str
    reason: str = ""
    command: str = ""
    idle_s: int = 600
    longest_s: int = 3600
    holds_s: int = 900


def grant_of(wanted: Wanted, session: str, mine: X25519PrivateKey, now_s: int) -> Grant:
    """Return the grant that is to be signed.

    Raises:
        FormatError: It could not be one.
    """
    made = Grant(
        session=session,
        device=wanted.device,
        epoch=wanted.epoch,
        certificate=wanted.certificate,
        key=public_bytes(mine),
        who=wanted.who,
        reason=wanted.reason,
        command=wanted.command,
        idle_s=wanted.idle_s,
        longest_s=wanted.longest_s,
        issued_at_s=now_s,
        not_after_s=now_s + wanted.holds_s,
    )
    # Read as a device will, so that what it would refuse is not signed.
    return SignedGrant.unpack(SignedGrant(made, {}).pack()).grant


@dataclass(slots=True)
class Person:
    """One session, for the person that the grant names.

    Attributes:
        signed: The grant.
        mine: The private part of its key.
    """

    signed: SignedGrant
    mine: X25519PrivateKey = field(repr=False)
    _sealer: Sealer | None = field(default=None, repr=False)
    _opener: Opener | None = field(default=None, repr=False)

    def take_answer(self, content: bytes, authority: x509.Certificate | None = None) -> bytes:
        """Take the answer of the device; return the transcript of the session.

        Args:
            content: Of the parcel.
            authority: That has to have signed the certificate; None if the grant is all that says
                which certificate it is.

        Raises:
            UntrustedError: It is not the answer of the device that the grant names.
        """
        try:
            answer = Answer.unpack(content)
            digest = check_answer(self.signed.grant, self.signed.pack(), answer)
            if authority is not None:
                require_authority(answer.certificate, authority)
            keys = session_keys(self.mine, answer.key, digest)
        except SigningError as error:
            raise UntrustedError(f"{self.signed.grant.device}: {error}") from error
        self._sealer = Sealer(keys.to_device)
        self._opener = Opener(keys.to_person, TO_PERSON)
        return digest

    def start(self, size: Size) -> bytes:
        """Return the frame that begins the session."""
        return self._seal(Kind.START, size.pack())

    def type(self, data: bytes) -> bytes:
        """Return the frame with what was typed."""
        return self._seal(Kind.KEYS, data)

    def resize(self, size: Size) -> bytes:
        """Return the frame that tells another size of the window."""
        return self._seal(Kind.SIZE, size.pack())

    def leave(self) -> bytes:
        """Return the frame that ends the session."""
        return self._seal(Kind.LEAVE)

    def open(self, sealed: bytes) -> Frame:
        """Return what the device shows.

        Raises:
            UntrustedError: It is not the next frame as the device has made it.
        """
        if self._opener is None:
            raise UntrustedError(f"{self.signed.grant.device}: a frame came before the answer")
        try:
            return self._opener.open(sealed)
        except SigningError as error:
            raise UntrustedError(f"{self.signed.grant.device}: {error}") from error

    def _seal(self, kind: Kind, body: bytes = b"") -> bytes:
        if self._sealer is None:
            raise UntrustedError(f"{self.signed.grant.device}: it has not answered yet")
        return self._sealer.seal(kind, body)


def require_authority(certificate: bytes, authority: x509.Certificate) -> None:
    """Refuse a certificate that an authority has not signed itself.

    Raises:
        TrustError: It has not.
    """
    try:
        read_certificate(certificate).verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, FormatError) as error:
        raise TrustError("the certificate of the device is not of this authority") from error
