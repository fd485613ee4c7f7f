"""What a station has signed: one line a certificate, on the disk before it is given out.

So the count of the grant holds over power cuts, and who asks again for the same device and key gets
the certificate that there is. A last line that a power cut has torn was never given out.
"""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from edge import atomic
from edge.errors import InputError, RefusedError
from edge.factory.identity import prints
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields

_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class Given:
    """Where a certificate stands in the file, and what is asked of it often."""

    device: str
    key: str
    serial: str
    offset_bytes: int


@dataclass(slots=True)
class Issued:
    """The certificates of one station; nobody else may write the file meanwhile.

    Args:
        file: Where they are; made with the first.

    Raises:
        InputError: A line of it is wrong.
    """

    file: Path
    given: list[Given] = field(default_factory=list)
    _size_bytes: int = 0

    def __post_init__(self) -> None:
        for offset_bytes, line in _lines(self.file):
            number = len(self.given) + 1
            certificate = _read(line, number, f"{self.file}:{number}")
            self.given.append(_given(certificate, offset_bytes))
            self._size_bytes = offset_bytes + len(line)

    def of_device(self, device: str) -> list[Given]:
        """Return what a device got, the newest last."""
        return [one for one in self.given if one.device == device]

    def of_key(self, key: str) -> list[Given]:
        """Return what a key got, named by its SHA-256."""
        return [one for one in self.given if one.key == key]

    def certificate(self, given: Given) -> x509.Certificate:
        """Return a certificate."""
        with self.file.open("rb") as stream:
            stream.seek(given.offset_bytes)
            return _read(stream.readline(), self.given.index(given) + 1, str(self.file))

    def add(self, certificate: x509.Certificate) -> None:
        """Write a certificate down to the disk.

        Raises:
            RefusedError: Somebody else has written to the file.
        """
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        line = canonical.encode({"certificate": pem, "n": len(self.given) + 1}) + b"\n"
        is_new = not self.file.exists()
        handle = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._require_ours(handle)
            os.ftruncate(handle, self._size_bytes)
            os.pwrite(handle, line, self._size_bytes)
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            atomic.sync_folder(self.file.parent)
        self.given.append(_given(certificate, self._size_bytes))
        self._size_bytes += len(line)

    def _require_ours(self, handle: int) -> None:
        """Refuse to write over a whole line that is not ours."""
        behind = os.pread(handle, os.fstat(handle).st_size, self._size_bytes)
        if b"\n" in behind:
            raise RefusedError(
                f"{self.file}: another program has signed with this station's key meanwhile",
                hint="one station is one program: end the other one",
            )


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    if not file.exists():
        return
    offset_bytes = 0
    with file.open("rb") as stream:
        for line in stream:
            if line.endswith(b"\n"):
                yield offset_bytes, line
            offset_bytes += len(line)


def _read(line: bytes, number: int, place: str) -> x509.Certificate:
    try:
        fields = Fields(canonical.decode(line.removesuffix(b"\n")), "certificate")
        fields.integer("n", least=number, most=number)
        found = x509.load_pem_x509_certificate(str(fields.anything("certificate")).encode())
        fields.end()
    except (FormatError, ValueError) as error:
        raise InputError(f"{place}: {error}", hint="take the file from a backup") from error
    return found


def _given(certificate: x509.Certificate, offset_bytes: int) -> Given:
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Given(
        str(name.value),
        prints.of_key(certificate.public_key()),
        prints.serial(certificate),
        offset_bytes,
    )
