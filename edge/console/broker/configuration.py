"""Mosquitto's configuration: two doors, one for devices and one for the console.

Devices: a certificate of the factory that is not revoked, whose name is both user and client id, so
that nobody can take another's place. They read below their own `c/`, write below their own `s/`.
The console: an authority of its own, that no device has a certificate of; there a client id may be
chosen, which is how a device is thrown out (`edge.console.broker.kick`).

Source: mosquitto.conf(5) of Mosquitto 2.0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONSOLE: Final = "console"
PACKET_MOST_BYTES: Final = 256 << 10
DEVICES_ACL: Final = "devices.acl"
CONSOLE_ACL: Final = "console.acl"
_DEVICE_RULES: Final = """\
pattern read edge/v1/d/%u/c/#
pattern write edge/v1/d/%u/s/#
pattern read edge/v1/all/c/#
"""
CONSOLE_RULES: Final = f"""\
user {CONSOLE}
topic readwrite edge/v1/#
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client, or all of them, may take of the broker.

    Attributes:
        connections: Of devices at once.
        queued_messages: That wait for one client: the console's, when all devices speak at once.
        queued_bytes: The same in bytes.
        keepalive_s: After which, at the latest, a silent connection is probed.
    """

    connections: int = 100_000
    queued_messages: int = 10_000
    queued_bytes: int = 64 << 20
    keepalive_s: int = 600


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where the broker is, and what it trusts.

    Attributes:
        folder: For configuration, retained messages and the keys of the console's door.
        port: For devices.
        console_port: For the console, on loopback.
        certificate: Of the server, towards devices, with its chain.
        key: The key of that.
        device_ca: Authorities of devices.
        revoked: List of their revoked certificates, if there is one; replaced, never written in
            place.
        address: To listen on for devices.
    """

    folder: Path
    port: int
    console_port: int
    certificate: Path
    key: Path
    device_ca: Path
    revoked: Path | None
    address: str = "127.0.0.1"
    limits: Limits = Limits()

    @property
    def inner(self) -> Path:
        """The folder with the certificates of the console's door."""
        return self.folder / "inner"


def configuration(settings: BrokerSettings) -> str:
    """Return the text of `mosquitto.conf`.

    `user root` keeps it the user that it is started as, whoever that is.
    """
    folder, limits = settings.folder, settings.limits
    return f"""\
per_listener_settings true
user root
persistence true
persistence_location {folder}/
autosave_interval 300
persistent_client_expiration 1h
max_inflight_messages 0
max_queued_messages {limits.queued_messages}
max_queued_bytes {limits.queued_bytes}
max_packet_size {PACKET_MOST_BYTES}
max_keepalive {limits.keepalive_s}
set_tcp_nodelay true
sys_interval 0
log_dest stderr
log_timestamp false
log_type error
log_type warning
log_type notice
log_type information
connection_messages true

listener {settings.port} {settings.address}
protocol mqtt
max_connections {limits.connections}
cafile {settings.device_ca}
{_list(settings.revoked)}certfile {settings.certificate}
keyfile {settings.key}
{_door(folder / DEVICES_ACL)}
use_username_as_clientid true

listener {settings.console_port} 127.0.0.1
protocol mqtt
cafile {settings.inner}/ca.crt
certfile {settings.inner}/broker.crt
keyfile {settings.inner}/broker.key
{_door(folder / CONSOLE_ACL)}
"""


def device_rules(shut_out: Iterable[str]) -> str:
    """Return the rules of the devices' door: what is denied comes before what patterns allow."""
    denied = "".join(f"\nuser {device}\ntopic deny #\n" for device in sorted(shut_out))
    return f"{_DEVICE_RULES}{denied}"


def _list(revoked: Path | None) -> str:
    return "" if revoked is None else f"crlfile {revoked}\n"


def _door(rules: Path) -> str:
    return f"""\
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {rules}"""
