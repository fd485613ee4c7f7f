"""Make key rings: for a demo, for production, and the one of a developer's machine."""

import shutil
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from edge.errors import InputError, RefusedError
from edge.keys import change, file_key, ring, secrets
from edge.keys.change import Outcome
from edge.keys.places import KEYS_FILE, development_folder
from edge.keys.public import Algorithm, PublicPart
from edge.keys.ring import Ring, RingKey
from edge.keys.roles import Role, all_roles, expiry_days, key_names, share
from edge.keys.secrets import Secrets, nobody
from edge_signing.errors import FormatError
from edge_signing.trust.names import RELEASE, ROOT, TARGETS, check_product

_MODE = 0o700
_RENEW_BEFORE = timedelta(days=30)


def init(
    folder: Path,
    *,
    now: datetime,
    production: bool = False,
    products: Sequence[str] = (),
    algorithm: Algorithm = Algorithm.ED25519,
    imports: Sequence[PublicPart] = (),
    passphrase: str | None = None,
    ask: Secrets = nobody,
) -> Outcome:
    """Make a key ring: keys, roles, and root and targets signed with the keys that are here.

    Args:
        folder: Where; must be empty or not there.
        now: The time in UTC.
        production: Several keys a role, of which a part must sign; else one key a role.
        products: A role for each; one for any product when empty.
        algorithm: Of the keys that are made here.
        imports: Public parts of keys that were made elsewhere (`edge keys new`).
        passphrase: Locks the keys that are made here.
        ask: Gets passphrases and PINs of keys that sign.

    Raises:
        RefusedError: Something is in the folder.
        InputError: A product's name can not be one, or imported keys do not fit.
    """
    _check_products(products)
    if folder.exists() and any(folder.iterdir()):
        raise RefusedError(f"{folder}: not empty; keys are never written over")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_MODE)
    roles: dict[str, Role] = {}
    keys: dict[str, RingKey] = {}
    _check_imports(imports, all_roles(products))
    for role in all_roles(products):
        threshold, count = share(role, production=production)
        given = {one.name: RingKey(one.key, one.uri) for one in imports if one.role == role}
        names = () if len(given) >= threshold else key_names(role, count, keys)[len(given) :]
        made = {name: _made(folder, name, algorithm, passphrase) for name in names}
        keys |= given | made
        roles[role] = Role((*given, *made), threshold, expiry_days(role))
    found = Ring(folder, production, tuple(products), keys, roles)
    ring.check(found, str(folder))
    ring.write(found)
    return change.propose(found, now=now, ask=secrets.knowing(passphrase, list(keys), ask))


def development_ring(now: datetime) -> Ring:
    """Return the demo ring of this user, made at the first use and renewed before it expires."""
    folder = development_folder()
    if not (folder / KEYS_FILE).exists():
        _make_development_ring(folder, now)
    found = ring.read(folder)
    newest = {ROOT: found.root().signed, TARGETS: found.targets().signed}
    old = [role for role, one in newest.items() if one.is_expired(now + _RENEW_BEFORE)]
    return change.propose(found, now=now, renew=old).ring if old else found


def _make_development_ring(folder: Path, now: datetime) -> None:
    """Make it beside and rename: of two that do so at once, one wins, for both."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        init(beside, now=now)
        beside.rename(folder)
    except OSError:
        if not (folder / KEYS_FILE).exists():
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _made(folder: Path, name: str, algorithm: Algorithm, passphrase: str | None) -> RingKey:
    return RingKey(file_key.make(folder / f"{name}.pem", algorithm, passphrase), f"file:{name}.pem")


def _check_products(products: Sequence[str]) -> None:
    for product in products:
        try:
            check_product(product)
        except FormatError as error:
            raise InputError(str(error)) from error
        if product == RELEASE:
            raise InputError(f"{RELEASE!r} is the role of any product, and can not name one")
    if len(set(products)) != len(products):
        raise InputError("a product is named twice")


def _check_imports(imports: Sequence[PublicPart], roles: Sequence[str]) -> None:
    names = [one.name for one in imports]
    if len(set(names)) != len(names):
        raise InputError("two of the imported keys have one name")
    for one in imports:
        if one.role not in roles:
            raise InputError(f"the key {one.name} is for a role {one.role!r} that is not there")
