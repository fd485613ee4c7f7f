"""`edge cache`: the folder of all that can be fetched or made again."""

import shutil
import sys
from pathlib import Path

import click

from edge import paths
from edge.cli.options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import human
from edge.errors import RefusedError, ThingNotFoundError
from edge.image import carrying
from edge.image.build import default_store
from edge.image.failures import told
from edge.oci import export
from edge.system import lock as locks

MIB = 1 << 20


@click.group(cls=LazyGroup)
def cache() -> None:
    r"""Look at the cache, empty it, or carry it to another machine.

    \b
    Examples:
      edge cache show
      edge cache clean
    """


@cache.command("show")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(output: Output, *, as_json: bool) -> None:
    r"""Print where the cache is and what it holds.

    \b
    Example:
      edge cache show
    """
    output.as_json |= as_json
    folder = paths.cache_folder()
    parts = sorted(folder.iterdir()) if folder.is_dir() else []
    sizes = {
        part.name: sum(file.stat().st_size for file in part.rglob("*") if file.is_file())
        for part in parts
        if part.is_dir()
    }
    lines = [str(folder), *(f"{name:12}{size / MIB:>10.1f} MiB" for name, size in sizes.items())]
    output.result({"folder": str(folder), "bytes": sizes}, "\n".join(lines))


@cache.command("clean")
@click.option("--tools", is_flag=True, help="The tool tree as well.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def clean(output: Output, *, tools: bool, yes: bool) -> None:
    r"""Remove what was fetched and compiled; the next build fetches it again.

    \b
    Example:
      edge cache clean --yes
    """
    folder = paths.cache_folder()
    doomed = [folder / name for name in ("store", "compiled", "apt", *(["tools"] if tools else []))]
    found = [part for part in doomed if part.exists()]
    if found and not yes:
        listed = ", ".join(str(part) for part in found)
        if not sys.stdin.isatty():
            raise RefusedError(f"nobody to ask whether to remove {listed}", hint="add --yes")
        click.confirm(f"remove {listed}?", abort=True, err=True)
    for part in found:
        shutil.rmtree(part)
    output.result({"removed": [str(part) for part in found]}, f"{len(found)} folders removed")


@cache.command("export")
@click.argument("locks_files", nargs=-1, metavar="[edge.lock]...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The archive to write.",
)
@JSON
@click.pass_obj
def export_blobs(
    output: Output, *, locks_files: tuple[Path, ...], file: Path, as_json: bool
) -> None:
    r"""Write what lock files name, or all that was fetched, as one OCI archive.

    With it another machine builds without a network: `edge cache import`, then `edge build
    --locked --offline`.

    \b
    Examples:
      edge cache export edge.lock -o inputs.tar
      edge cache export -o all.tar
    """
    output.as_json |= as_json
    store, found = default_store(), []
    for path in locks_files:
        lock = locks.read(path)
        if lock is None:
            raise ThingNotFoundError(f"{path}: there is no such lock file")
        found.append(lock)
    with told(file):
        names, blobs = carrying.named(found, store) if found else carrying.everything(store)
        export.write_archive(file, names, blobs, store)
    size_bytes = file.stat().st_size
    facts = {"file": str(file), "blobs": len(set(blobs)), "images": sorted(names)}
    output.result(
        {**facts, "bytes": size_bytes}, f"{file}: {len(set(blobs))} blobs, {human(size_bytes)}"
    )


@cache.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@JSON
@click.pass_obj
def import_blobs(output: Output, *, file: Path, as_json: bool) -> None:
    r"""Take an archive into the content store.

    Each blob is checked against its digest; what is there already stays.

    \b
    Example:
      edge cache import cache.tar
    """
    output.as_json |= as_json
    with told(paths.cache_folder()):
        found = export.read_archive(file, default_store(), output)
    output.result({"file": str(file), "blobs": len(found)}, f"{file}: {len(found)} blobs")
