"""`edge fastboot`: single commands to a boot loader that speaks fastboot."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge import atomic
from edge.cli import ask
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.errors import InputError, ThingNotFoundError

if TYPE_CHECKING:
    from edge.flash.protocols.steps import Dialog, Result
    from edge.flash.transports.port import Port

MOST_MIB = 1024
TO = click.option(
    "--to",
    "target",
    default="fastboot",
    show_default=True,
    metavar="TARGET",
    help="fastboot, fastboot:PORT, fastboot:SERIAL or fastboot:tcp:HOST.",
)


@click.group(cls=LazyGroup)
def fastboot() -> None:
    r"""Ask a boot loader with fastboot, and give it single commands.

    \b
    Examples:
      edge fastboot getvar all
      edge fastboot reboot bootloader
    """


@fastboot.command("getvar")
@click.argument("name")
@TO
@click.pass_obj
def getvar(output: Output, *, name: str, target: str) -> None:
    r"""Print a variable of the boot loader; `all` prints those that it lists.

    \b
    Examples:
      edge fastboot getvar max-download-size
      edge fastboot getvar all --to fastboot:tcp:192.0.2.7 --json
    """
    from edge.flash.protocols import fastboot as protocol

    if name == "all":
        found = _run(output, target, protocol.variables())
        output.result(found, "\n".join(f"{one}: {value}" for one, value in found.items()))
        return
    value = _run(output, target, protocol.variable(name))
    if value is None:
        raise ThingNotFoundError(f"{target}: it has no variable {name}", hint="getvar all")
    output.result({name: value}, value)


@fastboot.command("erase")
@click.argument("partition")
@TO
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def erase(output: Output, *, partition: str, target: str, yes: bool) -> None:
    r"""Erase a partition.

    \b
    Example:
      edge fastboot erase userdata --to fastboot:1-1.2
    """
    from edge.flash.protocols import fastboot as protocol

    ask.confirm(f"all in {partition} of {target} is lost; go on?", yes=yes)
    _run(output, target, protocol.erase(partition))
    output.result({"erased": partition}, f"{target}: {partition} is erased")


@fastboot.command("set-active")
@click.argument("slot")
@TO
@click.pass_obj
def set_active(output: Output, *, slot: str, target: str) -> None:
    r"""Choose the slot that starts next. U-Boot says yes to that and does nothing.

    \b
    Example:
      edge fastboot set-active b
    """
    from edge.flash.protocols import fastboot as protocol

    _run(output, target, protocol.set_active(slot))
    output.result({"active": slot}, f"{target}: {slot} starts next, it says")


@fastboot.command("oem", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
@TO
@click.pass_obj
def oem(output: Output, *, words: tuple[str, ...], target: str) -> None:
    r"""Run a command of the maker of the board, and print what it says.

    \b
    Examples:
      edge fastboot oem format
      edge fastboot oem run:printenv board
    """
    from edge.flash.protocols import fastboot as protocol

    reply = _run(output, target, protocol.oem(" ".join(words), tells=False))
    said = "\n".join((*reply.notes, reply.value)).strip()
    output.result({"notes": reply.notes, "value": reply.value}, said or f"{target}: done")


@fastboot.command("reboot")
@click.argument("into", type=click.Choice(["bootloader", "fastboot", "recovery"]), required=False)
@TO
@click.pass_obj
def reboot(output: Output, *, into: str | None, target: str) -> None:
    r"""Restart the board, or into something else than its system.

    \b
    Examples:
      edge fastboot reboot
      edge fastboot reboot bootloader
    """
    from edge.flash.protocols import fastboot as protocol

    _run(output, target, protocol.reboot(into or ""))
    output.result({"into": into}, f"{target}: it restarts")


@fastboot.command("upload")
@click.argument("what", default="upload")
@click.option(
    "-o",
    "--output",
    "to",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file that is written.",
)
@click.option(
    "--most-mib",
    type=click.IntRange(1, MOST_MIB),
    default=64,
    show_default=True,
    help="More than that is refused.",
)
@TO
@click.pass_obj
def upload(output: Output, *, what: str, to: Path, most_mib: int, target: str) -> None:
    r"""Take what a boot loader gives: what was staged, or `fetch:PARTITION` where it can.

    \b
    Examples:
      edge fastboot upload -o staged.bin
      edge fastboot upload fetch:boot -o boot.img
    """
    from edge.flash.protocols import fastboot as protocol

    if what != "upload" and not what.startswith("fetch:"):
        raise InputError(f"{what!r} gives nothing back", hint="upload, or fetch:PARTITION")
    data = _run(output, target, protocol.upload(what, most_mib << 20))
    with atomic.file(to) as stream:
        stream.write(data)
    output.result({"file": str(to), "bytes": len(data)}, f"{to}: {len(data)} bytes")


def _run(output: Output, target: str, dialog: "Dialog[Result]") -> "Result":
    """Run a dialog with the board that is meant, and tell what it says meanwhile."""
    from edge.flash.events import Event, Note
    from edge.flash.transports import driver

    def told(event: Event) -> None:
        if isinstance(event, Note):
            output.line(event.text)

    open_port, clock_s = _link(target)
    with closing(open_port()) as port:
        return driver.run(dialog, port, clock_s=clock_s, listener=told)


def _link(target: str) -> "tuple[Callable[[], Port], Callable[[], float]]":
    """Return how a board is reached, and the clock for it.

    Raises:
        InputError: It is not a board with fastboot that is named.
        ThingNotFoundError: It is not there.
    """
    from edge.cli.flash_boards import fastboot_port, found_on, ports
    from edge.flash import targets
    from edge.flash.targets import BoardTarget, NetworkTarget
    from edge.flash.transports.fastboot_usb import FastbootUsb
    from edge.flash.way import Way

    match targets.parse(target):
        case NetworkTarget() as network:
            return fastboot_port(network)
        case BoardTarget(Way.FASTBOOT) as board:
            bus = ports()
            seen = found_on(bus, board).seen
            return lambda: FastbootUsb(bus.open(seen)), bus.clock_s
        case _:
            raise InputError(f"--to {target}: not a board with fastboot", hint="--to fastboot")
