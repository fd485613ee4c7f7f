"""`edge factory revoke`: lists of certificates that are to be taken no more."""

from pathlib import Path

import click

from edge.cli import ask, clock
from edge.cli.factory_init import PASSPHRASE
from edge.cli.factory_verify import LINE
from edge.cli.output import Output


@click.command()
@LINE
@click.argument("devices", nargs=-1)
@click.option("--station", help="The station that made them; else only the factory's own list.")
@click.option("--whole", is_flag=True, help="The station itself, with all devices that it made.")
@click.option("--yes", is_flag=True, help="With --whole: do not ask.")
@PASSPHRASE
@click.pass_obj
def revoke(
    output: Output,
    *,
    line: Path,
    devices: tuple[str, ...],
    station: str | None,
    whole: bool,
    yes: bool,
    passphrase_file: Path | None,
) -> None:
    r"""Put certificates of DEVICES on the lists of their station, or a stolen station on its own.

    Without DEVICES the lists are only made anew, for the next 90 days: a broker refuses all devices
    of an authority whose list has ended. Give them to `edge console serve --device-crl`, those of
    all stations and that of the factory. The factory's key is needed for its own list and for
    --whole, which puts out every device that the station ever made.

    \b
    Examples:
      edge factory revoke line/ --station S1 gw-000042
      edge factory revoke line/ --station S1                 # newer lists of S1
      edge factory revoke line/                              # a newer list of the factory
      edge factory revoke line/ --station S1 --whole
    """
    if whole and devices:
        raise click.UsageError("--whole is for the station: name no devices")
    if station is None and (whole or devices):
        raise click.UsageError("which station? name it with --station")
    if station is None or whole:
        files = _of_factory(line, station, passphrase_file, yes=yes)
    else:
        files = _of_devices(line, station, devices, passphrase_file)
    output.result(
        {"station": station or "", "devices": list(devices), "lists": [str(one) for one in files]},
        "\n".join(f"{one}: signed" for one in files),
    )


def _of_factory(
    line: Path, name: str | None, passphrase_file: Path | None, *, yes: bool
) -> list[Path]:
    from edge.errors import ThingNotFoundError
    from edge.factory.identity import authority, prints
    from edge.factory.identity import revoke as lists

    opened = authority.open(line, ask.secrets_from(passphrase_file))
    if name is None:
        return [lists.stations(opened, (), now=clock.now())]
    serials = [prints.serial(one) for one in opened.stations(name)]
    if not serials:
        raise ThingNotFoundError(f"there is no station {name!r}", hint="edge factory station list")
    ask.confirm(f"all devices that {name} ever made are put out; go on?", yes=yes)
    return [lists.stations(opened, serials, now=clock.now())]


def _of_devices(
    line: Path, name: str, devices: tuple[str, ...], passphrase_file: Path | None
) -> list[Path]:
    from edge.factory.identity import prints, station
    from edge.factory.identity import revoke as lists

    folder, secrets = line / station.FOLDER / name, ask.secrets_from(passphrase_file)
    current = station.open_station(folder, secrets)
    found = lists.given_to(folder, devices) if devices else {}
    wanted = {prints.serial(current.certificate): [], **found}
    files = []
    for serial, serials in wanted.items():
        signer = station.open_station(folder, secrets, serial=serial)
        files.append(lists.devices(signer, serials, now=clock.now()))
    return files
