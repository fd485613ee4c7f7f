"""`edge enrolment`: keys with which devices get a certificate."""

import click

from edge.cli import ask, clock, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.console.client import Client, part

_HOUR_S = 3600


@click.group(cls=LazyGroup)
def enrolment() -> None:
    r"""Let devices get a certificate that have none of a factory.

    \b
    Examples:
      edge enrolment create hall-3 --for 'gw-*' --uses 40 > enrol.token
      edge enrolment list
    """


@enrolment.command("create")
@click.argument("name")
@click.option("--for", "pattern", default="*", show_default=True, help="Which ids: 'gw-*'.")
@click.option("--group", default="", help="That its devices become members of.")
@click.option("--trusted", is_flag=True, help="Let its devices in at once; else they wait.")
@click.option(
    "--uses",
    type=click.IntRange(1, 100_000),
    default=1,
    show_default=True,
    help="How many devices.",
)
@click.option(
    "--hours",
    type=click.IntRange(1, 8784),
    default=24,
    show_default=True,
    help="How long it holds.",
)
@console_options.options
@JSON
@click.pass_obj
def create(
    output: Output,
    *,
    name: str,
    pattern: str,
    group: str,
    trusted: bool,
    uses: int,
    hours: int,
    client: Client,
    as_json: bool,
) -> None:
    r"""Make a key of enrolment and print it; it is told only now.

    A device that has it (`console.token_file` of its first settings) makes a key of its own, and
    gets a certificate for it.

    \b
    Example:
      edge enrolment create hall-3 --for 'gw-*' --group hall-3 --uses 40 > enrol.token
    """
    output.as_json |= as_json
    body = {
        "name": name,
        "pattern": pattern,
        "group": group,
        "is_trusted": trusted,
        "uses": uses,
        "expires_in_s": hours * _HOUR_S,
    }
    made = client.send("POST", "/enrolment-keys", body)
    output.result(made, made["text"])


@enrolment.command("list")
@console_options.options
@JSON
@click.pass_obj
def list_keys(output: Output, *, client: Client, as_json: bool) -> None:
    r"""List the keys, and what is left of them.

    \b
    Example:
      edge enrolment list
    """
    output.as_json |= as_json
    found = client.get("/enrolment-keys")["keys"]
    rows = [
        (
            one["key"],
            one["name"],
            one["pattern"],
            one["group"],
            "at once" if one["is_trusted"] else "waits",
            str(one["uses_left"]),
            "revoked" if one["revoked_at_s"] else clock.shown(one["expires_at_s"], seconds=False),
        )
        for one in found
    ]
    head = ("key", "name", "for", "group", "let in", "left", "until (UTC)")
    text = "\n".join(table(head, rows, right={5})) if rows else "no keys of enrolment"
    output.result({"keys": found}, text)


@enrolment.command("revoke")
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@console_options.options
@JSON
@click.pass_obj
def revoke(output: Output, *, key: str, yes: bool, client: Client, as_json: bool) -> None:
    r"""Make a key useless; devices that came with it stay.

    \b
    Example:
      edge enrolment revoke 9f3c1a2b
    """
    output.as_json |= as_json
    ask.confirm(f"let no more devices come with the key {key}?", yes=yes)
    client.send("DELETE", f"/enrolment-keys/{part(key)}")
    output.result({"key": key, "revoked": True}, f"{key}: revoked")
