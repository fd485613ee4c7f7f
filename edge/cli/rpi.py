"""`edge rpi`: what only Raspberry Pi has: signatures of its boot loader, its EEPROM, its fuses."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge import atomic
from edge.cli import ask, clock
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.errors import ThingNotFoundError

if TYPE_CHECKING:
    from edge.keys.rsa_key import RsaSigner

FILE = click.Path(path_type=Path, dir_okay=False)
KEY = click.option(
    "--key", required=True, metavar="URI", help="An RSA-2048 key: file:PATH or pkcs11:…"
)
PASSPHRASE = click.option(
    "--passphrase-file", type=FILE, help="A file of mode 0600 with the passphrase or PIN."
)


@click.group(cls=LazyGroup)
def rpi() -> None:
    r"""Sign what a Raspberry Pi starts; look at, change and write its EEPROM; burn its key.

    \b
    Examples:
      edge rpi boot-image boot/ -o boot.img
      edge rpi eeprom show pieeprom.bin
    """


rpi.add_lazily(
    {
        "eeprom": "edge.cli.rpi_eeprom:eeprom",
        "boot-image": "edge.cli.rpi_boot_image:boot_image",
        "burn": "edge.cli.rpi_burn:burn",
    }
)


@rpi.command("sign")
@click.argument("file", type=FILE)
@KEY
@PASSPHRASE
@click.option("--chip", type=click.Choice(["2711", "2712"]), help="It is for this chip only.")
@click.option("-o", "--output", "to", type=FILE, help="Else FILE with .sig for its ending.")
@click.pass_obj
def sign(
    output: Output,
    *,
    file: Path,
    key: str,
    passphrase_file: Path | None,
    chip: str | None,
    to: Path | None,
) -> None:
    r"""Sign a boot.img for boards whose key is burnt: FILE.sig is put beside it.

    \b
    Example:
      edge rpi sign boot.img --key file:keys/rpi.pem
    """
    from edge.flash.rpi import signature

    made = signature.signed(contents(file), now_s(), signer_of(key, passphrase_file), chip)
    place = to or file.with_suffix(".sig")
    write(place, made.text().encode())
    output.result({"file": str(place), "sha256": made.sha256}, f"{place}: written")


@rpi.command("verify")
@click.argument("file", type=FILE)
@click.option("--public", type=FILE, required=True, help="The public key, PEM.")
@click.option("--signature", "signed_in", type=FILE, help="Else FILE with .sig for its ending.")
@click.pass_obj
def verify(output: Output, *, file: Path, public: Path, signed_in: Path | None) -> None:
    r"""Check the signature of a boot.img, or of a second stage that was counter-signed.

    \b
    Examples:
      edge rpi verify boot.img --public rpi-public.pem
      edge rpi verify bootcode5.bin --public rpi-public.pem
    """
    from edge.flash.rpi import signature
    from edge.keys import rsa_key

    key = rsa_key.read_public(public)
    place = signed_in or file.with_suffix(".sig")
    facts: dict[str, object] = {"file": str(file), "key_hash": signature.key_hash(key)}
    if signed_in is None and not place.exists():
        facts["version"] = signature.verify_counter_signed(contents(file), key, what=str(file))
    else:
        made = signature.parse(contents(place).decode("ascii", "replace"), str(place))
        signature.verify(contents(file), made, key, what=str(file))
        facts["time_s"] = made.time_s
    output.result(facts, f"{file}: signed with the key {facts['key_hash']}")


@rpi.command("counter-sign")
@click.argument("file", type=FILE)
@KEY
@PASSPHRASE
@click.option(
    "--rollback-version",
    type=click.IntRange(0, 32),
    default=0,
    show_default=True,
    help="A board that started a higher one refuses it.",
)
@click.option("-o", "--output", "to", type=FILE, required=True, help="Where it goes.")
@click.pass_obj
def counter_sign(
    output: Output,
    *,
    file: Path,
    key: str,
    passphrase_file: Path | None,
    rollback_version: int,
    to: Path,
) -> None:
    r"""Sign a second stage for a BCM2712 whose key is burnt, on top of Raspberry Pi's signature.

    \b
    Example:
      edge rpi counter-sign bootcode5.bin --key file:keys/rpi.pem -o signed/bootcode5.bin
    """
    from edge.flash.rpi import signature

    signer = signer_of(key, passphrase_file)
    write(to, signature.counter_signed(contents(file), signer, rollback_version))
    output.result({"file": str(to), "version": rollback_version}, f"{to}: written")


@rpi.command("key-hash")
@click.argument("public", type=FILE)
@click.pass_obj
def key_hash(output: Output, *, public: Path) -> None:
    r"""Print what is burnt into a chip for a public key (PEM).

    \b
    Example:
      edge rpi key-hash rpi-public.pem
    """
    from edge.flash.rpi import signature
    from edge.keys import rsa_key

    found = signature.key_hash(rsa_key.read_public(public))
    output.result({"key_hash": found}, found)


def contents(file: Path) -> bytes:
    """Return a file.

    Raises:
        ThingNotFoundError: It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise ThingNotFoundError(f"{file}: {error.strerror}") from error


def write(place: Path, data: bytes) -> None:
    """Write a file, whole or not at all."""
    with atomic.file(place) as stream:
        stream.write(data)


def signer_of(key: str, passphrase_file: Path | None) -> "RsaSigner":
    """Return the signer of a key."""
    from edge.keys import rsa_key

    return rsa_key.open_signer(key, ask.secrets_from(passphrase_file))


def now_s() -> int:
    """Return the time that a signature says it was made at."""
    return int(clock.now().timestamp())
