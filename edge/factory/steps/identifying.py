"""Where identities come from: a key made here, or one that the device has made itself."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from edge.errors import EdgeError, UntrustedError
from edge.factory.identity import first_settings, proof
from edge.factory.identity.device_key import START, OwnKey
from edge.factory.identity.station import Certificates, StationAuthority
from edge.factory.steps.recording import Given
from edge.factory.steps.step import Job
from edge.flash.protocols.steps import Dialog, Line, Result
from edge.flash.transports import driver
from edge.flash.transports.port import Port
from edge.image.provision import IDENTITY, Placed
from edge_signing.proof import message

BY_STATION: Final = "station"
BY_DEVICE: Final = "device"


@dataclass(frozen=True, slots=True)
class StationIdentifier:
    """Makes the key in memory; it goes onto the device with the image, and is forgotten.

    That the key and the certificate which are written belong together is proved here; that they
    are what is on the device, by reading it back.

    Attributes:
        authority: Signs.
        server_ca: What the device trusts servers by, in PEM.
        now: Returns the time in UTC.
    """

    authority: StationAuthority
    server_ca: bytes
    now: Callable[[], datetime]

    def give(self, job: Job) -> Given:
        """See `Identifier`."""
        made = first_settings.make(
            self.authority, job.device, server_ca=self.server_ca, now=self.now(), again=True
        )
        content = {one.path: one.content for one in made.files}
        nonce = proof.challenge()
        key = load_pem_private_key(content[IDENTITY / "device.key"], None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise EdgeError("the key that was made is not P-256")
        signature = key.sign(message(job.device, nonce), ec.ECDSA(hashes.SHA256()))
        _require_proof(content[IDENTITY / "device.crt"], nonce, signature)
        return _given(made.certificates, BY_STATION, made.files)


@dataclass(frozen=True, slots=True)
class DeviceIdentifier:
    """Has the device make its key, over its console; the key never leaves it.

    Attributes:
        authority: Signs.
        server_ca: What the device trusts servers by, in PEM.
        console: Opens the console of the board at a port.
        now: Returns the time in UTC.
        clock_s: Returns seconds that only go forward.
    """

    authority: StationAuthority
    server_ca: bytes
    console: Callable[[str], Port]
    now: Callable[[], datetime]
    clock_s: Callable[[], float]

    def give(self, job: Job) -> Given:
        """See `Identifier`."""
        with closing(self.console(job.port)) as port:
            number = round(self.now().timestamp() * 1000) % (1 << 30)
            device = OwnKey(Line(), number, START)

            def run(dialog: Dialog[Result]) -> Result:
                return driver.run(dialog, port, clock_s=self.clock_s, listener=job.flashing)

            speaker = run(device.hello(timeout_s=job.timeout_s))
            job.tell(None, f"{speaker} answers")
            request = run(device.new(job.device))
            job.tell(None, "the device has made its key")
            made = self.authority.issue_device(request, job.device, now=self.now(), again=True)
            nonce = proof.challenge()
            _require_proof(made.chain_pem.encode(), nonce, run(device.prove(nonce)))
            server_ca = first_settings.server_certificates(self.server_ca)
            run(device.put(made.chain_pem, server_ca, first_settings.EPOCH))
        return _given(made, BY_DEVICE, ())


def _require_proof(chain: bytes, nonce: bytes, signature: bytes) -> None:
    """Refuse a device that does not have the key of its certificate.

    Raises:
        UntrustedError: It has not.
    """
    certificate = x509.load_pem_x509_certificates(chain)[0]
    if not proof.holds(certificate, nonce, signature):
        raise UntrustedError("the device does not have the key of its certificate")


def _given(made: Certificates, proved: str, files: tuple[Placed, ...]) -> Given:
    return Given(
        made.key_sha256, made.chain_pem, made.serial_hex, proved, tuple(made.retired), files
    )
