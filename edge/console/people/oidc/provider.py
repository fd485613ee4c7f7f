"""The provider of OpenID Connect that a console asks, as it was set up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from edge.console.people.errors import NotLetInError
from edge.console.people.roles import Role
from edge.errors import InputError

START: Final = "/auth/oidc/start"
CALLBACK: Final = "/auth/oidc/callback"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class OidcError(NotLetInError):
    """A provider, or what it said, lets nobody in.

    Attributes:
        word: Says to a page why, and is one of few.
    """

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message)
        self.word = word


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, and what its word counts for.

    Attributes:
        issuer: Its URL, as it says it itself.
        client_id: What the console is to it.
        client_secret: Shared with it; empty for none.
        name: What people call it.
        url: Of the console, as browsers see it.
        authority: File with the certificate of the provider's authority; None for the system's.
        name_claim: Which claim is the name of a person.
        role_claim: Which claim has his role; empty where the console says it.
        roles: What values of that claim mean, the first one that is there.
        admits_unknown: Whether somebody is let in who was not invited.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    url: str
    authority: Path | None = None
    name_claim: str = "preferred_username"
    role_claim: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    admits_unknown: bool = False

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends browsers back to: this, and nothing that a request says."""
        return f"{self.url}{CALLBACK}"


def check(provider: Provider) -> Provider:
    """Return a provider that can be used.

    Raises:
        InputError: It can not.
    """
    if not is_safe(provider.issuer):
        raise InputError(f"issuer {provider.issuer!r}: not https")
    parts = urlsplit(provider.url)
    if parts.scheme != "https" or not parts.hostname or parts.path or parts.query:
        raise InputError(
            f"url {provider.url!r}: not that of a console", hint="https://fleet.example.com:8444"
        )
    if not provider.client_id:
        raise InputError("no client id")
    if bool(provider.role_claim) != bool(provider.roles):
        raise InputError("a claim of roles and what its values mean go together")
    if provider.admits_unknown and not provider.roles:
        raise InputError("people who were not invited need a claim that has their role")
    return provider


def is_safe(url: str) -> bool:
    """Whether a URL may be asked: nobody on the way can change what it says."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
