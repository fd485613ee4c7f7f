"""`edge devices made`: what a factory line told of a device."""

from collections.abc import Mapping
from typing import Any, Final

import click

from edge.cli import clock, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client, part

_SHOWN: Final = (
    *("line", "station", "operator", "product", "board", "board_serial", "order", "release"),
    *("image", "key", "certificate"),
)


@click.command("made")
@click.argument("device")
@console_options.options
@JSON
@click.pass_obj
def made(output: Output, *, device: str, client: Client, as_json: bool) -> None:
    r"""Tell where, when and as what DEVICE was made, and why it is in quarantine if it is.

    \b
    Examples:
      edge devices made gw-1
      edge devices made gw-1 --json
    """
    output.as_json |= as_json
    found = client.get(f"/devices/{part(device)}/made")
    lines = _why(found["quarantine"])
    for one in found["records"]:
        lines += ["", *_record(one)] if lines else _record(one)
    text = "\n".join(lines) or f"{device}: no line has told of it"
    output.result({"device": device, **found}, text)


def _why(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return []
    lines = [_line("quarantine", f"{found['reason']}, since {_when(found['since_s'])}")]
    for one in found["details"].get("places", ()):
        where = " ".join(text for text in (one["via"], one["address"]) if text)
        last = _when(one["last_at_s"])
        lines.append(_line("place", f"{where}, start {one['boot_id']}, last heard {last}"))
    return lines


def _record(one: Mapping[str, Any]) -> list[str]:
    lines = [_line(one["fate"], f"{_when(one['made_at_s'])} ({one['standing']})")]
    if one["problem"]:
        lines.append(_line("problem", one["problem"]))
    lines += [_line(name.replace("_", " "), one[name]) for name in _SHOWN if one[name]]
    lines += [_line(f"test {name}", value) for name, value in sorted(one["tests"].items())]
    return lines + [_line("retired", serial) for serial in one["retired"]]


def _line(name: str, text: str) -> str:
    return f"{name:>16}  {text}"


def _when(at_s: int) -> str:
    return f"{clock.shown(at_s)} UTC"
