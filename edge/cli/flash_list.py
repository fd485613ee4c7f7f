"""`edge flash list`: cards, disks, boards on USB and serial ports, and what each could take."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from edge.cli.flash_boards import ports
from edge.cli.output import Output
from edge.cli.table import table
from edge.errors import ThingNotFoundError
from edge.flash import usb_boards
from edge.flash.disks import choice, safety, sysfs
from edge.flash.disks.choice import Limits
from edge.flash.disks.disk import Disk
from edge.flash.transports import survey
from edge.flash.transports.survey import FoundPort
from edge.flash.usb_boards import UsbBoard


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def list_targets(output: Output, *, as_json: bool) -> None:
    r"""List cards, disks, boards that wait on USB and serial ports; and why a disk is not written.

    \b
    Examples:
      edge flash list
      edge flash list --json
    """
    output.as_json |= as_json
    disks, boards, serials = sysfs.disks(), _boards(), survey.found_ports()
    rows = [_disk_row(disk) for disk in disks]
    rows += [_board_row(board) for board in boards]
    rows += [_port_row(port) for port in serials]
    facts = {
        "disks": [_disk_facts(disk, disks) for disk in disks],
        "boards": [_board_facts(board) for board in boards],
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


def _boards() -> list[UsbBoard]:
    """Return the boards that wait; none without libusb, as most people have cards only."""
    try:
        return usb_boards.boards(ports())
    except ThingNotFoundError:
        return []


def _board_row(board: UsbBoard) -> tuple[str, ...]:
    takes = f"by {board.way}" + (f"; {board.to_do}" if board.to_do else "")
    return board.target, "-", board.what, f"usb {board.seen.port}", "-", takes


def _board_facts(board: UsbBoard) -> dict[str, object]:
    seen = board.seen
    return {
        "target": board.target,
        "way": str(board.way),
        "what": board.what,
        "to_do": board.to_do,
        "port": seen.port,
        "usb_id": seen.id,
    }


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
