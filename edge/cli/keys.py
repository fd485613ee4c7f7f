"""`edge keys`: make, list, rotate and renew keys."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from edge.cli import ask, clock
from edge.cli.options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.errors import InputError
from edge.keys import change, create, file_key, public, ring, token_key
from edge.keys.change import Outcome
from edge.keys.public import Algorithm, PublicPart
from edge.keys.ring import PENDING_FILE
from edge.keys.survey import KeyFacts, RoleFacts, Survey, survey
from edge.keys.uri import TokenUri, parse

_folder = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("keys"),
    show_default=True,
    help="Folder of the key ring.",
)
_algorithm = click.option(
    "--algorithm",
    type=click.Choice([str(one) for one in Algorithm]),
    help="Of keys that are made; ed25519 unless the role has others.",
)
_publics = click.option(
    "--public",
    "publics",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Public part (.pub) of a key that was made elsewhere; may be repeated.",
)
_passphrase_file = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="Its first line locks new keys and unlocks old ones.",
)
_passphrase = click.option(
    "--passphrase", "locked", is_flag=True, help="Ask for a passphrase that locks new keys."
)


@click.group(cls=LazyGroup)
def keys() -> None:
    r"""Make, list, rotate and renew the keys that devices trust.

    \b
    Examples:
      edge keys init --dir keys/
      edge keys list --dir keys/
    """


@keys.command("init")
@_folder
@click.option("--production", is_flag=True, help="Root 3 of 5, targets and releases 2 of 3.")
@click.option("--product", "products", multiple=True, help="Own keys for it; may be repeated.")
@_algorithm
@_publics
@_passphrase
@_passphrase_file
@JSON
@click.pass_obj
def init(
    output: Output,
    *,
    folder: Path,
    production: bool,
    products: tuple[str, ...],
    algorithm: str | None,
    publics: tuple[Path, ...],
    locked: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Make a key ring: one key a role, or as many as production needs.

    Root and targets are signed at once when enough of their keys are here; else "pending.json" in
    the folder is to be signed where the keys are, with `edge sign`.

    \b
    Examples:
      edge keys init --dir keys/
      edge keys init --dir keys/ --production --product gateway
      edge keys init --production --public root-1.pub --public root-2.pub --public root-3.pub
    """
    output.as_json |= as_json
    outcome = create.init(
        folder,
        now=clock.now(),
        production=production,
        products=products,
        algorithm=Algorithm(algorithm or Algorithm.ED25519),
        imports=[public.read(path) for path in publics],
        passphrase=ask.new_passphrase(passphrase_file, wanted=locked),
        ask=ask.secrets_from(passphrase_file),
    )
    _tell(output, outcome, f"{folder}: {len(outcome.ring.keys)} keys for {_roles(outcome)}")


@keys.command("new")
@click.option("--role", required=True, help="What it is to sign, such as root.")
@click.option("--name", help="Of the key; else of its file or its object in the token.")
@click.option("--out", type=click.Path(path_type=Path), help="File of the private key (.pem).")
@click.option("--uri", help="Token to make it in, or take it from: pkcs11:token=T;object=O")
@_algorithm
@_passphrase
@_passphrase_file
@JSON
@click.pass_obj
def new(
    output: Output,
    *,
    role: str,
    name: str | None,
    out: Path | None,
    uri: str | None,
    algorithm: str | None,
    locked: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Make one key, on the machine where it stays, and its public part to carry away.

    A key that is in the token already is taken as it is.

    \b
    Examples:
      edge keys new --role root --out root-2.pem
      edge keys new --role root --uri "pkcs11:token=safe;object=root-3?module-path=/usr/lib/m.so"
    """
    output.as_json |= as_json
    if (out is None) == (uri is None):
        raise InputError("say where the key is to be: --out FILE or --uri pkcs11:…")
    kind = Algorithm(algorithm or Algorithm.ED25519)
    if out is not None:
        made = file_key.make(out, kind, ask.new_passphrase(passphrase_file, wanted=locked))
        part = PublicPart(name or out.stem, role, made)
        file = out.with_suffix(public.SUFFIX)
    else:
        part = _token_part(str(uri), role, name, kind, passphrase_file)
        file = Path(f"{part.name}{public.SUFFIX}")
    public.write(part, file)
    facts = {"name": part.name, "role": role, "key_id": part.key.keyid, "public": str(file)}
    output.result(facts, f"{file}: carry it to the key ring; the private key stays here")


@keys.command("list")
@_folder
@JSON
@click.pass_obj
def list_keys(output: Output, *, folder: Path, as_json: bool) -> None:
    r"""Tell who can do what, until when, and what should be better.

    \b
    Example:
      edge keys list --dir keys/
    """
    output.as_json |= as_json
    found = survey(ring.read(folder), clock.now())
    lines = [*_role_lines(found.roles), "", *_key_lines(found.keys)]
    lines += ["", *(f"warning: {text}" for text in found.warnings)] if found.warnings else []
    output.result(_facts(found), "\n".join(lines))


@keys.command("rotate")
@click.argument("role")
@_folder
@click.option("--compromised", metavar="KEY", help="Replace only this key.")
@_algorithm
@_publics
@_passphrase
@_passphrase_file
@click.option("--yes", is_flag=True, help="Do not ask.")
@JSON
@click.pass_obj
def rotate(
    output: Output,
    *,
    role: str,
    folder: Path,
    compromised: str | None,
    algorithm: str | None,
    publics: tuple[Path, ...],
    locked: bool,
    passphrase_file: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    r"""Give a role new keys; devices follow with the next publication.

    \b
    Examples:
      edge keys rotate root
      edge keys rotate gateway --compromised gateway-2
      edge keys rotate root --compromised root-4 --public root-6.pub
    """
    output.as_json |= as_json
    ask.confirm(f"replace {compromised or f'all keys of {role}'}?", yes=yes)
    outcome = change.rotate(
        ring.read(folder),
        role,
        now=clock.now(),
        compromised=compromised,
        imports=[public.read(path) for path in publics],
        algorithm=Algorithm(algorithm) if algorithm else None,
        ask=ask.secrets_from(passphrase_file),
        passphrase=ask.new_passphrase(passphrase_file, wanted=locked),
    )
    _tell(output, outcome, f"{role}: new keys {', '.join(outcome.added)}")


@keys.command("renew")
@click.argument("role", type=click.Choice(["root", "targets"]))
@_folder
@_passphrase_file
@JSON
@click.pass_obj
def renew(
    output: Output, *, role: str, folder: Path, passphrase_file: Path | None, as_json: bool
) -> None:
    r"""Sign root or targets anew with the same keys, before they expire.

    \b
    Example:
      edge keys renew targets --dir keys/
    """
    output.as_json |= as_json
    asked = ask.secrets_from(passphrase_file)
    outcome = change.propose(ring.read(folder), now=clock.now(), ask=asked, renew=(role,))
    _tell(output, outcome, f"{role}: signed anew")


@keys.command("complete")
@click.argument("signed", nargs=-1, type=click.Path(path_type=Path))
@_folder
@JSON
@click.pass_obj
def complete(output: Output, *, signed: tuple[Path, ...], folder: Path, as_json: bool) -> None:
    r"""Put pending.json in force, with the signatures of copies that were signed elsewhere.

    \b
    Example:
      edge keys complete --dir keys/ stick-1/pending.json stick-2/pending.json
    """
    output.as_json |= as_json
    _tell(output, change.complete(ring.read(folder), signed), f"{folder}: in force")


def _token_part(
    uri: str, role: str, name: str | None, kind: Algorithm, passphrase_file: Path | None
) -> PublicPart:
    parsed = parse(uri)
    if not isinstance(parsed, TokenUri):
        raise InputError(f"{uri}: not a token; for a file say --out")
    key = token_key.public_or_new(parsed, kind, ask.secrets_from(passphrase_file))
    return PublicPart(name or parsed.object, role, key, uri)


def _tell(output: Output, outcome: Outcome, done: str) -> None:
    folder = outcome.ring.folder
    facts = {
        "folder": str(folder),
        "added": list(outcome.added),
        "in_force": not outcome.missing,
        "missing": dict(outcome.missing),
        "resign": list(outcome.resign),
    }
    lines = [done]
    if outcome.missing:
        lines.append(f"not in force yet: {folder / PENDING_FILE} needs")
        lines += [f"  {count} more for {name}" for name, count in outcome.missing]
        lines.append(f"sign copies of it:      edge sign {PENDING_FILE} --key URI")
        lines.append(f"and bring them back:    edge keys complete --dir {folder} COPY...")
    lines += [
        f"sign the releases of {role} anew before the next publication" for role in outcome.resign
    ]
    output.result(facts, "\n".join(lines))


def _roles(outcome: Outcome) -> str:
    roles = outcome.ring.roles.items()
    return ", ".join(f"{name} ({role.threshold} of {len(role.keys)})" for name, role in roles)


def _role_lines(roles: Sequence[RoleFacts]) -> list[str]:
    rows = [
        (
            one.name,
            f"{one.threshold} of {len(one.keys)}",
            f"{one.expires:%Y-%m-%d}" if one.expires else f"{one.expires_days} d after signing",
            ", ".join(one.keys),
        )
        for one in roles
    ]
    return table(("role", "signs", "expires", "keys"), rows)


def _key_lines(found: Sequence[KeyFacts]) -> list[str]:
    rows = [
        (one.name, one.scheme, one.key_id[:8], str(one.reach), ", ".join(one.roles) or "put away")
        for one in found
    ]
    return table(("key", "scheme", "id", "where", "roles"), rows)


def _facts(found: Survey) -> dict[str, object]:
    return {
        "roles": [asdict(one) for one in found.roles],
        "keys": [asdict(one) for one in found.keys],
        "warnings": list(found.warnings),
    }
