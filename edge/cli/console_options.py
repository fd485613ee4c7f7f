"""Which console commands ask: options, the environment, else what `edge console login` wrote."""

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edge import atomic
from edge.cli.options import JSON as JSON
from edge.console.client import Address, Client
from edge.errors import InputError

_FILE = "console.json"
_FIELDS = {"url", "token_file", "ca"}
_OPTIONS = (
    click.option(
        "--url", envvar="EDGE_CONSOLE_URL", help="Of the console: https://fleet.example.com:8444"
    ),
    click.option(
        "--token-file",
        envvar="EDGE_CONSOLE_TOKEN_FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Its first line is the token.",
    ),
    click.option(
        "--ca",
        envvar="EDGE_CONSOLE_CA",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Certificate of the console's authority; else those of the system.",
    ),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets a client as its argument `client`."""

    @functools.wraps(command)
    def call(
        *arguments: Any, url: str | None, token_file: Path | None, ca: Path | None, **others: Any
    ) -> Any:
        client = Client(address(url, token_file, ca))
        return command(*arguments, client=client, **others)

    wrapped: Callable[..., Any] = call
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def address(url: str | None, token_file: Path | None, ca: Path | None) -> Address:
    """Return which console is meant.

    Raises:
        InputError: Nobody says it.
    """
    stored = _stored()
    chosen = url or (stored.url if stored else None)
    token = token_file or (stored.token_file if stored else None)
    if chosen is None or token is None:
        raise InputError(
            "no console is named", hint="edge console login URL --token-file FILE --ca FILE"
        )
    # The authority belongs to the URL that it was stored with.
    is_stored = stored is not None and chosen == stored.url
    return Address(chosen, token, ca or (stored.authority if stored and is_stored else None))


def store(chosen: Address) -> Path:
    """Write which console is meant from now on; return the file."""
    path = _path()
    said = {
        "url": chosen.url,
        "token_file": str(chosen.token_file.absolute()),
        "ca": str(chosen.authority.absolute()) if chosen.authority else "",
    }
    with atomic.file(path, mode=0o600) as stream:
        stream.write(json.dumps(said, indent=1).encode() + b"\n")
    return path


def _stored() -> Address | None:
    path = _path()
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    if not isinstance(said, dict) or set(said) != _FIELDS:
        raise InputError(f"{path}: not what edge console login writes")
    if not all(isinstance(value, str) for value in said.values()):
        raise InputError(f"{path}: not what edge console login writes")
    return Address(said["url"], Path(said["token_file"]), Path(said["ca"]) if said["ca"] else None)


def _path() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "edge" / _FILE
