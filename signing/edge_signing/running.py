"""Which versions of the services that are updated in place a device runs, as its status says it.

A version in place is said by its name, `web+1.1.0`; the system's own version by the start of the
digest of what it holds. A release says that digest as the salt of its image
(`edge_signing.release.Release.own_digest`), so that who knows the releases knows what runs.
"""

import re
from collections.abc import Mapping
from typing import Final

from edge_signing.errors import FormatError
from edge_signing.fields import Fields

SERVICES_MOST: Final = 64  # of one system
SERVICE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}")
_OWN_DIGITS: Final = 16
VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")


def own_version(digest: str) -> str:
    """Return how the system's own version is said whose digest, in hex, this is."""
    return digest[:_OWN_DIGITS]


def objects(services: Mapping[str, str]) -> list[dict[str, object]]:
    """Return versions by the names of their services as a value for JSON."""
    return [{"name": name, "version": services[name]} for name in sorted(services)]


def read(fields: Fields, name: str) -> Mapping[str, str]:
    """Return the versions that a field tells, by the names of their services.

    Raises:
        FormatError: It tells none, too many, or not each once and in order.
    """
    said = fields.each(name, _one)
    found = dict(said)
    if list(found) != sorted(found) or not 1 <= len(said) <= SERVICES_MOST:
        raise FormatError(f"{name}: not 1 to {SERVICES_MOST} services, in order")
    if len(found) != len(said):
        raise FormatError(f"{name}: a service is there twice")
    return found


def _one(fields: Fields) -> tuple[str, str]:
    return fields.text("name", SERVICE), fields.text("version", VERSION)
