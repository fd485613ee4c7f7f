"""`edge flash list`: cards, disks and serial ports that are here, and what each could take."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from edge.cli.output import Output
from edge.cli.table import table
from edge.flash.disks import choice, safety, sysfs
from edge.flash.disks.choice import Limits
from edge.flash.disks.disk import Disk
from edge.flash.transports import survey
from edge.flash.transports.survey import FoundPort


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def list_targets(output: Output, *, as_json: bool) -> None:
    r"""List cards, disks and serial ports, and why a disk is not to be written.

    \b
    Examples:
      edge flash list
      edge flash list --json
    """
    output.as_json |= as_json
    disks, serials = sysfs.disks(), survey.found_ports()
    rows = [_disk_row(disk) for disk in disks] + [_port_row(port) for port in serials]
    facts = {
        "disks": [_disk_facts(disk, disks) for disk in disks],
        "serial_ports": [asdict(port) for port in serials],
    }
    head = ("target", "size", "what", "connected", "serial number", "takes an image")
    output.result(facts, "\n".join(table(head, rows, right={1})) if rows else "nothing is here")


def _disk_row(disk: Disk) -> tuple[str, ...]:
    found = choice.objections(disk, Limits())
    connected = f"{disk.transport} {disk.port}".strip()
    answer = "yes" if not found else "; ".join(one.reason for one in found)
    if found and all(one.forcible for one in found):
        answer += f" (--force {disk.serial})" if disk.serial else ""
    size = f"{disk.size_bytes / 10**9:.1f} GB" if disk.size_bytes else "-"
    return disk.path, size, disk.title, connected, disk.serial or "-", answer


def _port_row(port: FoundPort) -> tuple[str, ...]:
    what = port.what or "serial port"
    connected = f"usb {port.location}" if port.location else "-"
    return (
        f"serial:{port.path}",
        "-",
        what,
        connected,
        port.serial_number or "-",
        "if U-Boot is there",
    )


def _disk_facts(disk: Disk, disks: Sequence[Disk]) -> dict[str, object]:
    found = choice.objections(disk, Limits())
    twins = [one.path for one in safety.same_serial(disk, disks)]
    return {
        **asdict(disk),
        "takes_an_image": not found,
        "offered": disk in choice.candidates(disks, Limits()),
        "objections": [asdict(one) for one in found],
        "same_serial": twins,
    }
