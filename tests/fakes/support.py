"""Keys of support, grants, and both ends of a terminal, for tests."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from securesystemslib.signer import Signer

from edge.console.terminal.person import Person, Wanted, grant_of
from edge.keys import file_key
from edge.keys.grant import sign
from edge.keys.public import Algorithm, algorithm_of
from edge.keys.secrets import nobody
from edge.keys.uri import FileUri
from edge_agent.identity import Identity
from edge_agent.terminal.terms import Terms
from edge_signing.terminal.grant import SignedGrant
from edge_signing.terminal.handshake import own_key
from edge_signing.terminal.keys import SupportKeys
from tests.fakes.pki import Pki

NOW_S = 1_760_000_000
SESSION = "5e" * 16


@dataclass(frozen=True)
class Support:
    """Keys of support.

    Attributes:
        signers: All of them.
    """

    folder: Path
    signers: tuple[Signer, ...]

    @classmethod
    def make(cls, folder: Path, *algorithms: Algorithm) -> "Support":
        made = []
        for number, algorithm in enumerate(algorithms or (Algorithm.ED25519,), 1):
            path = folder / f"support-{number}.pem"
            file_key.make(path, algorithm)
            made.append(file_key.load(FileUri(path), nobody))
        return cls(folder, tuple(made))

    def named(self, count: int | None = None) -> list[dict[str, object]]:
        """Return the keys as an image names them."""
        return [
            {
                "algorithm": str(algorithm_of(one.public_key)),  # type: ignore[arg-type]
                "format": 1,
                "name": f"support-{number}",
                "public": one.public_key.keyval["public"],
                "role": "support",
                "uri": None,
            }
            for number, one in enumerate(self.signers[:count], 1)
        ]

    def settings(self, *, threshold: int = 1, **more: object) -> dict[str, object]:
        """Return the part `reach.terminal` of an image."""
        return {"keys": self.named(), "threshold": threshold, **more}

    def terms(self, *, threshold: int = 1, **more: object) -> Terms:
        from edge_signing.fields import Fields

        return Terms.read(Fields(self.settings(threshold=threshold, **more), "terminal"))

    @property
    def keys(self) -> SupportKeys:
        return self.terms().keys


@dataclass
class Ends:
    """A device with a certificate, and a person who wants a session of it."""

    support: Support
    identity: Identity
    wanted: Wanted = field(init=False)

    def __post_init__(self) -> None:
        fingerprint = hashlib.sha256(self.certificate).digest()
        device, epoch = self.identity.device, self.identity.epoch
        self.wanted = Wanted(device, epoch, fingerprint, "jo")

    @classmethod
    def make(cls, folder: Path, device: str = "unit-1") -> "Ends":
        pki = Pki.make(folder / "pki")
        return cls(Support.make(folder / "support"), pki.identity(device))

    @property
    def certificate(self) -> bytes:
        parsed = x509.load_pem_x509_certificate(self.identity.certificate.read_bytes())
        return parsed.public_bytes(serialization.Encoding.DER)

    def person(
        self,
        session: str = SESSION,
        *,
        now_s: int = NOW_S,
        signers: Sequence[Signer] | None = None,
        noise: bytes = b"\x07" * 32,
        **more: object,
    ) -> Person:
        """Return a person with a grant."""
        mine = own_key(noise)
        wanted = replace(self.wanted, **more)  # type: ignore[arg-type]
        grant = grant_of(wanted, session, mine, now_s)
        return Person(sign(grant, self.support.signers if signers is None else signers), mine)

    def signed(self, session: str = SESSION, **more: object) -> SignedGrant:
        return self.person(session, **more).signed  # type: ignore[arg-type]
