"""Who this device is: what its certificate says, and which enrolment it is of."""

import os
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.errors import AgentError
from edge_signing.errors import FormatError
from edge_signing.trust.names import check_device

FOLDER: Final = Path("/var/lib/edge/identity")
OWN: Final = "identity"
# One that the server has answered to, on its way to take the place of our own; and that one then.
PROVEN: Final = "identity.proven"
OLD: Final = "identity.old"
_CHANGE: Final = threading.Lock()
_EPOCH: Final = re.compile(rb"(?:0|[1-9][0-9]{0,15})\n?")
_MOST_BYTES: Final = 64 << 10


class IdentityError(AgentError):
    """The device has no identity, or one that can not be used."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device shows to servers.

    Attributes:
        device: Its id, the CN of its certificate.
        epoch: Of its enrolment; a new one lets the versions of its orders start again.
        certificate: File with the certificate, in PEM.
        key: File with its key.
        server_ca: File with what servers are trusted by.
    """

    device: str
    epoch: int
    certificate: Path
    key: Path
    server_ca: Path

    @classmethod
    def read(cls, folder: Path = FOLDER) -> "Identity":
        """Return the identity in a folder.

        Raises:
            IdentityError: A file is missing or wrong.
        """
        certificate, key = folder / "device.crt", folder / "device.key"
        server_ca = folder / "server-ca.crt"
        for file in (certificate, key, server_ca):
            if not file.is_file():
                raise IdentityError(f"{file}: not there")
        return cls(_device(certificate), _epoch(folder / "epoch"), certificate, key, server_ca)


def own(data: Path) -> Identity:
    """Return the identity of this device, after a change of it was brought to its end.

    Args:
        data: The folder of the agent.

    Raises:
        IdentityError: There is none, or a file of it is wrong.
    """
    with _CHANGE:
        try:
            _settle(data)
        except OSError as error:
            raise IdentityError(f"{data}: {error}") from error
        return Identity.read(data / OWN)


def change(data: Path, proven: Path) -> None:
    """Let an identity that the server has answered to take the place of our own.

    After a power cut either of them is there: `own` goes on where this has stopped.

    Raises:
        OSError: It can not be stored.
    """
    with _CHANGE:
        proven.rename(data / PROVEN)
        _flush(data)
        _settle(data)


def _settle(data: Path) -> None:
    if (data / PROVEN).is_dir():
        if (data / OWN).exists():
            discard(data / OLD)
            (data / OWN).rename(data / OLD)
            _flush(data)
        (data / PROVEN).rename(data / OWN)
        _flush(data)
    if (data / OLD).exists():
        discard(data / OLD)


def discard(folder: Path) -> None:
    """Remove the folder of an identity, if it is there and can be."""
    with suppress(OSError):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _device(certificate: Path) -> str:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        subject = x509.load_pem_x509_certificate(_read(certificate)).subject
        names = [str(one.value) for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if len(names) != 1:
            raise IdentityError(f"{certificate}: {len(names)} common names")
        check_device(names[0])
    except (ValueError, FormatError) as error:
        raise IdentityError(f"{certificate}: {error}") from error
    return names[0]


def _epoch(file: Path) -> int:
    data = _read(file)
    if not _EPOCH.fullmatch(data):
        raise IdentityError(f"{file}: {data[:40]!r} is no number")
    return int(data)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_BYTES)
    except OSError as error:
        raise IdentityError(f"{file}: {error.strerror}") from error
