"""`edge cache`: the folder of all that can be fetched or made again."""

import shutil
import sys

import click

from edge import paths
from edge.cli.output import Output
from edge.errors import RefusedError

MIB = 1 << 20


@click.group()
def cache() -> None:
    """Look at the cache, or empty it."""


@cache.command("show")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(output: Output, *, as_json: bool) -> None:
    """Print where the cache is and what it holds."""
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
    """Remove what was fetched and compiled; the next build fetches it again."""
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
