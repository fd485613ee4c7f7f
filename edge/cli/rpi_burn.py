"""`edge rpi burn`: the hash of a key into the chip of a board, which nothing takes back."""

import sys
from pathlib import Path

import click

from edge.cli.output import Output
from edge.cli.rpi import FILE, contents, now_s
from edge.cli.rpi_eeprom import BOOT_FILES, TO, method, read, started
from edge.errors import InputError, RefusedError

_TYPED = 8


@click.command()
@click.argument("image", type=FILE)
@click.option("--public", type=FILE, required=True, help="The public key, PEM.")
@click.option("--boot-image", type=FILE, help="Check that this boot.img is signed with it too.")
@TO
@BOOT_FILES
@click.option("--burn", "burns", is_flag=True, help="Do it; else all is checked and told.")
@click.option("--i-understand-otp", "serial", metavar="SERIAL", help="Of the very board.")
@click.pass_obj
def burn(
    output: Output,
    *,
    image: Path,
    public: Path,
    boot_image: Path | None,
    target: str,
    boot_files: Path,
    burns: bool,
    serial: str | None,
) -> None:
    r"""Write a signed EEPROM and burn its key hash: the board starts only what is signed then.

    Nothing takes that back. Without --burn and --i-understand-otp all is checked and nothing done;
    with both the first letters of the key hash have to be typed.

    \b
    Examples:
      edge rpi burn signed.bin --public rpi-public.pem --boot-files secure-boot-recovery/
      edge rpi burn signed.bin --public rpi-public.pem --boot-image boot.img \
        --boot-files secure-boot-recovery/ --burn --i-understand-otp 10000000d1e2f3a4
    """
    from edge.flash.rpi import recovery, signature
    from edge.keys import rsa_key

    key = rsa_key.read_public(public)
    found = read(image)
    hashed = recovery.burning(found, key).key_hash
    if boot_image is not None:
        place = boot_image.with_suffix(".sig")
        made = signature.parse(contents(place).decode("ascii", "replace"), str(place))
        signature.verify(contents(boot_image), made, key, what=str(boot_image))
    board = method(target, boot_files, recovery.files(found, now_s(), burns=True))
    known = board.serial_number()
    facts = {"target": board.target, "serial_number": known, "key_hash": hashed}
    output.line(f"{board.target}: serial number {known}, key hash {hashed}")
    if not burns or serial is None:
        say = "nothing was done: --burn and --i-understand-otp SERIAL do it, for ever"
        output.result({**facts, "burnt": False}, say)
        return
    _require_meant(known, serial, hashed)
    served = started(output, board)
    recovery.require_written(served)
    output.result({**facts, "burnt": True, "board": served.metadata}, f"{board.target}: burnt")


def _require_meant(known: str, serial: str, hashed: str) -> None:
    """Go on only if the person means this board and this key.

    Raises:
        RefusedError: Another board is plugged in, or what was typed is something else.
        InputError: The board has no serial number to name it by.
    """
    if not known:
        raise InputError("the board has no serial number to name it by")
    if serial != known:
        raise RefusedError(f"the board has the serial number {known}, not {serial}")
    if not sys.stdin.isatty():
        raise RefusedError("nobody to ask, and this is never done unasked")
    typed = click.prompt(f"type the first {_TYPED} letters of the key hash to burn it", err=True)
    if typed != hashed[:_TYPED]:
        raise RefusedError(f"{typed!r} is not how the key hash begins")
