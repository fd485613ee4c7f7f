"""`edge groups`: groups of devices of a console, and saved filters."""

from typing import Any

import click

from edge.cli import ask, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.console.client import Client, part
from edge.errors import InputError


@click.group(cls=LazyGroup)
def groups() -> None:
    r"""Give sets of devices a name: their members, or what a filter means at the time.

    \b
    Examples:
      edge groups set eu
      edge groups add eu gw-7 gw-8
      edge groups set old --filter 'version<1.2'
    """


@groups.command("list")
@console_options.options
@JSON
@click.pass_obj
def list_groups(output: Output, *, client: Client, as_json: bool) -> None:
    r"""List the groups, and how many devices are in them now.

    \b
    Example:
      edge groups list
    """
    output.as_json |= as_json
    found = client.get("/groups")["groups"]
    rows = [(one["group"], str(one["devices"]), one["filter"], one["notes"]) for one in found]
    head = ("group", "devices", "filter", "notes")
    text = "\n".join(table(head, rows, right={1})) if rows else "no groups"
    output.result({"groups": found}, text)


@groups.command("set")
@click.argument("group")
@click.option("--filter", "filter_text", default="", help="Its devices; without it, its members.")
@click.option("--notes", default="", help="What it is for.")
@console_options.options
@JSON
@click.pass_obj
def set_group(
    output: Output, *, group: str, filter_text: str, notes: str, client: Client, as_json: bool
) -> None:
    r"""Make a group, or change its filter and notes.

    \b
    Examples:
      edge groups set hall-3 --notes 'gateways of hall 3'
      edge groups set old --filter 'version<1.2 and tag:berlin'
    """
    output.as_json |= as_json
    found = client.send("PUT", _path(group), {"filter": filter_text, "notes": notes})
    output.result(found, _told(found))


@groups.command("add")
@click.argument("group")
@click.argument("names", metavar="DEVICE...", nargs=-1, required=True)
@console_options.options
@JSON
@click.pass_obj
def add(
    output: Output, *, group: str, names: tuple[str, ...], client: Client, as_json: bool
) -> None:
    r"""Put devices into a group.

    \b
    Example:
      edge groups add eu gw-7 gw-8
    """
    output.as_json |= as_json
    found = client.send("POST", f"{_path(group)}/members", {"add": list(names)})
    output.result(found, _told(found))


@groups.command("take-out")
@click.argument("group")
@click.argument("names", metavar="DEVICE...", nargs=-1, required=True)
@console_options.options
@JSON
@click.pass_obj
def take_out(
    output: Output, *, group: str, names: tuple[str, ...], client: Client, as_json: bool
) -> None:
    r"""Take devices out of a group.

    \b
    Example:
      edge groups take-out eu gw-8
    """
    output.as_json |= as_json
    found = client.send("POST", f"{_path(group)}/members", {"take_out": list(names)})
    output.result(found, _told(found))


@groups.command("remove")
@click.argument("group")
@click.option("--yes", is_flag=True, help="Do not ask.")
@console_options.options
@JSON
@click.pass_obj
def remove(output: Output, *, group: str, yes: bool, client: Client, as_json: bool) -> None:
    r"""Remove a group; its devices stay.

    \b
    Example:
      edge groups remove eu
    """
    output.as_json |= as_json
    ask.confirm(f"remove the group {group}?", yes=yes)
    client.send("DELETE", _path(group))
    output.result({"group": group, "removed": True}, f"{group}: removed")


def _path(group: str) -> str:
    if not group:
        raise InputError("a group has a name")
    return f"/groups/{part(group)}"


def _told(found: dict[str, Any]) -> str:
    what = f" of {found['filter']!r}" if found["filter"] else ""
    devices = found["devices"]
    return f"{found['group']}: {devices} {'device' if devices == 1 else 'devices'}{what}"
