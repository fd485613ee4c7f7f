"""The look of `edge --help`: commands in sections, examples as they were written.

Commands are imported when they are used: what one of them needs costs the others no time.
"""

import difflib
import importlib
from collections.abc import Mapping, Sequence

import click
from click.shell_completion import CompletionItem

from edge.cli.output import Output
from edge.errors import InputError

WIDTH = 96
SENTENCE = 160  # no first sentence of a command is longer
_MARK = "\\b\n"  # what a raw docstring has where click wants a backspace: "do not wrap this"


class LazyGroup(click.Group):
    """A group with commands that are named, and imported when somebody asks for them.

    Its help tells the first sentence of each command as a whole, and a name that is nearly that of
    a command is told as such.
    """

    def __init__(self, *args: object, **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]
        self._places: dict[str, str] = {}

    def add_lazily(self, places: Mapping[str, str]) -> None:
        """Add commands by name, each with its place: `module:attribute`."""
        self._places.update(places)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order they were added."""
        return [*super().list_commands(ctx), *self._places]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now if it was not."""
        command = super().get_command(ctx, cmd_name)
        if place := self._places.get(cmd_name):
            module, _colon, attribute = place.partition(":")
            command = getattr(importlib.import_module(module), attribute)
            keep_examples(command)
        if command:
            offer_json(command)
        if command and ctx.resilient_parsing:  # a shell completes words
            from edge.cli import completion

            completion.offer_words(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named, and the words behind it.

        Raises:
            InputError: No command has that name.
        """
        name = args[0]
        if ctx.resilient_parsing or name.startswith("-") or self.get_command(ctx, name):
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"no such command {name!r}", hint=f"{meant}see `{ctx.command_path} --help`"
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands."""
        self.write_commands(ctx, formatter, "Commands", self.list_commands(ctx))

    def write_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter, title: str, names: Sequence[str]
    ) -> None:
        """Write some of the commands under a title."""
        found = {name: self.get_command(ctx, name) for name in names}
        rows = [(name, one.get_short_help_str(SENTENCE)) for name, one in found.items() if one]
        with formatter.section(title):
            formatter.write_dl(rows)


class DefaultGroup(LazyGroup):
    """A lazy group whose first command runs when no other is named: `edge flash out/`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the first command before words that do not begin with a command's."""
        names = self.list_commands(ctx)
        if args and args[0] not in (*names, *ctx.help_option_names):
            args = [names[0], *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands, and what may follow the first one when it is not written."""
        first = self.get_command(ctx, self.list_commands(ctx)[0])
        if first is None:
            return super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            return first.shell_complete(click.Context(first, parent=ctx), incomplete)
        file = CompletionItem(incomplete, type="file")
        return [file, *super().shell_complete(ctx, incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of the first command, which are those of the group to its users."""
        name = self.list_commands(ctx)[0]
        first = self.get_command(ctx, name)
        options = [one for one in first.params if isinstance(one, click.Option)] if first else []
        rows = [row for one in options if (row := one.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl([*rows, ("-h, --help", "Show this message and exit.")])
        self.format_commands(ctx, formatter)


class Sections(LazyGroup):
    """A lazy group whose commands are listed under titles."""

    def __init__(self, *args: object, **settings: object) -> None:
        super().__init__(*args, **settings)
        self._sections: dict[str, list[str]] = {}
        keep_examples(self)

    def add_sections(self, sections: Mapping[str, Mapping[str, str]]) -> None:
        """Add commands by name and place, each section under its title."""
        for title, places in sections.items():
            self._sections[title] = list(places)
            self.add_lazily(places)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        for title, names in self._sections.items():
            self.write_commands(ctx, formatter, title, names)


def offer_json(command: click.Command) -> None:
    """Let a command be told `--json` behind its name too, if it has no such option of its own."""
    own = {name for one in command.params for name in one.opts}
    # A --format says what is written; a group has nothing to tell.
    if isinstance(command, click.Group) or own & {"--json", "--format"}:
        return
    command.params.append(
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_tell_as_json,
            help="One JSON object; errors too.",
        )
    )


def _tell_as_json(ctx: click.Context, _param: click.Parameter, value: object) -> None:
    output = ctx.find_object(Output)
    if output and value:
        output.as_json = True


def keep_examples(command: click.Command) -> None:
    """Leave the examples in the help text of a command, and of those below it, as written."""
    if command.help:
        command.help = command.help.replace(_MARK, "\b\n")
    if isinstance(command, click.Group):
        for one in command.commands.values():
            keep_examples(one)
