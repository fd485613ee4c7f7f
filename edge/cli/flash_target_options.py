"""Options that say where an image goes, and how."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from edge.cli.flash_boards import UsbOptions
from edge.cli.flash_targets import Choosing, Chosen
from edge.errors import InputError
from edge.flash.disks import safety
from edge.flash.disks.choice import Limits
from edge.flash.methods.block import BlockOptions
from edge.flash.methods.serial_options import SerialOptions, Via

_GB = 10**9
_OPTIONS = (
    click.option(
        "--to",
        "targets",
        multiple=True,
        metavar="TARGET",
        help="/dev/sdb, usb[:PORT], fastboot, dfu, sdp, file:PATH or serial:PORT; may be given"
        " several times.",
    ),
    click.option(
        "--all",
        "every",
        is_flag=True,
        help="Every card and USB disk that may be written, and every board that waits on USB.",
    ),
    click.option(
        "--jobs",
        "at_a_time",
        type=click.IntRange(1),
        default=8,
        show_default=True,
        help="At a time.",
    ),
    click.option(
        "--wait",
        "wait_s",
        type=float,
        default=0,
        metavar="SECONDS",
        help="How long to wait for a card, or for a board that is switched on.",
    ),
    click.option(
        "--force",
        metavar="SERIAL",
        help="Write the disk with this serial number, though it"
        " is not removable, large, or part of something.",
    ),
    click.option(
        "--most-gb",
        type=click.IntRange(1),
        default=safety.EXPECTED_MOST_BYTES // _GB,
        show_default=True,
        help="No card is larger.",
    ),
    click.option("--no-verify", is_flag=True, help="Do not read back."),
    click.option("--keep-unmapped", is_flag=True, help="Leave in the gaps what the disk held."),
    click.option("--no-eject", is_flag=True, help="Keep a USB disk after it was written."),
    click.option(
        "--via",
        type=click.Choice([str(one) for one in Via]),
        default="auto",
        show_default=True,
        help="serial: how the image comes to the board.",
    ),
    click.option(
        "--baud", type=click.IntRange(50, 4_000_000), help="serial: the rate for transfers."
    ),
    click.option("--host", help="serial: this machine's address as the board reaches it."),
    click.option("--bind", help="serial: the address to serve at, if that is another one."),
    click.option("--try-rates", is_flag=True, help="serial: try other rates of the console."),
    click.option(
        "--restart", is_flag=True, help="serial, fastboot, dfu: start the board at the end."
    ),
    click.option(
        "--boot-files",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="EDGE_BOOT_FILES",
        help="usb: the folder with the second stage of Raspberry Pis.",
    ),
    click.option(
        "--loader",
        type=click.Path(path_type=Path, dir_okay=False),
        help="sdp: the boot loader that the ROM starts, such as flash.bin.",
    ),
    click.option("--power-command", help="serial: switches the board off and on."),
)


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """What was said on the command line of the targets: by the names of the options."""

    said: Mapping[str, Any]

    @property
    def forced(self) -> str | None:
        """The serial number of a disk that is written though something speaks against it."""
        forced: str | None = self.said["force"]
        return forced

    @property
    def at_a_time(self) -> int:
        """How many targets are written at a time."""
        return int(self.said["at_a_time"])

    def limits(self, image_bytes: int, holds: tuple[str, ...]) -> Limits:
        """Return what a disk has to keep to."""
        return Limits(image_bytes, self.said["most_gb"] * _GB, holds, self.forced)

    @property
    def block(self) -> BlockOptions:
        """The options of the method `block`."""
        said = self.said
        return BlockOptions(
            verify=not said["no_verify"],
            discard=not said["keep_unmapped"],
            eject=not said["no_eject"],
        )

    @property
    def serial(self) -> SerialOptions:
        """The options of the method `serial`."""
        said = self.said
        return SerialOptions(
            via=Via(said["via"]),
            transfer_baud=said["baud"],
            host=said["host"],
            bind=said["bind"],
            power_command=said["power_command"],
            try_rates=said["try_rates"],
            restart=said["restart"],
            wait_s=said["wait_s"] or SerialOptions().wait_s,
            verify=not said["no_verify"],
        )

    @property
    def usb(self) -> UsbOptions:
        """The options for boards on USB."""
        said = self.said
        return UsbOptions(
            boot_files=said["boot_files"],
            loader=said["loader"],
            restart=said["restart"],
            wait_s=said["wait_s"] or UsbOptions().wait_s,
        )

    def require_one_way(self) -> None:
        """Refuse options that say two things.

        Raises:
            InputError: They do.
        """
        if self.said["every"] and self.said["targets"]:
            raise InputError("--all and --to are both given", hint="leave one of them out")

    def targets(self, choosing: Choosing) -> list[Chosen]:
        """Return the targets that are meant.

        Raises:
            EdgeError: One is not there, or may not be written.
        """
        if self.said["every"]:
            return choosing.every()
        if named := self.said["targets"]:
            return choosing.named(named)
        return [choosing.only_one(wait_s=self.said["wait_s"])]


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one argument `meant`."""
    names = [
        "targets",
        "every",
        "at_a_time",
        "wait_s",
        "force",
        "most_gb",
        "no_verify",
        "keep_unmapped",
        "no_eject",
        "via",
        "baud",
        "host",
        "bind",
        "power_command",
        "try_rates",
        "restart",
        "boot_files",
        "loader",
    ]

    @functools.wraps(command)
    def call(*arguments: Any, **others: Any) -> Any:
        said = {name: others.pop(name) for name in names}
        return command(*arguments, meant=TargetOptions(said), **others)

    wrapped: Callable[..., Any] = call
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
