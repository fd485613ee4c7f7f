"""`edge people invite` and `set-role`: let somebody in, and say what he may do."""

from typing import Any

import click

from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client, part
from edge.errors import InputError, ThingNotFoundError

# `edge.console.people.roles.Role`, whose packages need not be here.
ROLES = ("viewer", "operator", "approver", "admin")
_GROUPS = click.option(
    "--group", "groups", multiple=True, help="Only the devices of this group; may be repeated."
)


@click.command("invite")
@click.argument("person")
@click.option("--role", type=click.Choice(ROLES), help="What somebody new is.")
@_GROUPS
@click.option("--shown-name", default="", help="What people call him.")
@click.option("--oidc", is_flag=True, help="He logs in by OpenID Connect, and gets no link.")
@console_options.options
@JSON
@click.pass_obj
def invite(
    output: Output,
    *,
    person: str,
    role: str | None,
    groups: tuple[str, ...],
    shown_name: str,
    oidc: bool,
    client: Client,
    as_json: bool,
) -> None:
    r"""Make a link by which PERSON sets his password: once, within 24 hours.

    With --role for somebody new; without it for somebody who forgot his password. Whoever has the
    link comes in: send it by a way that nobody else reads.

    \b
    Examples:
      edge people invite anna --role admin
      edge people invite jo@example.com --role operator --group hall-3
      edge people invite anna
    """
    output.as_json |= as_json
    if role is not None:
        body = {
            "person": person,
            "role": role,
            "groups": list(groups) or None,
            "shown_name": shown_name,
            "way": "oidc" if oidc else "password",
        }
        told = client.send("POST", "/people", body)
    elif groups or shown_name or oidc:
        raise InputError("--group, --shown-name and --oidc want --role: they are for new people")
    else:
        told = _link(client, person)
    link = f"{client.url}{told['link']}" if told["link"] else ""
    output.result({**told, "link": link}, link or f"{person}: may log in by OpenID Connect")


@click.command("set-role")
@click.argument("person")
@click.argument("role", type=click.Choice(ROLES))
@_GROUPS
@click.option("--all-devices", is_flag=True, help="He is limited to no groups any more.")
@console_options.options
@JSON
@click.pass_obj
def set_role(
    output: Output,
    *,
    person: str,
    role: str,
    groups: tuple[str, ...],
    all_devices: bool,
    client: Client,
    as_json: bool,
) -> None:
    r"""Say what PERSON may do, and with which devices; his sessions end at once.

    Without --group and --all-devices he reaches what he did, an admin all.

    \b
    Examples:
      edge people set-role jo@example.com viewer
      edge people set-role jo@example.com operator --group hall-3 --group hall-4
    """
    output.as_json |= as_json
    if groups and all_devices:
        raise InputError("--group and --all-devices say different things")
    body: dict[str, Any] = {"role": role}
    if groups:
        body["groups"] = list(groups)
    elif all_devices or role == "admin":
        body["groups"] = None
    found = client.send("PATCH", f"/people/{part(person)}", body)
    reach = "all devices" if found["groups"] is None else " ".join(found["groups"]) or "no devices"
    output.result(found, f"{person}: {found['role']}, {reach}")


@click.command("set-way")
@click.argument("person")
@click.argument("way", type=click.Choice(("password", "oidc")))
@console_options.options
@JSON
@click.pass_obj
def set_way(output: Output, *, person: str, way: str, client: Client, as_json: bool) -> None:
    r"""Say how PERSON logs in from now on; the way of before ends at once.

    For a password he needs a link: `edge people invite PERSON`.

    \b
    Example:
      edge people set-way ada oidc
    """
    output.as_json |= as_json
    found = client.send("PATCH", f"/people/{part(person)}", {"way": way})
    output.result(found, f"{person}: logs in by {way}")


def _link(client: Client, person: str) -> Any:
    try:
        return client.send("POST", f"/people/{part(person)}/invitation")
    except ThingNotFoundError as error:
        raise ThingNotFoundError(str(error), hint="somebody new: add --role") from error
