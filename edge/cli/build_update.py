"""`update.edge` of a build, signed with the keys that are here."""

from collections.abc import Callable
from pathlib import Path

from edge.bundle.levels import Level
from edge.cli import ask, trusted
from edge.cli.output import Output
from edge.image import in_place, manifest
from edge.image.outputs import SIGNATURE, UPDATE
from edge.keys.ring import Ring
from edge.release import export, source
from edge.release.payloads import Terms
from edge.release.source import Source
from edge.repository.standalone import KeysElsewhereError


def writer(
    output: Output, keys_folder: Path | None, level: Level, *, clock_s: int
) -> Callable[[Path], None]:
    """Return what writes the bundle of a build into its folder.

    Raises:
        EdgeError: The keys cannot be read; told before anything is built.
    """
    ring = trusted.key_ring(keys_folder)
    return lambda folder: _write(output, folder, ring, level, clock_s)


def _write(output: Output, folder: Path, ring: Ring, level: Level, clock_s: int) -> None:
    """Write the bundle, or say why there is none: its keys may be elsewhere."""

    def write(found: Source, bundle: Path) -> None:
        export.write_standalone(
            *(found, Terms(), ring, bundle),
            level=level,
            clock_s=clock_s,
            progress=output,
            ask=ask.secrets_from(None),
        )

    try:
        with source.of_build(folder, made_now=True) as found:
            write(found, folder / UPDATE)
        for name in manifest.read(folder)["in_place"]:
            one = source.of_service(folder, name, made_now=True)
            write(one, in_place.bundle_file(folder, name))
    except KeysElsewhereError as error:
        output.line(f"no {UPDATE} and no {SIGNATURE}: {error}")
        if error.hint:
            output.line(f"  hint: {error.hint}")
