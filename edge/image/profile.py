"""How QEMU plays a built image: the file `emulator/profile.json` that a build leaves beside it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from edge import atomic
from edge.errors import InputError, ThingNotFoundError

FOLDER = "emulator"
FILE = "profile.json"


@dataclass(frozen=True, slots=True)
class Profile:
    """The machine and its firmware; file names are relative to the folder of the profile.

    `firmware` goes to -bios, `kernel` to -kernel, `flash` is a second flash with U-Boot's settings.
    `console` is the serial port that Linux talks on, of `serials`.
    """

    board: str
    machine: str
    disk: str
    cpu: str | None = None
    memory_mib: int | None = None
    smp: int | None = None
    firmware: str | None = None
    kernel: str | None = None
    dtb: str | None = None
    flash: str | None = None
    network: str | None = None
    serials: int = 1
    console: int = 0
    power_of_two: bool = False
    args: tuple[str, ...] = ()


def write(folder: Path, profile: Profile) -> None:
    """Write the profile into `folder`."""
    text = json.dumps(asdict(profile), indent=2, sort_keys=True) + "\n"
    with atomic.file(folder / FILE) as stream:
        stream.write(text.encode())


def read(build: Path) -> Profile:
    """Return the profile of the build folder `build`.

    Raises:
        ThingNotFoundError: It is no build folder, or of a board that QEMU cannot play.
        InputError: The file is damaged.
    """
    path = build / FOLDER / FILE
    try:
        values = json.loads(path.read_bytes())
        return Profile(**{**values, "args": tuple(values["args"])})
    except FileNotFoundError as error:
        if (build / "manifest.json").is_file():
            raise ThingNotFoundError(f"{build}: QEMU cannot play this board") from error
        raise ThingNotFoundError(
            f"{build}: no build is here", hint="make one: edge build SYSTEM.yml --board NAME -o DIR"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: {error}", hint="build again") from error
