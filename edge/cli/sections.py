"""The look of `edge --help`: commands in sections, examples as they were written."""

from collections.abc import Mapping, Sequence

import click

WIDTH = 96
_MARK = "\\b\n"  # what a raw docstring has where click wants a backspace: "do not wrap this"


class Sections(click.Group):
    """A group whose commands are listed under titles.

    Args:
        sections: The commands under each title, in the order of the help text.
    """

    def __init__(self, *args: object, **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]
        self._sections: dict[str, list[str]] = {}

    def add_sections(self, sections: Mapping[str, Sequence[click.Command]]) -> None:
        """Add commands, each section under its title."""
        for title, commands in sections.items():
            self._sections[title] = [command.name or "" for command in commands]
            for command in commands:
                self.add_command(command)
        _keep_examples(self)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        for title, names in self._sections.items():
            with formatter.section(title):
                rows = [(name, self.commands[name].get_short_help_str(WIDTH)) for name in names]
                formatter.write_dl(rows)


def _keep_examples(command: click.Command) -> None:
    if command.help:
        command.help = command.help.replace(_MARK, "\b\n")
    if isinstance(command, click.Group):
        for one in command.commands.values():
            _keep_examples(one)
