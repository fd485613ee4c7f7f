"""`edge flash verify`: read targets back and compare, without writing."""

import click

from edge.cli import customise, flash_options
from edge.cli.customise import FirstOptions
from edge.cli.flash_options import ImageOptions
from edge.cli.flash_targets import Choosing
from edge.cli.flash_view import view
from edge.cli.output import Output
from edge.errors import ThingNotFoundError
from edge.flash.disks.choice import Limits


@click.command()
@flash_options.options
@customise.options
@click.option(
    "--to",
    "targets",
    multiple=True,
    required=True,
    metavar="TARGET",
    help="/dev/sdb, usb:PORT, file:PATH or serial:PORT.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON lines: docs/flash.md has the events.")
@click.pass_obj
def verify(
    output: Output,
    *,
    chosen: ImageOptions,
    wanted: FirstOptions,
    targets: tuple[str, ...],
    as_json: bool,
) -> None:
    r"""Read a card back and compare it with an image; nothing is written.

    A card that was started since differs: its boot state and data have been written to.

    \b
    Example:
      edge flash verify --board rpi4 out/ --to /dev/sdb
    """
    output.as_json |= as_json
    first = wanted.read()
    image = chosen.newest
    if image is None:
        raise ThingNotFoundError(f"no build for {chosen.board} is here", hint="name an image")
    source = first.over(chosen.source(image))
    choosing = Choosing(source.facts, lambda: chosen.profile(source), Limits())
    with view(output) as seen:
        for one in choosing.read_only(targets):
            report = one.verify(source, seen.listener(one.target))
            seen.done(one.target, report)
