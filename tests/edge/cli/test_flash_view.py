"""How jobs look on a terminal."""

import io

import pytest
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


@pytest.mark.parametrize("width", [40, 60])
def test_on_a_narrow_terminal_a_target_takes_one_line(width: int) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width)
    with flash_view._bars(console) as bars:
        view = flash_view.BarLines(Output(), bars)

        view.listener("file:a-long-name-of-a-card.img")(Advance(Phase.VERIFY, 1 << 20, 4 << 20))

        lines = console.render_lines(bars.get_renderable())
        texts = ["".join(part.text for part in line).rstrip() for line in lines]
    assert len(texts) == 1
    assert texts[0].endswith("25 %")
