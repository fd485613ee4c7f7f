"""Write docs/cli.md: the help of all commands, as `edge COMMAND --help` prints it.

.venv/bin/python -m tools.cli_reference
"""

from collections.abc import Iterator
from pathlib import Path

import click

from edge.cli.main import CONTEXT, STATUSES, edge

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
WIDTH = 96
INTRODUCTION = """\
# The command line

Made by `tools/cli_reference.py` from the program itself: do not edit.

Results go to the standard output, progress and errors to the standard error. `--json` gives one
JSON object, or one a line for streams. `NO_COLOR` is honoured. Each option can be set in the
environment: `EDGE_` and the names of command and option, such as `EDGE_BUILD_BOARD=rpi4`. The
variables of all commands are `EDGE_CACHE` (the folder of all that is fetched), `EDGE_MIRROR` (a
Debian mirror, and its security archive after a space), `EDGE_BOARDS` (folders of boards, with `:`
between), `EDGE_REGISTRY_MIRROR`, `EDGE_INSECURE_REGISTRY` (with spaces between),
`EDGE_IMAGE_LIMIT_MIB` (what one image may unpack to) and `SOURCE_DATE_EPOCH`.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | wrong usage, or a wrong input file |
| 3 | a device or a thing was not found |
| 4 | not trusted |
| 5 | refused for safety |
| 6 | timed out, or the link was lost |
| 7 | the server refused |
| 130 | interrupted |
"""


def reference() -> str:
    """Return the text of docs/cli.md."""
    return "\n".join([INTRODUCTION, *_sections("edge", edge)])


def help_of(words: str) -> str:
    """Return what `edge ... --help` prints; `words` is the command, such as `edge boards list`."""
    command: click.Command = edge
    for word in words.split()[1:]:
        command = _below(command)[word]
    return _context(words, command).get_help()


def _context(words: str, command: click.Command) -> click.Context:
    settings = {key: value for key, value in CONTEXT.items() if key == "help_option_names"}
    return click.Context(
        command,
        info_name=words,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **settings,  # type: ignore[arg-type]
    )


def _sections(words: str, command: click.Command) -> Iterator[str]:
    yield f"## {words}\n\n```console\n$ {words} --help\n{help_of(words)}\n```\n"
    for name, one in _below(command).items():
        yield from _sections(f"{words} {name}", one)


def _below(command: click.Command) -> dict[str, click.Command]:
    """Return the commands of a group by name."""
    if not isinstance(command, click.Group):
        return {}
    context = click.Context(command)
    found = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return {name: one for name, one in found.items() if one is not None}


if __name__ == "__main__":
    assert {status for _, status in STATUSES} <= set(range(8))
    DOCUMENT.write_text(reference())
