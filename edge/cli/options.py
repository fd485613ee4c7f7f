"""Options that several commands have."""

from pathlib import Path

import click

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object; errors too.")
KEYS = click.option(
    "--keys",
    "keys_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="A key folder; else keys/ if it is here, else the development keys.",
)
PASSPHRASE = click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help="Its first line unlocks the keys."
)
ROOT = click.option(
    "--root",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The root metadata that is trusted; else the first of --keys.",
)
