"""`edge schema`: JSON schemas for editors."""

import json

import click

from edge.board.schema import schema as board_schema
from edge.cli.campaign_plan import schema as plan_schema
from edge.cli.output import Output
from edge.factory.line import schema as line_schema
from edge.flash.customise.schema import schema as device_schema
from edge.system.schema import schema as system_schema

SCHEMAS = {
    "system": lambda: system_schema("system"),
    "service": lambda: system_schema("service"),
    "board": board_schema,
    "device": device_schema,
    "line": line_schema,
    "plan": plan_schema,
}


@click.command()
@click.argument("kind", type=click.Choice(tuple(SCHEMAS)))
@click.pass_obj
def schema(output: Output, *, kind: str) -> None:
    r"""Print the JSON schema of a kind of file that you write, for editors.

    \b
    Example:
      edge schema system > system.schema.json
    """
    found = SCHEMAS[kind]()
    output.result(found, json.dumps(found, indent=2))
