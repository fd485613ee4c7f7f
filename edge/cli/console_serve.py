"""`edge console serve`: the server of a fleet."""

import asyncio
import importlib
import logging
import signal
import socket
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from edge.cli import console_mqtt, console_network, console_oidc, trusted
from edge.cli.console_options import JSON
from edge.cli.options import KEYS
from edge.cli.output import Output
from edge.console.devices import certificates
from edge.console.site import Site
from edge.errors import ThingNotFoundError, ToolError

if TYPE_CHECKING:
    from edge.console.app import Running
    from edge.console.people.oidc.provider import Provider


@click.command("serve")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("console"),
    show_default=True,
    help="Folder of the console; made when missing.",
)
@KEYS
@click.option(
    "--factory-ca",
    "authorities",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Certificate of the authority of the devices, or of a factory line; may be repeated, and"
    " is remembered.",
)
@click.option("--database", "database_url", default="", help="URL; else SQLite in the folder.")
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8443, show_default=True, help="For devices."
)
@click.option(
    "--api-port",
    type=click.IntRange(0, 65535),
    default=8444,
    show_default=True,
    help="Of the API; 0 for a free one.",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    help="Name or address of this server, for the certificate of its first start.",
)
@console_network.options
@console_mqtt.options
@console_oidc.options
@JSON
@click.pass_obj
def serve(
    output: Output,
    /,
    *,
    folder: Path,
    keys_folder: Path | None,
    authorities: tuple[Path, ...],
    database_url: str,
    bind: str,
    port: int,
    api_port: int,
    hosts: tuple[str, ...],
    provider: "Provider | None",
    as_json: bool,
    **more: Any,
) -> None:
    r"""Run the console until it is asked to end.

    The first start makes the folder, certificates for TLS, and a token that may do all. Devices
    trust "tls/server-ca.crt" in it. MQTT is served by a Mosquitto of the console, or by --broker.

    \b
    Examples:
      edge console serve --factory-ca factory-ca.crt
      edge console serve --dir /srv/console --bind 0.0.0.0 --host fleet.example.com
    """
    output.as_json |= as_json
    network = {name: more.pop(name) for name in console_network.NAMES}
    chosen = console_mqtt.MqttOptions.chosen(**more)
    app, site = _app(), Site(folder.absolute())
    settings = app.Settings(
        site=site,
        keys_folder=str(trusted.key_ring(keys_folder).folder.absolute()),
        authorities=tuple(certificates.authority(_bytes(one), str(one)) for one in authorities),
        database_url=database_url,
        bind=bind,
        port=port,
        api_port=api_port,
        hosts=tuple(dict.fromkeys(("localhost", "127.0.0.1", socket.gethostname(), *hosts))),
        provider=provider,
        links=chosen.links(site, bind),
        device_lists=chosen.device_lists,
        **console_network.settings(app, network),
    )
    asyncio.run(_run(output, app.running(settings), settings.site, (*hosts, "localhost")[0]))


def _app() -> ModuleType:
    """Return what joins the server, whose packages are an extra."""
    try:
        return importlib.import_module("edge.console.app")
    except ModuleNotFoundError as error:
        raise ToolError(
            f"the Python package {error.name} is not here", hint="pip install 'edge-os[console]'"
        ) from error


async def _run(
    output: Output, server: "AbstractAsyncContextManager[Running]", site: Site, host: str
) -> None:
    logging.basicConfig(level=logging.INFO if output.verbose else logging.WARNING)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    is_first = not site.admin_token.is_file()
    async with server as running:
        url = f"https://localhost:{running.api_port}"
        facts = {
            "port": running.port,
            "api_port": running.api_port,
            "mqtt_port": running.mqtt_port,
            "token_file": str(site.admin_token),
            "ca": str(site.authority),
        }
        mqtt = f"and {running.mqtt_port} (MQTT)" if running.mqtt_port else "(no MQTT)"
        lines = [f"devices at port {running.port} {mqtt}, the API at {url}"]
        if is_first:
            lines.append("the first start made a token and an authority of its own; to use them:")
            lines.append(f"  edge console login {url} --token-file {site.admin_token} \\")
            lines.append(f"    --ca {site.authority}")
        if running.welcome:
            # Behind the # : no log sees it.
            facts["welcome"] = f"https://{host}:{running.api_port}{running.welcome}"
            lines.append("nobody can log in yet; the first person, within 24 hours and once:")
            lines.append(f"  {facts['welcome']}")
        output.result(facts, "\n".join(lines))
        await stop.wait()


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise ThingNotFoundError(f"{path}: no such file")
    return path.read_bytes()
