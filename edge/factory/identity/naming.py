"""What authorities and devices are called, and what the name of a station's device can not be.

A device is `O=product, OU=station, CN=id`: by the name constraints of the station's certificate
nothing else verifies, with OpenSSL, so with the console, Mosquitto and every other TLS. What they
can not say is which ids are of that station: the grant does.

Source: RFC 5280, section 4.2.1.10 (name constraints).
"""

import ipaddress
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_FINGERPRINT_DIGITS: Final = 8

SIGNS: Final = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
IS_DEVICE: Final = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
FOR_CLIENTS: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])


def authority(product: str, key: ec.EllipticCurvePublicKey) -> x509.Name:
    """Return the name of a factory: TLS finds it by that, so it has a part of its key."""
    return _name((NameOID.ORGANIZATION_NAME, product), (NameOID.COMMON_NAME, _own("factory", key)))


def station(product: str, name: str, key: ec.EllipticCurvePublicKey) -> x509.Name:
    """Return the name of a station's authority."""
    return _name(
        (NameOID.ORGANIZATION_NAME, product),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, name),
        (NameOID.COMMON_NAME, _own("station", key)),
    )


def device(product: str, station: str, device: str) -> x509.Name:
    """Return the name of a device."""
    return _name(
        (NameOID.ORGANIZATION_NAME, product),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, station),
        (NameOID.COMMON_NAME, device),
    )


def constraints(product: str, station: str) -> x509.NameConstraints:
    """Return what holds for each name below a station.

    No host and no address at all: so it can make no certificate for a server, and none of a
    common name with a dot, which is what OpenSSL takes for the name of a host.
    """
    above = _name((NameOID.ORGANIZATION_NAME, product), (NameOID.ORGANIZATIONAL_UNIT_NAME, station))
    return x509.NameConstraints(
        permitted_subtrees=[x509.DirectoryName(above)],
        excluded_subtrees=[
            x509.DNSName(""),
            x509.IPAddress(ipaddress.ip_network("0.0.0.0/0")),
            x509.IPAddress(ipaddress.ip_network("::/0")),
        ],
    )


def _own(what: str, key: ec.EllipticCurvePublicKey) -> str:
    digest = x509.SubjectKeyIdentifier.from_public_key(key).digest.hex()
    return f"{what} {digest[:_FINGERPRINT_DIGITS]}"


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
