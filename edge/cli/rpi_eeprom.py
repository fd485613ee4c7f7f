"""`edge rpi eeprom`: look at an image of the EEPROM, change its settings, write it to a board."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.cli import ask
from edge.cli.flash_view import view
from edge.cli.output import Output
from edge.cli.rpi import FILE, PASSPHRASE, contents, now_s, signer_of, write
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.errors import InputError, UntrustedError

if TYPE_CHECKING:
    from edge.flash.methods.rpiboot import RpibootMethod
    from edge.flash.protocols.rpiboot import Served
    from edge.flash.rpi.eeprom import Eeprom

TO = click.option(
    "--to", "target", default="usb", show_default=True, metavar="TARGET", help="usb or usb:PORT."
)
BOOT_FILES = click.option(
    "--boot-files",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder with the recovery program as bootcode4.bin or bootcode5.bin.",
)
_READ_BACK = {
    True: ", and has the hash of the image",
    False: "; the hash that the board told is another one, perhaps that of before: edge rpi"
    " eeprom check IMAGE asks again",
    None: "; not read back: the board told no hash",
}


@click.group(cls=LazyGroup)
def eeprom() -> None:
    r"""Look at an image of the EEPROM, change its settings, write it to a board.

    \b
    Example:
      edge rpi eeprom show pieeprom.bin
    """


@eeprom.command("show")
@click.argument("image", type=FILE)
@click.pass_obj
def show(output: Output, *, image: Path) -> None:
    r"""Show the files and the settings in an image.

    \b
    Example:
      edge rpi eeprom show pieeprom.bin
    """
    from edge.flash.rpi import eeprom as images

    found = read(image)
    files = found.files
    config = files.get(images.CONFIG, b"")
    rows = [(name, str(len(data))) for name, data in files.items()]
    facts: dict[str, object] = {
        "files": {name: len(data) for name, data in files.items()},
        "settings": images.settings(config),
    }
    said = [*table(("file", "bytes"), rows, right={1}), "", config.decode("utf-8", "replace")]
    if order := images.settings(config).get(images.BOOT_ORDER):
        facts["starts_from"] = images.boot_places(order)
        said.append(f"starts from: {', '.join(images.boot_places(order))}")
    output.result(facts, "\n".join(said).rstrip())


@eeprom.command("set")
@click.argument("image", type=FILE)
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--boot-order", metavar="PLACES", help="Such as card,usb,nvme,network: BOOT_ORDER.")
@click.option("--config", type=FILE, help="A whole bootconf.txt in place of the one there.")
@click.option("--key", metavar="URI", help="Sign the settings with this RSA-2048 key.")
@PASSPHRASE
@click.option("-o", "--output", "to", type=FILE, required=True, help="Where the image goes.")
@click.pass_obj
def change(
    output: Output,
    *,
    image: Path,
    settings: tuple[str, ...],
    boot_order: str | None,
    config: Path | None,
    key: str | None,
    passphrase_file: Path | None,
    to: Path,
) -> None:
    r"""Change settings of an image, such as the order of what is started from.

    BOOT_ORDER is read from the right: 1 card or eMMC, 2 network, 4 USB disk, 6 NVMe, f again.

    \b
    Examples:
      edge rpi eeprom set pieeprom.bin --boot-order nvme,card -o new.bin
      edge rpi eeprom set pieeprom.bin BOOT_ORDER=0xf461 BOOT_UART=1 -o new.bin
      edge rpi eeprom set pieeprom.bin SIGNED_BOOT=1 --key file:keys/rpi.pem -o signed.bin
    """
    from edge.flash.rpi import eeprom as images
    from edge.flash.rpi import signature

    made = read(image)
    text = contents(config) if config else made.files.get(images.CONFIG, b"")
    changes = dict(_setting(one) for one in settings)
    if boot_order is not None:
        if images.BOOT_ORDER in changes:
            raise InputError(f"both {images.BOOT_ORDER} and --boot-order", hint="say it once")
        changes[images.BOOT_ORDER] = images.boot_order(boot_order.split(","))
    text = images.with_settings(text, changes)
    made = made.with_file(images.CONFIG, text)
    if key is None and made.files.get(images.CONFIG_SIGNATURE):
        output.line(
            "its settings were signed, and are not any more: --key signs them", style="yellow"
        )
    signer = signer_of(key, passphrase_file) if key else None
    sealed = signature.signed(text, now_s(), signer).text().encode()
    made = made.with_file(images.CONFIG_SIGNATURE, sealed)
    if signer:
        made = made.with_file(images.PUBLIC_KEY, signature.public_blob(signer.public))
    write(to, made.data)
    output.result({"file": str(to), "settings": images.settings(text)}, f"{to}: written")


@eeprom.command("write")
@click.argument("image", type=FILE)
@TO
@BOOT_FILES
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Check all, say what would be written, and stop.")
@click.pass_obj
def write_to_board(
    output: Output, *, image: Path, target: str, boot_files: Path, yes: bool, dry_run: bool
) -> None:
    r"""Write an image to the EEPROM of a board in USB boot.

    \b
    Example:
      edge rpi eeprom write new.bin --boot-files recovery/
    """
    from edge.flash.rpi import recovery

    found = read(image)
    board = method(target, boot_files, recovery.files(found, now_s()))
    output.line(f"{image} to the EEPROM of {board.target}")
    if dry_run:
        return
    ask.confirm("the EEPROM of the board is replaced; go on?", yes=yes)
    served = started(output, board)
    recovery.require_written(served)
    holds = recovery.holds(served, found)
    facts = {"target": board.target, "board": served.metadata, "read_back": holds}
    output.result(facts, f"{board.target}: its EEPROM is written{_READ_BACK[holds]}")


@eeprom.command("check")
@click.argument("image", type=FILE, required=False)
@TO
@BOOT_FILES
@click.pass_obj
def check(output: Output, *, image: Path | None, target: str, boot_files: Path) -> None:
    r"""Ask a board in USB boot for what it says of itself and its EEPROM; nothing is written.

    The bytes of an EEPROM can not be read by USB, but the recovery program tells their hash: with
    IMAGE the EEPROM has to be that one.

    \b
    Examples:
      edge rpi eeprom check --boot-files recovery/
      edge rpi eeprom check new.bin --boot-files recovery/
    """
    from edge.flash.rpi import recovery

    found = read(image) if image else None
    board = method(target, boot_files, recovery.questions())
    served = started(output, board)
    holds = recovery.holds(served, found) if found else None
    if found and not holds:
        said = "does not tell the hash of its EEPROM" if holds is None else "has another EEPROM"
        raise UntrustedError(f"{board.target}: it {said}", hint="is the recovery program new?")
    facts = {"target": board.target, "board": served.metadata, "holds": holds}
    rows = sorted(served.metadata.items())
    lines = table(("the board says", ""), rows) if rows else ["the board says nothing of itself"]
    output.result(facts, "\n".join([*lines, *([f"its EEPROM is {image}"] if holds else [])]))


def read(image: Path) -> "Eeprom":
    """Return an image of an EEPROM."""
    from edge.flash.rpi.eeprom import Eeprom

    return Eeprom.parse(contents(image), str(image))


def method(target: str, boot_files: Path, own: dict[str, bytes | None]) -> "RpibootMethod":
    """Return the way to the board that is meant.

    Raises:
        InputError: Something else is.
        ThingNotFoundError: No board waits there.
    """
    from edge.cli.flash_boards import ports
    from edge.flash import targets, usb_boards
    from edge.flash.methods.rpiboot import RpibootMethod
    from edge.flash.rpi import boot_files as files
    from edge.flash.targets import BoardTarget, PortTarget
    from edge.flash.way import Way

    bus = ports()
    match targets.parse(target):
        case PortTarget(port):
            found = usb_boards.at_port(usb_boards.boards(bus), port, Way.RPIBOOT)
        case BoardTarget(Way.RPIBOOT):
            found = usb_boards.only_one(usb_boards.boards(bus), Way.RPIBOOT)
        case _:
            raise InputError(f"--to {target}: not a Raspberry Pi in USB boot", hint="--to usb")
    return RpibootMethod(found.seen.port, files.folder(boot_files), bus, own=own)


def started(output: Output, board: "RpibootMethod") -> "Served":
    """Start a board with its files, and tell of it."""
    with view(output) as seen:
        return board.start(seen.listener(board.target))


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier() or "\n" in value:
        raise InputError(f"{text!r} is no setting", hint="like BOOT_ORDER=0xf41")
    return name, value
