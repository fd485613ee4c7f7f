"""Ask the person at the terminal: for a secret, or whether to go on."""

import sys
from pathlib import Path

import click

from edge.errors import RefusedError
from edge.keys import secrets
from edge.keys.secrets import Secrets


def secrets_from(file: Path | None) -> Secrets:
    """Return what gets passphrases and PINs: from a file, else from the terminal."""
    if file is None:
        return _ask
    return lambda _what: secrets.read(file)


def new_passphrase(file: Path | None, *, wanted: bool) -> str | None:
    """Return the passphrase for new keys: from a file, from the terminal if wanted, or none."""
    if file is not None:
        return secrets.read(file)
    if not wanted:
        return None
    _check_terminal("new passphrase")
    return str(
        click.prompt(
            "passphrase of the new keys", hide_input=True, confirmation_prompt=True, err=True
        )
    )


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if the person says so.

    Raises:
        RefusedError: There is nobody to ask.
        click.Abort: The person says no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError(f"nobody to ask: {question}", hint="add --yes")
    click.confirm(question, abort=True, err=True)


def _ask(what: str) -> str:
    _check_terminal(what)
    return str(click.prompt(what, hide_input=True, err=True))


def _check_terminal(what: str) -> None:
    if not sys.stdin.isatty():
        secrets.nobody(what)
