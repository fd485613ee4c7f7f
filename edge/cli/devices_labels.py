"""`edge devices tag`, `set`, `note` and `events`: what is said of devices, and what they say."""

from typing import TextIO

import click

from edge.cli import clock, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.table import table
from edge.console.client import Client, part
from edge.errors import InputError


@click.command("tag")
@click.argument("device")
@click.option("--add", "added", multiple=True, help="May be repeated.")
@click.option("--remove", "removed", multiple=True, help="May be repeated.")
@console_options.options
@JSON
@click.pass_obj
def tag(
    output: Output,
    *,
    device: str,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    client: Client,
    as_json: bool,
) -> None:
    r"""Add tags to a device, and remove some.

    \b
    Example:
      edge devices tag gw-7 --add berlin --remove new
    """
    output.as_json |= as_json
    if not added and not removed:
        raise InputError("say which: --add TAG or --remove TAG")
    body = {"add": list(added), "remove": list(removed)}
    found = client.send("POST", f"/devices/{part(device)}/tags", body)
    output.result({"device": device, **found}, f"{device}: {' '.join(found['tags']) or 'no tags'}")


@click.command("set")
@click.argument("device")
@click.argument("words", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--remove", "removed", metavar="NAME", multiple=True, help="May be repeated.")
@console_options.options
@JSON
@click.pass_obj
def set_attributes(
    output: Output,
    *,
    device: str,
    words: tuple[str, ...],
    removed: tuple[str, ...],
    client: Client,
    as_json: bool,
) -> None:
    r"""Set attributes of a device, and take some away.

    \b
    Examples:
      edge devices set gw-1 site=berlin rack=4
      edge devices set gw-1 --remove rack
      edge devices list 'attr.site=berlin'
    """
    output.as_json |= as_json
    body = {"attributes": _values(words, removed)}
    found = client.send("PATCH", f"/devices/{part(device)}/attributes", body)
    said = " ".join(f"{name}={value}" for name, value in sorted(found["attributes"].items()))
    output.result({"device": device, **found}, f"{device}: {said or 'no attributes'}")


@click.command("note")
@click.argument("device")
@click.argument("text", required=False)
@click.option("--file", "file", type=click.File("r"), help="Take the text of a file; - is input.")
@click.option("--clear", is_flag=True, help="Remove what is written there.")
@console_options.options
@JSON
@click.pass_obj
def note(
    output: Output,
    *,
    device: str,
    text: str | None,
    file: TextIO | None,
    clear: bool,
    client: Client,
    as_json: bool,
) -> None:
    r"""Write TEXT as the notes of a device, in place of those that it has; show them without it.

    \b
    Examples:
      edge devices note gw-1 'behind the boiler, key at the desk'
      edge devices note gw-1 --file visit.txt
      edge devices note gw-1
    """
    output.as_json |= as_json
    if (text is not None) + (file is not None) + clear > 1:
        raise InputError("TEXT, --file and --clear: one of them")
    path = f"/devices/{part(device)}"
    wanted = _read(file) if file is not None else "" if clear else text
    found = (
        client.get(path)
        if wanted is None
        else client.send("PUT", f"{path}/notes", {"notes": wanted})
    )
    notes = found["notes"]
    output.result({"device": device, "notes": notes}, notes or f"{device}: no notes")


@click.command("events")
@click.argument("device", default="")
@console_options.options
@JSON
@click.pass_obj
def events(output: Output, *, device: str, client: Client, as_json: bool) -> None:
    r"""List what happened on DEVICE, or on all, in the order in which the console heard of it.

    \b
    Example:
      edge devices events gw-7
    """
    output.as_json |= as_json
    found = list(client.pages("/events", "events", device=device))
    rows = [
        (
            clock.shown(one["received_at_s"]),
            one["device"],
            one["kind"],
            one["version"],
            one["reason"],
        )
        for one in found
    ]
    head = ("heard (UTC)", "device", "event", "version", "reason")
    output.result({"events": found}, "\n".join(table(head, rows)) if rows else "no events")


def _values(words: tuple[str, ...], removed: tuple[str, ...]) -> dict[str, str | None]:
    """Return attributes by their names, null for those that are to go."""
    found: dict[str, str | None] = dict.fromkeys(removed)
    for word in words:
        name, is_there, value = word.partition("=")
        if not is_there:
            raise InputError(f"{word!r} is not NAME=VALUE", hint="site=berlin")
        if name in found:
            raise InputError(f"{name}: said twice")
        found[name] = value
    if not found:
        raise InputError("say which: NAME=VALUE or --remove NAME")
    return found


def _read(file: TextIO) -> str:
    try:
        return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file.name}: {error}") from error
