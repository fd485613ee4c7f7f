"""`edge sign`: sign what waits, on the machine where a key is."""

from pathlib import Path

import click
from securesystemslib.signer import Signer

from edge.cli import ask
from edge.cli.options import JSON, PASSPHRASE
from edge.cli.output import Output
from edge.errors import InputError, RefusedError
from edge.keys import request, ring, summary
from edge.keys.request import Request
from edge.keys.secrets import Secrets
from edge.keys.signers import open_signer
from edge.keys.summary import Summary


@click.command()
@click.argument("pending", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--key", "uris", multiple=True, help="file:PATH or pkcs11:…; may be repeated.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Key ring whose keys that are here sign, as far as they count.",
)
@PASSPHRASE
@click.option("--yes", is_flag=True, help="Do not ask.")
@JSON
@click.pass_obj
def sign(
    output: Output,
    *,
    pending: tuple[Path, ...],
    uris: tuple[str, ...],
    folder: Path | None,
    passphrase_file: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    r"""Show what waits for signatures, ask, and sign it.

    PENDING is the file of a request (such as "pending.json" of a key ring), or the folder "pending"
    of a repository. The signatures go into the same file; copies that were signed in several places
    are put together by `edge keys complete` and `edge release publish`.

    \b
    Examples:
      edge sign repo/pending --key file:release-1.pem
      edge sign pending.json --key "pkcs11:token=safe;object=root-3?module-path=/usr/lib/m.so"
      edge sign repo/pending --dir keys/
    """
    output.as_json |= as_json
    if not uris and folder is None:
        raise InputError("which key is to sign?", hint="add --key URI, or --dir of a key ring")
    secrets = ask.secrets_from(passphrase_file)
    signers = [open_signer(uri, secrets) for uri in uris]
    told = [_sign(output, path, signers, folder, secrets, yes=yes) for path in pending]
    facts = {"signed": [one for facts, _text in told for one in facts]}
    output.result(facts, "\n".join(text for _facts, text in told))


def _sign(
    output: Output,
    path: Path,
    signers: list[Signer],
    folder: Path | None,
    secrets: Secrets,
    *,
    yes: bool,
) -> tuple[list[dict[str, object]], str]:
    read = request.read(path)
    found = [*signers, *(_of_ring(folder, read, secrets) if folder else ())]
    ids = {signer.public_key.keyid for signer in found}
    concerned = [one for one in request.pieces(read) if one.key_ids() & ids]
    if not concerned:
        raise RefusedError(
            f"{path}: none of these keys counts for what waits here",
            hint=f"it waits for {', '.join(sorted({one.role for one in request.pieces(read)}))}",
        )
    for one in concerned:
        for line in _lines(summary.of(one), sorted(one.key_ids() & ids)):
            output.line(line)
    ask.confirm("sign this?", yes=yes)
    signed, made = request.sign(read, found)
    request.write(signed, request.file_of(path))
    left = {one.name: one.missing for one in request.pieces(signed)}
    facts: list[dict[str, object]] = [
        {"file": name, "key_id": key_id, "missing": left[name]} for name, key_id in made
    ]
    lines = [f"{name}: {_state(count)}" for name, count in left.items()]
    return facts, "\n".join(lines)


def _of_ring(folder: Path, read: Request, secrets: Secrets) -> list[Signer]:
    """Return the signers of those keys of a ring that are here and count."""
    keys = ring.read(folder)
    wanted = {key_id for piece in request.pieces(read) for key_id in piece.key_ids()}
    names = [name for name, one in keys.keys.items() if one.uri and one.key.keyid in wanted]
    return [keys.signer(name, secrets) for name in names]


def _lines(one: Summary, ids: list[str]) -> list[str]:
    after = f" (after {one.previous_version})" if one.previous_version else ""
    return [
        f"{one.name}: role {one.role}, version {one.version}{after},"
        f" expires {one.expires:%Y-%m-%d %H:%M} UTC",
        *(f"  {line}" for line in one.changes or ("nothing changes but version and expiry",)),
        f"  signs: {', '.join(key_id[:16] for key_id in ids)};"
        f" signed already by {len(one.signed_by)}, {one.missing} missing",
    ]


def _state(missing: int) -> str:
    return f"{missing} more signatures are needed" if missing else "signed by enough keys"
