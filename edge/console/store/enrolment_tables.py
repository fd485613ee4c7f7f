"""The tables of enrolment: its keys, the certificates that were made, and their renewal."""

from typing import Final

from sqlalchemy import Boolean, Column, LargeBinary, Table, Text, UniqueConstraint

from edge.console.store.columns import METADATA, integer, key, of_device, text

# Whoever has one gets a certificate for a device.
ENROLMENT_KEYS: Final = Table(
    "enrolment_keys",
    METADATA,
    key("tenant"),
    key("key"),
    Column("name", Text, nullable=False),
    # SHA-256 of the secret, which is as long.
    Column("digest", Text, nullable=False),
    text("pattern"),
    text("group"),
    Column("is_trusted", Boolean, nullable=False),
    integer("uses_left"),
    integer("created_at_s"),
    integer("expires_at_s"),
    integer("revoked_at_s"),
    UniqueConstraint("key"),
)

# Certificates that were made for devices: who asks again with the same key gets the same one.
ISSUED: Final = Table(
    "issued_certificates",
    METADATA,
    key("tenant"),
    key("device"),
    # SHA-256 of the public key of the device.
    key("key_digest"),
    Column("enrolment_key", Text, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    integer("issued_at_s"),
)

# The newest certificate that a device asked for in place of its own; until it was seen, both are.
RENEWALS: Final = Table(
    "renewals",
    METADATA,
    key("tenant"),
    key("device"),
    Column("fingerprint", Text, nullable=False),
    # SHA-256 of the public key: who asks again with the same key gets the same certificate.
    Column("key_digest", Text, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    integer("issued_at_s"),
    of_device(),
    UniqueConstraint("fingerprint"),
)
