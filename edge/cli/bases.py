"""The option `--base`: older images that patches and chunks start from."""

from pathlib import Path

import click

from edge.errors import InputError, ThingNotFoundError
from edge_signing.release import SLOT_PARTITIONS, Partition

BASES = click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="PARTITION=FILE|DIR",
    help="The older image, for patches; may be repeated.",
)


def bases_of(words: tuple[str, ...]) -> dict[Partition, Path]:
    """Return the older images that were given: `rootfs=FILE`, or a folder with `rootfs.img`.

    Raises:
        InputError: A word is neither.
        ThingNotFoundError: A file is not there.
    """
    bases: dict[Partition, Path] = {}
    for word in words:
        name, equals, rest = word.partition("=")
        if equals and name in SLOT_PARTITIONS:
            bases[name] = Path(rest)
        elif Path(word).is_dir():
            files = {one: Path(word) / f"{one}.img" for one in SLOT_PARTITIONS}
            bases |= {one: path for one, path in files.items() if path.is_file()}
        else:
            raise InputError(
                f"--base {word!r}: neither a folder nor PARTITION=FILE",
                hint=f"like --base rootfs=old/rootfs.img; partitions: {', '.join(SLOT_PARTITIONS)}",
            )
    for path in bases.values():
        if not path.exists():
            raise ThingNotFoundError(f"{path}: no such file")
    return bases
