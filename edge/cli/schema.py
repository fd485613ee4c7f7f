"""`edge schema`: JSON schemas for editors."""

import json
import sys
from typing import get_args

import click

from edge.system.schema import Kind
from edge.system.schema import schema as schema_of


@click.command()
@click.argument("kind", type=click.Choice(get_args(Kind)))
def schema(kind: Kind) -> None:
    """Print the JSON schema of system.yml, service.yml or board.yml, for editors."""
    sys.stdout.write(json.dumps(schema_of(kind), indent=2) + "\n")
