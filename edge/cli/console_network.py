"""The options of `edge console serve` for what it talks to, and the settings that they come to."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any, Final, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
_OPTIONS: Final = (
    click.option(
        "--webhook-network",
        "webhook_networks",
        multiple=True,
        help="A private network that webhooks may go to, such as 10.1.0.0/16; may be repeated.",
    ),
    click.option(
        "--proxy",
        "proxies",
        multiple=True,
        help="Address or network of a proxy whose X-Forwarded-For is believed; may be repeated.",
    ),
    click.option(
        "--ddi-poll",
        "ddi_poll_s",
        type=click.IntRange(1, 86399),
        default=300,
        show_default=True,
        help="Seconds between two polls of devices that speak DDI.",
    ),
    click.option(
        "--device-days",
        type=click.IntRange(1, 7300),
        default=7300,
        show_default=True,
        help="How long a certificate holds that the console makes for a device.",
    ),
)
NAMES: Final = ("webhook_networks", "proxies", "ddi_poll_s", "device_days")


def options(command: Command) -> Command:
    """Give a command the options."""
    for one in reversed(_OPTIONS):
        command = one(command)
    return command


def settings(app: ModuleType, words: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the options come to, by the names of `edge.console.app.Settings`.

    Args:
        app: The module `edge.console.app`, whose packages are an extra.
        words: What was chosen, by `NAMES`.

    Raises:
        InputError: A network is none.
    """
    return {
        "route": app.route_to(words["webhook_networks"]),
        "proxies": app.proxies_of(words["proxies"]),
        "ddi_poll_s": words["ddi_poll_s"],
        "device_lifetime": timedelta(days=words["device_days"]),
    }
