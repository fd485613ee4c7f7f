"""The key of the device in a terminal: it says that an answer and a record are its own."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import AgentError
from edge_agent.identity import Identity
from edge_signing.terminal.handshake import Answer, statement, transcript
from edge_signing.terminal.parcels import Kind, Parcel
from edge_signing.terminal.record import Closing

DeviceKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class DeviceSigner:
    """Signs as the device.

    Attributes:
        certificate: Its own, in DER.
    """

    certificate: bytes = field(repr=False)
    _key: DeviceKey = field(repr=False)

    @classmethod
    def of(cls, identity: Identity) -> "DeviceSigner":
        """Return what signs for a device.

        Raises:
            AgentError: It has no certificate, or a key that can not be used.
        """
        try:
            parsed = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
            key = serialization.load_pem_private_key(identity.key.read_bytes(), None)
        except OSError as error:
            raise AgentError("terminal: this device has no certificate of its own") from error
        except (ValueError, TypeError) as error:
            raise AgentError(f"{Path(identity.key).name}: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey | Ed25519PrivateKey):
            raise AgentError("terminal: the key of this device is neither Ed25519 nor of a curve")
        return cls(parsed.public_bytes(serialization.Encoding.DER), key)

    def signed(self, said: Parcel, grant: bytes) -> Parcel:
        """Return what the service has said, with a signature where one belongs.

        Args:
            said: Of the service.
            grant: Signed and packed, as it came.

        Raises:
            FormatError: It says what can not be read.
        """
        match said.kind:
            case Kind.ANSWER:
                digest = transcript(grant, said.content, self.certificate)
                signature = self._sign("answer", digest)
                answer = Answer(said.content, self.certificate, signature)
                return replace(said, content=answer.pack())
            case Kind.CLOSED:
                closing = Closing.unpack(said.content)
                signature = self._sign("record", closing.hashed())
                return replace(said, content=replace(closing, signature=signature).pack())
            case _:
                return said

    def _sign(self, purpose: str, digest: bytes) -> bytes:
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(statement(purpose, digest))
        return self._key.sign(statement(purpose, digest), ec.ECDSA(hashes.SHA256()))
