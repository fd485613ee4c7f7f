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
KEYS = click.option(
    "--keys",
    "keys_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="A key folder; else keys/ if it is here, else the development keys.",
)
PRODUCT = click.option("--product", help="Where two products have that version.")
PASSPHRASE = click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help="Its first line unlocks the keys."
)
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object; errors too.")
