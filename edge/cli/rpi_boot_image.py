"""`edge rpi boot-image`: a boot.img from a folder, signed in one go."""

import hashlib
from pathlib import Path

import click

from edge import atomic
from edge.cli.output import Output
from edge.cli.rpi import FILE, PASSPHRASE, contents, now_s, signer_of, write


@click.command("boot-image")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", "to", type=FILE, required=True, help="Where the image goes.")
@click.option("--size-mib", type=click.IntRange(3, 256), help="Else as large as it has to be.")
@click.option("--key", metavar="URI", help="Sign it with this RSA-2048 key: file:PATH or pkcs11:…")
@PASSPHRASE
@click.option("--chip", type=click.Choice(["2711", "2712"]), help="It is for this chip only.")
@click.pass_obj
def boot_image(
    output: Output,
    *,
    folder: Path,
    to: Path,
    size_mib: int | None,
    key: str | None,
    passphrase_file: Path | None,
    chip: str | None,
) -> None:
    r"""Make a boot.img of a folder with config.txt, kernel and all; with --key sign it too.

    The same folder gives the same bytes.

    \b
    Examples:
      edge rpi boot-image boot/ -o boot.img
      edge rpi boot-image boot/ -o boot.img --key file:keys/rpi.pem     # and boot.sig beside it
    """
    from edge.flash.rpi import boot_image as images
    from edge.flash.rpi import signature
    from edge.image import extent

    signer = signer_of(key, passphrase_file) if key else None
    made = images.volume(images.files(folder), size_mib)
    with atomic.file(to) as stream:
        extent.write(stream, made.extents)
        stream.truncate(made.length_bytes)
    data = contents(to)
    facts: dict[str, object] = {
        "file": str(to),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    said = f"{to}: {len(data) >> 20} MiB"
    if signer or chip:
        place = to.with_suffix(".sig")
        write(place, signature.signed(data, now_s(), signer, chip).text().encode())
        facts["signature"] = str(place)
        said += f"; {place}: {'signed' if signer else 'hashed'}"
    output.result(facts, said)
