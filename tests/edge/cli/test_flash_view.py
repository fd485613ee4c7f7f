"""How jobs look on a terminal."""

import io

from rich.console import Console

from edge.cli import flash_view
from edge.cli.output import Output
from edge.flash.events import Advance, Phase


def test_brackets_in_the_name_of_a_target_are_shown_as_they_are() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with flash_view._bars(console) as bars:
        view = flash_view.BarLines(Output(), bars)

        view.listener("file:[/x].img")(Advance(Phase.WRITE, 1, 2))
        bars.refresh()

    assert "file:[/x].img write" in screen.getvalue()
