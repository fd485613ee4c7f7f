"""`edge hooks`: webhooks of a console."""

import click

from edge.cli import ask, clock, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.console.client import Client, part


@click.group(cls=LazyGroup)
def hooks() -> None:
    r"""Tell servers of yours what happens on devices, and what is done at the console.

    \b
    Examples:
      edge hooks add pager https://example.com/edge --kind event.failed
      edge hooks list
    """


@hooks.command("list")
@console_options.options
@JSON
@click.pass_obj
def list_hooks(output: Output, *, client: Client, as_json: bool) -> None:
    r"""List the webhooks.

    \b
    Example:
      edge hooks list
    """
    output.as_json |= as_json
    found = client.get("/hooks")["hooks"]
    rows = [
        (
            one["hook"],
            one["name"],
            "on" if one["is_on"] else "off",
            str(one["failures"]),
            " ".join(one["kinds"]),
            one["url"],
        )
        for one in found
    ]
    head = ("hook", "name", "state", "failures", "tells", "url")
    output.result({"hooks": found}, "\n".join(table(head, rows)) if rows else "no webhooks")


@hooks.command("add")
@click.argument("name")
@click.argument("address", metavar="HTTPS_URL")
@click.option("--kind", "kinds", multiple=True, help="Pattern of what it tells; else all.")
@console_options.options
@JSON
@click.pass_obj
def add(
    output: Output,
    *,
    name: str,
    address: str,
    kinds: tuple[str, ...],
    client: Client,
    as_json: bool,
) -> None:
    r"""Make a webhook; print the key of its signatures, which is told only now.

    \b
    Example:
      edge hooks add pager https://example.com/edge --kind event.failed --kind 'audit.device.*'
    """
    output.as_json |= as_json
    body = {"name": name, "url": address, "kinds": list(kinds) or ["*"]}
    made = client.send("POST", "/hooks", body)
    output.result(made, f"{made['hook']}\n{made['secret']}")


@hooks.command("turn")
@click.argument("hook")
@click.argument("state", type=click.Choice(("on", "off")))
@console_options.options
@JSON
@click.pass_obj
def turn(output: Output, *, hook: str, state: str, client: Client, as_json: bool) -> None:
    r"""Turn a webhook off, or on again where it ended.

    \b
    Example:
      edge hooks turn 9f3c1a2b off
    """
    output.as_json |= as_json
    found = client.send("PATCH", f"/hooks/{part(hook)}", {"is_on": state == "on"})
    output.result(found, f"{hook}: {state}")


@hooks.command("test")
@click.argument("hook")
@console_options.options
@JSON
@click.pass_obj
def test(output: Output, *, hook: str, client: Client, as_json: bool) -> None:
    r"""Send a test, and tell how it went.

    \b
    Example:
      edge hooks test 9f3c1a2b
    """
    output.as_json |= as_json
    found = client.send("POST", f"/hooks/{part(hook)}/test")
    how = found["error"] or f"answered with {found['status']}"
    output.result(found, f"{hook}: {how} after {found['duration_ms']} ms")


@hooks.command("deliveries")
@click.argument("hook")
@console_options.options
@JSON
@click.pass_obj
def deliveries(output: Output, *, hook: str, client: Client, as_json: bool) -> None:
    r"""List the last deliveries, newest first.

    \b
    Example:
      edge hooks deliveries 9f3c1a2b
    """
    output.as_json |= as_json
    found = client.get(f"/hooks/{part(hook)}/deliveries")["deliveries"]
    rows = [
        (
            clock.shown(one["at_s"]),
            str(one["items"]),
            str(one["status"] or ""),
            f"{one['duration_ms']} ms",
            one["error"],
        )
        for one in found
    ]
    head = ("sent (UTC)", "items", "status", "took", "error")
    text = "\n".join(table(head, rows, right={1, 2, 3})) if rows else "nothing was sent"
    output.result({"deliveries": found}, text)


@hooks.command("remove")
@click.argument("hook")
@click.option("--yes", is_flag=True, help="Do not ask.")
@console_options.options
@JSON
@click.pass_obj
def remove(output: Output, *, hook: str, yes: bool, client: Client, as_json: bool) -> None:
    r"""Remove a webhook.

    \b
    Example:
      edge hooks remove 9f3c1a2b
    """
    output.as_json |= as_json
    ask.confirm(f"remove the webhook {hook}?", yes=yes)
    client.send("DELETE", f"/hooks/{part(hook)}")
    output.result({"hook": hook, "removed": True}, f"{hook}: removed")
