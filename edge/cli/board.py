"""`edge board`: the board profiles that can be built for."""

import click

from edge.board.search import boards, read_board
from edge.cli.output import Output
from edge.cli.table import table


@click.group()
def board() -> None:
    """Look at board profiles."""


@board.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def list_boards(output: Output, *, as_json: bool) -> None:
    """List the boards that are known here, with their serial console."""
    output.as_json |= as_json
    found = {name: read_board(file) for name, file in sorted(boards().items())}
    facts = [
        {"name": name, "description": one.description, "console": one.console}
        for name, one in found.items()
    ]
    rows = [(name, one.console, one.description) for name, one in found.items()]
    output.result({"boards": facts}, "\n".join(table(("board", "console", "description"), rows)))
