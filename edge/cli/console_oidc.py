"""Options of `edge console serve`: at which provider of OpenID Connect people log in."""

import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.errors import InputError
from edge.keys import secrets

if TYPE_CHECKING:
    from edge.console.people.oidc.provider import Provider

_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option("--oidc-issuer", help="URL of a provider at which people log in, too."),
    click.option("--oidc-client-id", default="", help="What the console is to the provider."),
    click.option(
        "--oidc-client-secret-file", type=_FILE, help="Its first line is the secret; mode 0600."
    ),
    click.option("--oidc-name", default="single sign-on", help="What people call the provider."),
    click.option(
        "--oidc-url",
        default="",
        help="Of this console as browsers see it; the provider sends them back there.",
    ),
    click.option("--oidc-ca", type=_FILE, help="Certificate of the provider's authority."),
    click.option(
        "--oidc-name-claim",
        default="preferred_username",
        show_default=True,
        help="Which claim is the name of a person: email counts only if it was verified.",
    ),
    click.option("--oidc-role-claim", default="", help="Which claim has the role of a person."),
    click.option(
        "--oidc-role",
        "oidc_roles",
        metavar="VALUE=ROLE",
        multiple=True,
        help="What a value of that claim means; may be repeated, and the first that fits counts.",
    ),
    click.option(
        "--oidc-unknown",
        type=click.Choice(("refuse", "admit")),
        default="refuse",
        show_default=True,
        help="What becomes of people who were not invited.",
    ),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets a provider, or None, as its argument `provider`."""

    @functools.wraps(command)
    def call(*arguments: Any, **given: Any) -> Any:
        names = [name for name in given if name.startswith("oidc_")]
        said = {name.removeprefix("oidc_"): given.pop(name) for name in names}
        return command(*arguments, provider=_provider(**said), **given)

    wrapped: Callable[..., Any] = call
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _provider(
    *,
    issuer: str | None,
    client_id: str,
    client_secret_file: Path | None,
    name: str,
    url: str,
    ca: Path | None,
    name_claim: str,
    role_claim: str,
    roles: tuple[str, ...],
    unknown: str,
) -> "Provider | None":
    if issuer is None:
        return None
    module = importlib.import_module("edge.console.people.oidc.provider")
    made = module.Provider(
        issuer=issuer,
        client_id=client_id,
        client_secret=secrets.read(client_secret_file) if client_secret_file else "",
        name=name,
        url=url.rstrip("/"),
        authority=ca,
        name_claim=name_claim,
        role_claim=role_claim,
        roles=dict(_role(one, module.Role) for one in roles),
        admits_unknown=unknown == "admit",
    )
    checked: Provider = module.check(made)
    return checked


def _role(text: str, known: Any) -> tuple[str, Any]:
    value, _equals, role = text.rpartition("=")
    if not value or role not in list(known):
        raise InputError(f"--oidc-role {text!r}: not VALUE=ROLE", hint=f"roles: {', '.join(known)}")
    return value, known(role)
