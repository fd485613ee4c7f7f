"""`edge people`: who may log in to a console, and what they may do."""

from typing import Any

import click

from edge.cli import ask, clock, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.console.client import Client, part

_HEAD = ("person", "name", "role", "groups", "logged in (UTC)", "")
_SESSIONS = ("began (UTC)", "seen (UTC)", "by", "from", "browser")
_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group(cls=LazyGroup)
def people() -> None:
    r"""Say who may log in to a console, and what they may do.

    \b
    Examples:
      edge people invite ada --role operator
      edge people list
    """


people.add_lazily(
    {
        "invite": "edge.cli.people_rights:invite",
        "set-role": "edge.cli.people_rights:set_role",
        "set-way": "edge.cli.people_rights:set_way",
    }
)


@people.command("list")
@console_options.options
@JSON
@click.pass_obj
def list_people(output: Output, *, client: Client, as_json: bool) -> None:
    r"""List people, and when they logged in last.

    \b
    Example:
      edge people list
    """
    output.as_json |= as_json
    found = client.get("/people")["people"]
    rows = [
        (
            one["person"],
            one["shown_name"],
            one["role"],
            "all" if one["groups"] is None else " ".join(one["groups"]) or "none",
            _when(one["logged_in_at_s"]),
            "disabled" if one["is_disabled"] else "",
        )
        for one in found
    ]
    output.result({"people": found}, "\n".join(table(_HEAD, rows)) if rows else "no people")


@people.command("show")
@click.argument("person")
@console_options.options
@JSON
@click.pass_obj
def show(output: Output, *, person: str, client: Client, as_json: bool) -> None:
    r"""Show somebody, and what he may do.

    \b
    Example:
      edge people show ada
    """
    output.as_json |= as_json
    found = client.get(f"/people/{part(person)}")
    lines = [f"{name:>16}  {_text(value)}" for name, value in _facts(found).items()]
    output.result(found, "\n".join(lines))


@people.command("disable")
@click.argument("person")
@console_options.options
@JSON
@click.pass_obj
def disable(output: Output, *, person: str, client: Client, as_json: bool) -> None:
    r"""Let somebody in no longer; his sessions, and the tokens that he made, end at once.

    \b
    Example:
      edge people disable ada
    """
    output.as_json |= as_json
    found = client.send("PATCH", f"/people/{part(person)}", {"is_disabled": True})
    output.result(found, f"{person}: disabled")


@people.command("enable")
@click.argument("person")
@console_options.options
@JSON
@click.pass_obj
def enable(output: Output, *, person: str, client: Client, as_json: bool) -> None:
    r"""Let somebody in again.

    \b
    Example:
      edge people enable ada
    """
    output.as_json |= as_json
    found = client.send("PATCH", f"/people/{part(person)}", {"is_disabled": False})
    output.result(found, f"{person}: enabled")


@people.command("remove")
@click.argument("person")
@_YES
@console_options.options
@JSON
@click.pass_obj
def remove(output: Output, *, person: str, yes: bool, client: Client, as_json: bool) -> None:
    r"""Forget somebody; his sessions and tokens end at once, and the name is free again.

    \b
    Example:
      edge people remove ada
    """
    output.as_json |= as_json
    ask.confirm(f"remove {person}?", yes=yes)
    client.send("DELETE", f"/people/{part(person)}")
    output.result({"person": person, "removed": True}, f"{person}: removed")


@people.command("sessions")
@click.argument("person")
@click.option("--end", is_flag=True, help="Log him out everywhere, at once.")
@console_options.options
@JSON
@click.pass_obj
def sessions(output: Output, *, person: str, end: bool, client: Client, as_json: bool) -> None:
    r"""List where somebody is logged in.

    \b
    Examples:
      edge people sessions ada
      edge people sessions ada --end
    """
    output.as_json |= as_json
    path = f"/people/{part(person)}/sessions"
    if end:
        client.send("DELETE", path)
        output.result({"person": person, "ended": True}, f"{person}: logged out everywhere")
        return
    found = client.get(path)["sessions"]
    rows = [
        (
            _when(one["created_at_s"]),
            _when(one["seen_at_s"]),
            one["way"],
            one["address"],
            one["browser"],
        )
        for one in found
    ]
    text = "\n".join(table(_SESSIONS, rows)) if rows else f"{person} is logged in nowhere"
    output.result({"sessions": found}, text)


def _facts(found: dict[str, Any]) -> dict[str, Any]:
    times = ("created_at_s", "logged_in_at_s")
    return {
        **{name: value for name, value in found.items() if name not in times},
        "groups": "all" if found["groups"] is None else found["groups"] or "none",
        "created": _when(found["created_at_s"]),
        "logged in": _when(found["logged_in_at_s"]),
    }


def _text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(str(one) for one in value)
        case _:
            return str(value)


def _when(at_s: int) -> str:
    return clock.shown(at_s, seconds=False) if at_s else "never"
