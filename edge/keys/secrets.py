"""Passphrases and PINs: from a file that only its owner reads, or from whoever can be asked."""

import os
import stat
from collections.abc import Callable, Collection
from pathlib import Path

from edge.errors import InputError, RefusedError, ThingNotFoundError

# Gets what is wanted, such as "passphrase of root.pem", and returns it.
Secrets = Callable[[str], str]
_OTHERS = 0o077


def nobody(what: str) -> str:
    """Refuse: there is nobody to ask.

    Raises:
        RefusedError: Always.
    """
    raise RefusedError(
        f"nobody to ask for the {what}",
        hint="name a file with it: ?passphrase-file=FILE or ?pin-source=FILE in the key's URI",
    )


def of_file(name: str) -> str:
    """Return what the passphrase of a file is called when it is asked for."""
    return f"passphrase of {name}"


def knowing(passphrase: str | None, names: Collection[str], ask: Secrets) -> Secrets:
    """Return what knows the passphrase of keys that were just made, and asks for all others.

    Args:
        passphrase: What locks them; None when nothing does.
        names: Those of the keys.
        ask: Gets all others.
    """
    if passphrase is None:
        return ask
    known = {of_file(f"{name}.pem") for name in names}
    return lambda what: passphrase if what in known else ask(what)


def read(path: Path) -> str:
    """Return the secret that is the first line of a file.

    Raises:
        RefusedError: Others than the owner may read it.
        InputError: It is empty.
    """
    lines = private_bytes(path).decode(errors="replace").splitlines()
    if not lines or not lines[0]:
        raise InputError(f"{path}: the first line is no secret")
    return lines[0]


def private_bytes(path: Path) -> bytes:
    """Return the content of a file that only its owner may read.

    Raises:
        ThingNotFoundError: It is not there.
        RefusedError: Others than the owner may read or write it.
    """
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if mode & _OTHERS:
                raise RefusedError(
                    f"{path}: others may read it, its mode is {mode:04o}",
                    hint=f"chmod 600 {path}; if others could, replace the key: edge keys rotate",
                )
            return stream.read()
    except FileNotFoundError as error:
        raise ThingNotFoundError(f"{path}: no such file") from error
