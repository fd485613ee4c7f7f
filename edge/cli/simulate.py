"""`edge simulate`: a fleet of devices that are not there."""

import asyncio
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click

from edge.cli import clock
from edge.cli.output import Output
from edge.errors import EdgeError, InputError

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--devices", type=click.IntRange(1, 100_000), default=200, help="How many.")
@click.option("--http", default="", metavar="URL", help="Server to poll: https://localhost:8443/")
@click.option("--mqtt", default="", metavar="URL", help="Broker: mqtts://HOST:PORT")
@click.option(
    "--via",
    type=click.Choice(["both", "http", "mqtt"]),
    default="both",
    help="With --http and --mqtt: a part of the devices by either, or all by one.",
)
@click.option(
    "--mqtt-percent",
    type=click.IntRange(0, 100),
    default=50,
    help="How many have MQTT with --via both.",
)
@click.option("--factory-ca", type=_FILE, required=True, help="Authority that devices are of.")
@click.option("--factory-key", type=_FILE, required=True, help="Its key: never that of a factory.")
@click.option("--server-ca", type=_FILE, required=True, help="Authority of servers.")
@click.option(
    "--identities",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to keep keys and certificates in, for the same devices again.",
)
@click.option("--mix", help="Behaviours and their shares, as above.")
@click.option("--faults", help="What goes wrong on how many: fails=8%,slow=5%; all others are ok.")
@click.option(
    "--bad-release",
    default="",
    metavar="VERSION",
    help="fails, silent, liar and late with this release alone.",
)
@click.option("--seed", type=int, default=1, help="The same one, the same behaviour.")
@click.option("--prefix", default="sim", help="Of the names of devices.")
@click.option("--board", default="rpi4", help="That they are.")
@click.option("--product", default="simulated", help="That they run.")
@click.option("--version", "runs", default="1.0.0", help="That they run at the beginning.")
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAME+VERSION",
    help="That they update in place, as it runs at the beginning: web+1.0.0.",
)
@click.option("--speed", type=click.FloatRange(0.01, 10_000), default=1.0, help="Of updates.")
@click.option("--poll", type=click.FloatRange(0.01), default=30.0, help="Seconds between polls.")
@click.option("--ramp", type=click.FloatRange(0), default=5.0, help="Seconds until all are there.")
@click.option("--seconds", type=click.FloatRange(0), help="End after so many.")
@click.option("--actions", type=click.IntRange(0), default=0, help="End when each ended so many.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object.")
@click.pass_obj
def simulate(output: Output, /, *, as_json: bool, **chosen: Any) -> None:
    r"""Let devices live that are not there: they poll or connect, take orders, report.

    They speak the protocols of real devices with certificates of their own, and verify and install
    nothing. Where there is --http too, a device with MQTT asks by HTTP first, for then a console
    binds it to its certificate. Without --seconds and --actions they live until Ctrl-C; a summary
    is printed then too.

    \b
    Behaviours: ok updates, fails reports that it could not, silent is never heard again after its
    restart, flapping loses its link again and again and repeats what it told, slow takes ten times
    as long, liar reports the version that ran before, late is away for half an hour of its time.
    What is in the other slot is gone back to without a download. A release of one service they
    take without a restart, if they have it; none of them is late then.
    The default is ok=88,fails=4,silent=2,flapping=3,slow=3.

    \b
    Examples:
      edge simulate --devices 200 --http https://localhost:8443/ --mqtt mqtts://localhost \
        --factory-ca factory-ca.crt --factory-key factory-ca.key --server-ca server-ca.crt
      edge simulate --devices 200 --via mqtt --http … --mqtt … --factory-ca …
      edge simulate --mix ok=90,silent=10 --speed 20 --actions 1 --json …
      edge simulate --devices 10000 --mqtt-percent 20 --faults fails=8%,slow=5%,silent=1% \
        --bad-release 1.2.0 --http … --mqtt … --factory-ca …
    """
    output.as_json |= as_json
    with ExitStack() as stack:
        folder = chosen["identities"]
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-")))
        facts = _run(output, folder, chosen)
    output.result(facts, _text(facts))


def _run(output: Output, folder: Path, chosen: dict[str, Any]) -> dict[str, object]:
    try:
        from edge.console.simulate import fleet, mix
        from edge.console.simulate.device import Pace
        from edge.console.simulate.identities import Factory
    except ModuleNotFoundError as error:
        hint = "pip install 'edge-os[console]'"
        raise EdgeError(f"{error.name} is not installed", hint=hint) from error
    if chosen["mix"] and chosen["faults"]:
        raise InputError("--mix and --faults say the same thing", hint="use one of them")
    shares = dict(mix.DEFAULT)
    if chosen["mix"]:
        shares = mix.read_mix(chosen["mix"])
    elif chosen["faults"]:
        shares = mix.read_faults(chosen["faults"])
    settings = fleet.FleetSettings(
        chosen["devices"],
        chosen["server_ca"],
        folder,
        http=chosen["http"],
        mqtt=chosen["mqtt"],
        via=fleet.Via(chosen["via"]),
        mqtt_percent=chosen["mqtt_percent"],
        bad_version=chosen["bad_release"],
        prefix=chosen["prefix"],
        seed=chosen["seed"],
        shares=shares,
        pace=Pace(chosen["speed"], chosen["poll"]),
        ramp_s=chosen["ramp"],
        for_s=chosen["seconds"],
        actions=chosen["actions"],
        board=chosen["board"],
        product=chosen["product"],
        version=chosen["runs"],
        services=fleet.read_services(chosen["services"]),
    )
    factory = Factory.read(chosen["factory_ca"], chosen["factory_key"])
    devices = fleet.Fleet(settings, factory, clock.of_wall)
    with output.task(f"simulating {settings.count} devices"), suppress(KeyboardInterrupt):
        asyncio.run(devices.run())
    return devices.facts()


def _text(facts: dict[str, object]) -> str:
    return "\n".join(f"{name:<16}{_words(value)}" for name, value in facts.items())


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return str(value)
