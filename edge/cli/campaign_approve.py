"""`edge campaign approve`: agree to a campaign, with a key of one's own."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from securesystemslib.signer import SSlibKey

from edge.cli import ask, campaign_text, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client, part
from edge.errors import InputError
from edge.keys.approval import sign_approval
from edge.keys.public import algorithm_of
from edge.keys.signers import open_signer
from edge_signing.approval import Statement
from edge_signing.fields import Fields


@click.command()
@click.argument("campaign")
@click.option("--key", "uri", help="A key of your own that signs: file:PATH or pkcs11:…")
@click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help="Its first line unlocks the key."
)
@click.option("--reason", default="", help="For the audit log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@console_options.options
@JSON
@click.pass_obj
def approve(
    output: Output,
    *,
    campaign: str,
    uri: str | None,
    passphrase_file: Path | None,
    reason: str,
    yes: bool,
    client: Client,
    as_json: bool,
) -> None:
    r"""Agree to a campaign that waits for approval.

    With --key your signature goes to the devices too, and those whose image names approvers take
    the release only with enough of them: not even the console can start it without you. What is
    signed is shown first.

    \b
    Examples:
      edge campaign approve c-1f2e3d4c --reason 'tested in the lab'
      edge campaign approve c-1f2e3d4c --key file:anna.pem
    """
    output.as_json |= as_json
    body: dict[str, Any] = {"reason": reason}
    if uri is not None:
        body |= _signed(output, client, campaign, uri, passphrase_file, yes=yes)
    found = client.send("POST", f"/campaigns/{part(campaign)}/approve", body)
    output.result(found, campaign_text.campaign(found))


def _signed(
    output: Output,
    client: Client,
    campaign: str,
    uri: str,
    passphrase_file: Path | None,
    *,
    yes: bool,
) -> dict[str, str]:
    said = client.get(f"/campaigns/{part(campaign)}/approval")["statement"]
    if said is None:
        raise InputError(f"{campaign}: there is nothing to sign", hint="approve it without --key")
    statement = Statement.read(Fields(said, "approval"))
    if statement.campaign != campaign:
        raise InputError(f"the console says {statement.campaign}, not {campaign}")
    _show(output, statement)
    ask.confirm("Sign this?", yes=yes)
    signer = open_signer(uri, ask.secrets_from(passphrase_file))
    made = sign_approval(statement, signer)
    key = signer.public_key
    assert isinstance(key, SSlibKey)
    return {
        "algorithm": str(algorithm_of(key).value),
        "public": str(key.keyval["public"]),
        "sig": made.sig.hex(),
    }


def _show(output: Output, statement: Statement) -> None:
    ends = datetime.fromtimestamp(statement.not_after_s).astimezone()
    output.line(f"campaign {statement.campaign}, until {ends:%Y-%m-%d %H:%M}, may bring:")
    for path, content in sorted(statement.releases.items()):
        output.line(f"  {path}  sha256 {content.sha256.hex()}")
    output.line(f"plan: sha256 {statement.plan}")
