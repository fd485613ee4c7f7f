"""`edge udev`: rights on cards, USB disks and serial adapters, without root."""

import click

from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.flash import udev as rules


@click.group(cls=LazyGroup)
def udev() -> None:
    r"""Give the person at this machine the right to write cards and talk to boards.

    \b
    Examples:
      edge udev show
      sudo edge udev install
    """


@udev.command("install")
@click.pass_obj
def install(output: Output) -> None:
    r"""Write the udev rules and have udev read them; needs root.

    \b
    Example:
      sudo edge udev install
    """
    file = rules.install()
    output.result({"file": str(file)}, f"{file}: written; plug devices in again")


@udev.command("show")
@click.pass_obj
def show(output: Output) -> None:
    r"""Print the rules, for those who put them in place themselves.

    \b
    Example:
      edge udev show > 70-edge.rules
    """
    output.result({"rules": rules.RULES}, rules.RULES.rstrip("\n"))
