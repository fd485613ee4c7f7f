"""Options that the commands about releases share."""

from pathlib import Path

import click

REPO = click.option(
    "--repo",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("repo"),
    show_default=True,
    help="Folder of the repository.",
)
PRODUCT = click.option("--product", help="Where two products have that version.")
