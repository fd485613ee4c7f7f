"""Debian's SWUpdate as a device: it polls the console, installs into a file, and reports."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge import process, toolbox
from edge.certificates import issuing
from edge.image import cpio

SUCCEEDED: Final = 2  # what its option `-c` tells the server of the update before the restart
_END_S: Final = 5.0
_DESCRIPTION: Final = """\
software = {{
  version = "{version}";
  hardware-compatibility: [ "1" ];
  files: ( {{ filename = "payload"; path = "{target}"; sha256 = "{sha256}"; }} );
}}
"""
_SETTINGS: Final = """\
globals: {{ public-key-file = "{folder}/signer.crt"; postupdatecmd = "/bin/true"; }};
identify: ( {{ name = "board"; value = "bench"; }}, {{ name = "serial"; value = "<b>7</b>"; }} );
suricatta: {{
  tenant = "default"; id = "{device}"; url = "{url}"; cafile = "{authority}"; {identity}
}};
"""
_CERTIFICATE: Final = 'sslcert = "{folder}/device.crt"; sslkey = "{folder}/device.key";'
_TOKEN: Final = 'targettoken = "{token}";'


@dataclass
class Updater:
    """One device with SWUpdate.

    Attributes:
        folder: Short, for it makes sockets there.
        url: Of the console, without a path.
        device: Its id.
        token: Empty: it shows a certificate.
    """

    folder: Path
    url: str
    device: str
    token: str = ""
    _signer: tuple[x509.Certificate, rsa.RSAPrivateKey] = field(init=False, repr=False)

    @property
    def target(self) -> Path:
        """Return the file that it installs."""
        return self.folder / "installed"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def set_up(self, authority: Path, identity: Path | None = None) -> None:
        """Write its settings.

        Args:
            authority: Certificate of the console's authority.
            identity: Folder with its own certificate and key.
        """
        shown = (
            _CERTIFICATE.format(folder=identity) if identity else _TOKEN.format(token=self.token)
        )
        text = _SETTINGS.format(
            folder=self.folder,
            authority=authority,
            identity=shown,
            device=self.device,
            url=self.url,
        )
        (self.folder / "swupdate.cfg").write_text(text)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = issuing.common_name("bench")
        now = datetime.now(UTC)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(usage, critical=False)
            .sign(key, hashes.SHA256())
        )
        (self.folder / "signer.crt").write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
        )
        self._signer = (certificate, key)

    def update(self, payload: bytes, *, version: str = "1", told: bytes | None = None) -> bytes:
        """Return a signed `.swu`.

        Args:
            payload: What it holds.
            version: In its description.
            told: The description is that of these bytes instead.
        """
        certificate, key = self._signer
        digest = hashes.Hash(hashes.SHA256())
        digest.update(payload if told is None else told)
        description = _DESCRIPTION.format(
            version=version, target=self.target, sha256=digest.finalize().hex()
        ).encode()
        options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
        signature = (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(description)
            .add_signer(certificate, key, hashes.SHA256())
            .sign(serialization.Encoding.DER, options)
        )
        stream = BytesIO()
        cpio.write(
            stream,
            [
                cpio.file("sw-description", description),
                cpio.file("sw-description.sig", signature),
                cpio.file("payload", payload),
            ],
        )
        return stream.getvalue()

    @contextmanager
    def running(self, *, confirm: int = 0, most_per_s: str = "") -> Iterator[None]:
        """Run it until the block ends; with `confirm` as after a restart."""
        server = "-S hawkbit -p 1 -r 2 -w 1"
        server += f" -c {confirm}" if confirm else ""
        server += f" -n {most_per_s}" if most_per_s else ""
        settings, signer = self.folder / "swupdate.cfg", self.folder / "signer.crt"
        words = [*toolbox.tool("swupdate"), "-f", settings, "-k", signer, "-H", "bench:1"]
        words += ["-B", "none", "-M", "-m", "-l", "5", "-u", server]
        env = {"TMPDIR": str(self.folder), "PATH": "/usr/bin:/bin"}
        with (self.folder / "log").open("ab") as log:
            child = subprocess.Popen([str(one) for one in words], env=env, stdout=log, stderr=log)
        try:
            yield
        finally:
            child.terminate()
            try:
                child.wait(_END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def until(self, is_so: Callable[[], object], timeout_s: float = 20) -> None:
        """Wait until something is so.

        Raises:
            AssertionError: It never was; the message has what it said last.
        """
        end = time.monotonic() + timeout_s
        while not is_so():
            if time.monotonic() > end:
                raise AssertionError(process.ending(["swupdate"], 1, self.log))
            time.sleep(0.1)
