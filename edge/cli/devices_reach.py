"""`edge devices logs`, `restart`, `reboot`, `inventory`: ask a device, wait for its answer."""

import json
import time
from collections.abc import Callable
from typing import Any, Final

import click

from edge.cli import ask, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.table import human, table
from edge.console.client import Client, part
from edge.errors import EdgeError, LinkError, RefusedError, ThingNotFoundError
from edge_signing.commands import EXPIRY_MOST_S, LINES_MOST

_LOOK_S: Final = 0.3
_LOOK_MOST_S: Final = 2.0
_HEAD: Final = ("service", "state", "version", "age", "restarts")
_TIMEOUT = click.option(
    "--timeout",
    "timeout_s",
    type=click.IntRange(10, EXPIRY_MOST_S),
    default=360,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait; more than the poll_s of a device that polls.",
)
_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command("logs")
@click.argument("device")
@click.option("--service", default="", help="Of this service alone; else of all.")
@click.option(
    "--lines", type=click.IntRange(1, LINES_MOST), default=200, show_default=True, help="The last."
)
@_TIMEOUT
@console_options.options
@JSON
@click.pass_obj
def logs(
    output: Output,
    *,
    device: str,
    service: str,
    lines: int,
    timeout_s: int,
    client: Client,
    as_json: bool,
) -> None:
    r"""Print what the services of a device said, since its start.

    The lines are those of the device: what can not be seen in them is written out (\x1b).

    \b
    Examples:
      edge devices logs device-7
      edge devices logs device-7 --service web --lines 1000
    """
    output.as_json |= as_json
    body = {"word": "logs", "service": service, "lines": lines}
    found = _answer(output, client, device, body, timeout_s)
    output.result(found, str(found["content"]).rstrip("\n") or "no logs")


@click.command("restart")
@click.argument("device")
@click.argument("service")
@_TIMEOUT
@_YES
@console_options.options
@JSON
@click.pass_obj
def restart(
    output: Output,
    *,
    device: str,
    service: str,
    timeout_s: int,
    yes: bool,
    client: Client,
    as_json: bool,
) -> None:
    r"""Restart one service of a device, and wait until it is ready again.

    \b
    Example:
      edge devices restart device-7 web
    """
    output.as_json |= as_json
    ask.confirm(f"restart {service} of {device}?", yes=yes)
    found = _answer(output, client, device, {"word": "restart", "service": service}, timeout_s)
    output.result(found, f"{device}: {service} was restarted")


@click.command("reboot")
@click.argument("device")
@_TIMEOUT
@_YES
@console_options.options
@JSON
@click.pass_obj
def reboot(
    output: Output, *, device: str, timeout_s: int, yes: bool, client: Client, as_json: bool
) -> None:
    r"""Restart the system of a device, and wait until it is back.

    Devices refuse it unless their image allows it, and while an update is under way.

    \b
    Example:
      edge devices reboot device-7
    """
    output.as_json |= as_json
    ask.confirm(f"restart the system of {device}?", yes=yes)
    found = _answer(output, client, device, {"word": "reboot"}, timeout_s)
    output.result(found, f"{device}: is back")


@click.command("inventory")
@click.argument("device")
@click.option("--refresh", is_flag=True, help="Ask the device now.")
@_TIMEOUT
@console_options.options
@JSON
@click.pass_obj
def inventory(
    output: Output, *, device: str, refresh: bool, timeout_s: int, client: Client, as_json: bool
) -> None:
    r"""Show services, slots, memory, disk and addresses of a device, as it said them last.

    \b
    Examples:
      edge devices inventory device-7
      edge devices inventory device-7 --refresh
    """
    output.as_json |= as_json
    if refresh:
        found = _answer(output, client, device, {"word": "inventory"}, timeout_s)
    else:
        found = _newest_inventory(client, device)
    said = json.loads(found["content"])
    facts = {**said, "device": device, "at_s": found["answered_at_s"]}
    output.result(facts, _inventory_text(facts))


def _newest_inventory(client: Client, device: str) -> dict[str, Any]:
    path = f"/devices/{part(device)}/commands"
    found = client.get(path, word="inventory", state="done", limit=1)["commands"]
    if not found:
        raise ThingNotFoundError(
            f"{device}: no inventory is known", hint=f"edge devices inventory {device} --refresh"
        )
    answer: dict[str, Any] = client.get(f"{path}/{part(found[0]['command'])}")
    return answer


def _answer(
    output: Output, client: Client, device: str, body: dict[str, object], timeout_s: int
) -> dict[str, Any]:
    """Return what a device answers.

    Raises:
        LinkError: It does not, in time.
        RefusedError: It does not want to.
        EdgeError: It could not do it.
    """
    path = f"/devices/{part(device)}/commands"
    asked = client.send("POST", path, {**body, "expires_s": timeout_s})
    one = f"{path}/{part(asked['command'])}"
    with output.task(f"asking {device}"):
        found = _waited(lambda: client.get(one), timeout_s)
    reason = f"{device}: {found['reason']}"
    match found["state"]:
        case "done":
            return found
        case "refused":
            raise RefusedError(reason, hint="`reach` in its agent.json says what may be asked")
        case "failed":
            raise EdgeError(reason)
        case _:
            raise LinkError(
                f"{device}: no answer within {timeout_s} s",
                hint=f"edge devices show {device} tells when it was seen last",
            )


def _waited(look: Callable[[], dict[str, Any]], timeout_s: int) -> dict[str, Any]:
    end_s, wait_s = time.monotonic() + timeout_s, _LOOK_S
    while (found := look())["state"] == "open" and time.monotonic() < end_s:
        time.sleep(min(wait_s, max(0.0, end_s - time.monotonic())))
        wait_s = min(_LOOK_MOST_S, wait_s * 1.3)
    return found


def _inventory_text(facts: dict[str, Any]) -> str:
    lines = [
        f"{name:>10}  {value}"
        for name, value in (
            ("device", facts["device"]),
            ("board", facts["board"]),
            ("version", f"{facts['product']} {facts['version']}".strip()),
            ("slot", f"{facts['slot']} of {facts['order']}"),
            ("kernel", facts["kernel"]),
            ("uptime", f"{facts['uptime_s']} s"),
            ("memory", _share(facts["memory_free_bytes"], facts["memory_bytes"])),
            ("data", _share(facts["data_free_bytes"], facts["data_bytes"])),
            *(("address", one) for one in facts["addresses"]),
        )
    ]
    rows = [
        (one["name"], one["state"], one["version"], f"{one['age_s']} s", str(one["restarts"]))
        for one in facts["services"]
    ]
    return "\n".join([*lines, "", *table(_HEAD, rows, right=(3, 4))])


def _share(free_bytes: int, all_bytes: int) -> str:
    return f"{human(free_bytes)} free of {human(all_bytes)}"
