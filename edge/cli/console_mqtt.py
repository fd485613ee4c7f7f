"""The options of `edge console serve` for MQTT, and what they come to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from edge.console.site import Site
from edge.errors import InputError

if TYPE_CHECKING:
    from edge.console.app import Link

Command = TypeVar("Command", bound=Callable[..., Any])
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_OPTIONS: Final = (
    click.option(
        "--device-crl",
        "device_lists",
        multiple=True,
        type=_FILE,
        help="List of revoked certificates of devices; read again when it changes. May be"
        " repeated.",
    ),
    click.option(
        "--mqtt-port",
        type=click.IntRange(0, 65535),
        default=8883,
        show_default=True,
        help="Of the broker that the console runs, for devices; 0 for a free one.",
    ),
    click.option("--no-mqtt", "is_off", is_flag=True, help="Serve devices by HTTP alone."),
    click.option(
        "--broker", metavar="URL", default="", help="A broker that is there: mqtts://HOST:PORT"
    ),
    click.option("--broker-ca", type=_FILE, help="Authority of that broker's certificate."),
    click.option("--broker-certificate", type=_FILE, help="What the console shows to that broker."),
    click.option("--broker-key", type=_FILE, help="The key of that certificate."),
)


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """What was chosen."""

    device_lists: tuple[Path, ...]
    mqtt_port: int
    is_off: bool
    broker: str
    broker_ca: Path | None
    broker_certificate: Path | None
    broker_key: Path | None

    @classmethod
    def chosen(cls, **words: Any) -> "MqttOptions":
        """Return what the words of a command say.

        Raises:
            InputError: They do not go together.
        """
        made = cls(**words)
        made._check()
        return made

    def _check(self) -> None:
        files = (self.broker_ca, self.broker_certificate, self.broker_key)
        if self.broker and self.is_off:
            raise InputError("--broker and --no-mqtt: one or the other")
        if self.broker and None in files:
            raise InputError(
                "--broker: its authority and a certificate for the console are wanted",
                hint="--broker-ca FILE --broker-certificate FILE --broker-key FILE",
            )
        if not self.broker and any(one is not None for one in files):
            raise InputError("--broker-ca, --broker-certificate and --broker-key go with --broker")

    def links(self, site: Site, bind: str) -> "tuple[Link, ...]":
        """Return the link to devices by MQTT, if there is to be one.

        Raises:
            InputError: The broker's URL or a file can not be used.
        """
        # Its packages are an extra.
        from edge.console.mqtt.service import GivenBroker, OwnBroker

        if self.is_off:
            return ()
        ca, certificate, key = self.broker_ca, self.broker_certificate, self.broker_key
        if ca is None or certificate is None or key is None:
            return (OwnBroker(site, bind, self.mqtt_port).running,)
        return (GivenBroker.of(self.broker, ca=ca, certificate=certificate, key=key).running,)


def options(command: Command) -> Command:
    """Give a command the options."""
    for one in reversed(_OPTIONS):
        command = one(command)
    return command
