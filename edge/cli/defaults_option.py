"""The option that says whose defaults hold where a system file says nothing."""

import click

from edge.system.defaults import Defaults

defaults_option = click.option(
    "--defaults",
    type=click.Choice([one.value for one in Defaults]),
    default=Defaults.EDGE.value,
    show_default=True,
    callback=lambda _context, _option, value: Defaults(value),
    help="Whose defaults hold where a system file says nothing.",
)
