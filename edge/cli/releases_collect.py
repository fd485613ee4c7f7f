"""`edge releases collect`: remove what no release of the console needs any more."""

import click

from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client

_HOUR_S = 3600


@click.command("collect")
@click.option("--dry-run", is_flag=True, help="Tell what would be removed, and remove nothing.")
@click.option(
    "--keep-hours",
    type=click.IntRange(min=1),
    default=24,
    show_default=True,
    help="Keep files that are younger: somebody may be reading them.",
)
@console_options.options
@JSON
@click.pass_obj
def collect(
    output: Output, *, dry_run: bool, keep_hours: int, client: Client, as_json: bool
) -> None:
    r"""Remove the files of the console's repository that no signed document names any more.

    \b
    Example:
      edge releases collect --dry-run
    """
    output.as_json |= as_json
    body = {"trial": dry_run, "keep_s": keep_hours * _HOUR_S}
    found = client.send("POST", "/repository/collect", body)
    lines = [f"{one['length_bytes']:>12,}  {one['name']}" for one in found["files"]]
    act = "would be removed" if dry_run else "removed"
    lines.append(f"{len(lines)} files, {found['length_bytes']:,} bytes {act}")
    output.result(found, "\n".join(lines))
