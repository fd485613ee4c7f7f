"""What a station may do, in its certificate: signed by the factory, it goes wherever that goes.

X.509 has no word for "a thousand devices whose names begin with gw-", so it is an extension of our
own, which is not critical: others ignore it, and are held by the name constraints beside it.

    {"devices":1000,"prefix":"gw-","product":"gateway","station":"S1","until_s":1790000000}

Source: ITU-T X.667 (the arc 2.25, object identifiers of UUIDs, which nobody has to register).
"""

import re
from dataclasses import asdict, dataclass
from typing import Final

from cryptography import x509

from edge.errors import UntrustedError
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields

OID: Final = x509.ObjectIdentifier("2.25.207147670259954017639251145738347675171")
STATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{0,48}")
DEVICES_MOST: Final = 10_000_000
_PRODUCT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_MOST_BYTES: Final = 1024
_UTF8_STRING: Final = 0x0C
_LONG: Final = 0x81
_SHORT_MOST: Final = 0x7F


@dataclass(frozen=True, slots=True)
class Grant:
    """What a station may do.

    Attributes:
        station: Its name.
        product: What the devices are that it makes.
        prefix: What the ids of its devices begin with.
        devices: For how many certificates its key may be used.
        until_s: Until when, seconds since 1970. Its certificate holds longer: that of no device
            would hold without it.
    """

    station: str
    product: str
    prefix: str
    devices: int
    until_s: int

    def extension(self) -> x509.UnrecognizedExtension:
        """Return it as an extension of a certificate: a UTF8String of canonical JSON."""
        text = canonical.encode(asdict(self))
        count = bytes((len(text),)) if len(text) <= _SHORT_MOST else bytes((_LONG, len(text)))
        return x509.UnrecognizedExtension(OID, bytes((_UTF8_STRING,)) + count + text)

    @classmethod
    def is_in(cls, certificate: x509.Certificate) -> bool:
        """Whether a certificate has a grant, of whatever content."""
        return any(one.oid == OID for one in certificate.extensions)

    @classmethod
    def of(cls, certificate: x509.Certificate) -> "Grant":
        """Return what the certificate of a station says.

        Raises:
            UntrustedError: It says nothing, or something else.
        """
        try:
            value = certificate.extensions.get_extension_for_oid(OID).value
            data = value.public_bytes()
            found = cls._unpack(data[data.index(b"{") :])
        except (x509.ExtensionNotFound, FormatError, ValueError) as error:
            raise UntrustedError(
                f"{certificate.subject.rfc4514_string()}: not the certificate of a station: {error}"
            ) from error
        if found.extension().value != data:
            raise UntrustedError(f"station {found.station}: its grant is not in its one form")
        return found

    @classmethod
    def _unpack(cls, data: bytes) -> "Grant":
        fields = Fields(canonical.decode(data, limit_bytes=_MOST_BYTES), "grant")
        found = cls(
            station=fields.text("station", STATION),
            product=fields.text("product", _PRODUCT),
            prefix=fields.text("prefix", PREFIX),
            devices=fields.integer("devices", least=1, most=DEVICES_MOST),
            until_s=fields.integer("until_s", least=1),
        )
        fields.end()
        return found
