"""`edge flash`: put images onto cards, disks and boards."""

import click

from edge.cli.sections import DefaultGroup


@click.group(cls=DefaultGroup, subcommand_metavar="[write] [IMAGE] [OPTIONS] | COMMAND")
def flash() -> None:
    r"""Write an image to a card, a USB disk or a board, and read it back.

    IMAGE is a build folder, an image (.img, also with .zst, .gz or .xz) or a URL of one; without it
    the newest build for the board is taken. With one card or USB disk plugged in it needs a yes.

    \b
    Examples:
      edge flash --board rpi4                            # the newest build, the card that is here
      edge flash --board rpi4 out/ --to /dev/sdb
      edge flash --board rpi4 out/ --all --yes           # every card that is plugged in
      edge flash --board rpi4 out/ --to file:card.img
      edge flash --board rpi4 https://example.com/disk.img.zst --to usb:1-1.2
      edge flash --board rpi4 out/ --to serial:/dev/ttyUSB0
    """


flash.add_lazily(
    {
        "write": "edge.cli.flash_write:write",
        "verify": "edge.cli.flash_verify:verify",
        "list": "edge.cli.flash_list:list_targets",
    }
)
