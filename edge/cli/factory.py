"""`edge factory`: lines that give every device its identity, and lose no record."""

import click

from edge.cli.sections import LazyGroup


@click.group(cls=LazyGroup)
def factory() -> None:
    r"""Provision devices: flash them, give each its identity, and keep a record of it.

    A line is a folder with line.yml; docs/factory.md shows how one is set up.

    \b
    Examples:
      edge factory demo                                  # a line with simulated boards
      edge factory init line/ --board rpi4 --product gateway --ca file:factory-ca.key
      edge factory station add line/ S1 --count 1000
      edge factory check line/ --station S1              # before the shift
      edge factory run line/ --station S1 --port usb:1-1.1 --port usb:1-1.2
      edge factory report line/
      edge factory sync line/ --console https://fleet.example.com:8444 --token-file line.token
    """


factory.add_lazily(
    {
        "init": "edge.cli.factory_init:init",
        "station": "edge.cli.factory_station:station",
        "check": "edge.cli.factory_check:check",
        "run": "edge.cli.factory_run:run",
        "report": "edge.cli.factory_report:report",
        "revoke": "edge.cli.factory_revoke:revoke",
        "verify": "edge.cli.factory_verify:verify",
        "label": "edge.cli.factory_label:label",
        "merge": "edge.cli.factory_verify:merge",
        "rework": "edge.cli.factory_rework:rework",
        "scrap": "edge.cli.factory_rework:scrap",
        "sync": "edge.cli.factory_sync:sync",
        "demo": "edge.cli.factory_demo:demo",
    }
)
