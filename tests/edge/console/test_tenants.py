"""Authorities of tenants, as TLS tells them apart."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edge.certificates import issuing
from edge.console import tenants
from edge.console.audit import Actor
from edge.console.store.database import Database
from edge.errors import RefusedError


def authority_called(name: str, *, key: Any = None, with_print: bool = False) -> x509.Certificate:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = issuing.common_name(name)
    now, year = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=365)
    made = issuing.builder(subject, subject, key, now, year)
    if with_print:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        made = made.add_extension(identifier, critical=False)
    return made.sign(key, hashes.SHA256())


def test_an_authority_that_tls_could_take_for_another_is_refused(database: Database) -> None:
    mine, theirs = Actor("mine", "test", 1), Actor("theirs", "test", 1)
    key = ec.generate_private_key(ec.SECP256R1())

    def add(actor: Actor, certificate: x509.Certificate) -> bool:
        return database.write_now(lambda one: tenants.add_authority(one, actor, certificate))

    assert add(mine, authority_called("Factory", key=key))
    assert add(mine, authority_called("Other"))
    assert add(mine, authority_called("Factory", key=key, with_print=True))
    assert add(theirs, authority_called("Theirs"))
    assert add(mine, authority_called("Printed", with_print=True))
    assert add(mine, authority_called("Printed", with_print=True))
    for actor, certificate in (
        (mine, authority_called("Factory")),
        (mine, authority_called("Printed")),
        (theirs, authority_called("Printed", with_print=True)),
        (theirs, authority_called("Factory", key=key)),
    ):
        with pytest.raises(RefusedError, match="take one for the other"):
            add(actor, certificate)
