"""`edge bundle create`: a bundle of given images, without a build."""

from pathlib import Path

import click

from edge.bundle.levels import LEVELS, Level
from edge.cli import ask, trusted
from edge.cli.options import JSON, KEYS, PASSPHRASE
from edge.cli.output import Output
from edge.cli.table import human
from edge.errors import InputError, ThingNotFoundError
from edge.image.clock_floor import clock_floor_s
from edge.release import export, source
from edge.release.payloads import Terms
from edge_signing.release import SLOT_PARTITIONS, Partition


@click.command("create")
@click.option(
    "--image",
    "images",
    multiple=True,
    required=True,
    metavar="PARTITION=FILE",
    help="What a partition of the slot gets; can be repeated.",
)
@click.option("--product", required=True, help="What it is a release of.")
@click.option("--version", "version", required=True, help="Of the release.")
@click.option("--board", "boards", multiple=True, required=True, help="Who may install it.")
@click.option("--counter", type=click.IntRange(0), default=0, help="Its rollback counter.")
@click.option("--notes", default="", help="What is new, for people.")
@click.option(
    "--level", type=click.Choice(LEVELS), default="fast", show_default=True, help="Compression."
)
@KEYS
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    help="The bundle that is written.",
)
@PASSPHRASE
@JSON
@click.pass_obj
def create(
    output: Output,
    *,
    images: tuple[str, ...],
    product: str,
    version: str,
    boards: tuple[str, ...],
    counter: int,
    notes: str,
    level: Level,
    keys_folder: Path | None,
    path: Path,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Write a full bundle of images that Edge did not build.

    An image is a whole number of blocks of 4096 bytes. Times are those of SOURCE_DATE_EPOCH, so
    that the same images and keys give the same bytes.

    \b
    Example:
      edge bundle create --image rootfs=rootfs.img --product gateway --version 1.0.0 \
        --board rpi4 -o update.edge
    """
    output.as_json |= as_json
    found = source.of_files(_files(images), product=product, version=version, boards=boards)
    export.write_standalone(
        found,
        Terms(counter=counter, notes=notes),
        trusted.key_ring(keys_folder),
        path,
        level=level,
        clock_s=clock_floor_s(),
        progress=output,
        ask=ask.secrets_from(passphrase_file),
    )
    size_bytes = path.stat().st_size
    output.result({"file": str(path), "bytes": size_bytes}, f"{path}: {human(size_bytes)}")


def _files(words: tuple[str, ...]) -> dict[Partition, Path]:
    files: dict[Partition, Path] = {}
    for word in words:
        name, equals, rest = word.partition("=")
        if not equals or name not in SLOT_PARTITIONS:
            raise InputError(
                f"--image {word!r} is not PARTITION=FILE",
                hint=f"like --image rootfs=rootfs.img; partitions: {', '.join(SLOT_PARTITIONS)}",
            )
        if not Path(rest).is_file():
            raise ThingNotFoundError(f"{rest}: no such file")
        files[name] = Path(rest)
    return files
