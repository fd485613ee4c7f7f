"""From a line and what was said on the command line to the real steps of a station."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge.cli import clock
from edge.cli.flash_boards import UsbOptions
from edge.cli.flash_options import ImageOptions
from edge.cli.flash_targets import Choosing
from edge.errors import InputError
from edge.factory import checking
from edge.factory.books import Books
from edge.factory.identity.station import StationAuthority, open_station
from edge.factory.line import Line, station_folder
from edge.factory.ports import Ports
from edge.factory.steps.command import CommandStep
from edge.factory.steps.flashing import CustomiseStep, FlashStep, VerifyStep
from edge.factory.steps.identifying import DeviceIdentifier, StationIdentifier
from edge.factory.steps.recording import (
    DetectStep,
    Identifier,
    IdentityStep,
    Labeller,
    LabelStep,
    RegisterStep,
)
from edge.factory.steps.step import Job, Step
from edge.factory.target_ports import DEVICE
from edge.flash import targets
from edge.flash.customise import files, reading
from edge.flash.disks import safety, sysfs
from edge.flash.disks.choice import Limits
from edge.flash.methods.block import BlockOptions
from edge.flash.methods.method import Method
from edge.flash.methods.serial_options import SerialOptions
from edge.flash.sources import http_stream
from edge.flash.sources.overlaid import Overlaid
from edge.flash.sources.source import Source
from edge.flash.targets import FileTarget, SerialTarget
from edge.flash.transports import address
from edge.flash.transports.open_port import open_port
from edge.flash.transports.port import Port
from edge.image import provision
from edge.image.provision import Placed
from edge.keys.secrets import nobody


@dataclass(frozen=True, slots=True)
class FlashWords:
    """What was said of flashing.

    Attributes:
        root: The root of trust.
        keys: A key folder.
        unsigned: Take an image that nobody has signed.
        serial: Options of the method `serial`.
        usb: Options of the methods over USB.
    """

    root: Path | None
    keys: Path | None
    unsigned: bool
    serial: SerialOptions
    usb: UsbOptions


def real_steps(
    folder: Path, line: Line, books: Books, at: Ports, words: FlashWords, labeller: Labeller
) -> Mapping[str, Step]:
    """Return the steps of a line.

    Raises:
        EdgeError: The image, the settings or the authority of the station is not as it has to be.
    """
    source = image(folder, line, words)
    authority = open_station(station_folder(folder, books.ledger.station), nobody)
    method = _methods(source, line, words)

    def retired(device: str) -> tuple[str, ...]:
        return books.index.devices[device].certificates

    built_in: dict[str, Step] = {
        "detect": DetectStep(at),
        "identity": IdentityStep(_identifier(folder, line, authority)),
        "customise": CustomiseStep(settings(folder, line)),
        "flash": FlashStep(source, method, _overlaid),
        "verify": VerifyStep(method),
        "register": RegisterStep(line, retired),
        "label": LabelStep(labeller, line),
    }
    return {
        one.step: CommandStep(one.step, one.run, folder, line) if one.run else built_in[one.step]
        for one in line.steps
    }


def image(folder: Path, line: Line, words: FlashWords) -> Source:
    """Return the image of a line, which is for its board and signed.

    Raises:
        EdgeError: It is not there, not signed, or for another board.
    """
    name = line.image if http_stream.is_url(line.image) else str(folder / line.image)
    options = ImageOptions(name, line.board, None, words.root, words.keys, words.unsigned)
    return options.source(name)


def _methods(image: Source, line: Line, words: FlashWords) -> Callable[[str, Job], Method]:
    from edge.board import search

    profile = search.find(line.board)
    volume = (
        None if http_stream.is_url(image.facts.name) else sysfs.volume_of(Path(image.facts.name))
    )
    choosing = Choosing(
        image.facts,
        lambda: profile,
        Limits(
            image.facts.image_bytes,
            safety.EXPECTED_MOST_BYTES,
            (volume,) if volume else (),
            None,
        ),
        # The board stays where it is until all is done; what is on it brings a key.
        BlockOptions(eject=False, private=True),
        words.serial,
        words.usb,
    )

    def method(port: str, job: Job) -> Method:
        name = port.replace(DEVICE, job.device)
        if isinstance(target := targets.parse(name), FileTarget):
            Path(target.path).parent.mkdir(parents=True, exist_ok=True)
        (chosen,) = choosing.named([name])
        return chosen.method

    return method


def _overlaid(source: Source, placed: tuple[Placed, ...]) -> Source:
    return Overlaid(source, lambda size: provision.file_system(placed, most_bytes=size))


def settings(folder: Path, line: Line) -> Callable[[str], tuple[Placed, ...]]:
    """Return what gives the first settings of a device, by its id.

    Raises:
        EdgeError: They are not there, or wrong.
    """
    if line.config is None:
        return lambda _device: ()
    file = folder / line.config
    files.files(reading.read(file))  # what is wrong with it is told before a board is there
    return lambda device: files.files(reading.read(file, (f"hostname={device}",)))


def _identifier(folder: Path, line: Line, authority: StationAuthority) -> Identifier:
    server_ca = checking.server_ca(folder, line, _now())
    if line.identity == "station":
        return StationIdentifier(authority, server_ca, _now)
    return DeviceIdentifier(authority, server_ca, _console, _now, time.monotonic)


def _console(port: str) -> Port:
    match targets.parse(port):
        case SerialTarget(place=place):
            return open_port(address.parse(place), baud=115_200)
        case _:
            raise InputError(
                f"{port}: a device makes its key over its serial console",
                hint="name the port as serial:…, or write identity: station",
            )


def _now() -> datetime:
    return clock.of_wall()
