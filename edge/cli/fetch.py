"""`edge release fetch`: what a device would fetch of a release, and the images that it gets."""

from pathlib import Path

import click

from edge.cli.bases import BASES, bases_of
from edge.cli.options import JSON
from edge.cli.output import Output
from edge.cli.release_options import PRODUCT, REPO
from edge.cli.table import human, table
from edge.release import catalogue, fetching
from edge.repository.repository import Repository


@click.command("fetch")
@click.argument("version")
@REPO
@PRODUCT
@BASES
@click.option(
    "-o",
    "--output",
    "images_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the images there; else only the plan is told.",
)
@JSON
@click.pass_obj
def fetch(
    output: Output,
    *,
    version: str,
    folder: Path,
    product: str | None,
    bases: tuple[str, ...],
    images_folder: Path | None,
    as_json: bool,
) -> None:
    r"""Tell what a device that has the --base images would fetch: patch, chunks or full payload.

    \b
    Examples:
      edge release fetch 1.2.0 --base old/
      edge release fetch 1.2.0 --base rootfs=old/rootfs.img -o new/
    """
    output.as_json |= as_json
    repository = Repository.open(folder)
    entry = catalogue.find(repository, version, product, published=True)
    images = fetching.fetch(repository, entry, bases_of(bases), images_folder, progress=output)
    facts = [
        {
            "partition": one.partition,
            "kind": one.kind,
            "bytes": one.sent_bytes,
            "full_bytes": one.full_bytes,
        }
        for one in images
    ]
    rows = [
        (
            one.partition,
            one.kind,
            human(one.sent_bytes),
            f"{100 * one.sent_bytes / one.full_bytes:.2f} %",
        )
        for one in images
    ]
    head = ("image", "payload", "to fetch", "of the full one")
    output.result({"images": facts}, "\n".join(table(head, rows, right={2, 3})))
