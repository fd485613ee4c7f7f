"""What the documents say is true: help texts, links, folders, figures of the table."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from edge.cli.main import STATUSES, edge
from tests.source_tree import PROJECT, files, name_of, text_files
from tools import api_reference, cli_reference, state_diagram

HELP = re.compile(
    r"^\$ (?:\.venv/bin/)?(edge[a-z -]*?) --help\n(.*?)^```", re.MULTILINE | re.DOTALL
)
Told = tuple[str, click.Command]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
DOCUMENTS = {path: text for path, text in text_files() if path.suffix == ".md"}


def test_the_reference_of_the_command_line_is_current() -> None:
    written = cli_reference.DOCUMENT.read_text()

    assert written == cli_reference.reference(), "run .venv/bin/python -m tools.cli_reference"


def test_the_reference_of_the_api_is_current() -> None:
    written = api_reference.DOCUMENT.read_text()

    assert written == api_reference.reference(), "run .venv/bin/python -m tools.api_reference"


def test_the_reference_has_all_exit_statuses() -> None:
    told = {int(found) for found in re.findall(r"^\| (\d+) \|", cli_reference.INTRODUCTION, re.M)}

    assert told == {0, 130} | {status for _kind, status in STATUSES}


def test_help_in_documents_is_what_the_program_prints() -> None:
    shown = [found for text in DOCUMENTS.values() for found in HELP.findall(text)]

    assert shown
    assert [words for words, text in shown if text.strip() != cli_reference.help_of(words)] == []


def test_the_states_of_the_agent_are_drawn_as_they_are() -> None:
    written = state_diagram.DOCUMENT.read_text()

    assert written == state_diagram.with_diagram(written), (
        "run .venv/bin/python -m tools.state_diagram"
    )


def test_links_of_documents_lead_somewhere() -> None:
    broken = [
        f"{name_of(path)}: {link}"
        for path, text in DOCUMENTS.items()
        for link in LINK.findall(text)
        if "://" not in link and not (path.parent / link).exists()
    ]

    assert broken == []


def test_each_package_is_told_of() -> None:
    packages = {path.parent for path in files() if path.name == "__init__.py"}

    assert [name_of(package) for package in packages if not _is_told(package)] == []


def _is_told(package: Path) -> bool:
    """Whether a README of the folder, or of one above but the root's, names it."""
    if (package / "README.md").is_file():
        return True
    above = [folder for folder in package.parents if folder.is_relative_to(PROJECT)]
    readmes = [folder / "README.md" for folder in above if folder != PROJECT]
    return any(f"`{package.name}/`" in readme.read_text() for readme in readmes if readme.is_file())


@pytest.mark.parametrize("folder", ["edge", "device-agent", "signing", "boards", "tests", "tools"])
def test_each_top_folder_has_a_readme_and_is_in_the_map(folder: str) -> None:
    assert (PROJECT / folder / "README.md").is_file()
    assert f"`{folder}/`" in (PROJECT / "README.md").read_text()


def test_the_index_of_the_documents_names_all() -> None:
    index = (PROJECT / "docs" / "README.md").read_text()
    documents = {path.name for path in (PROJECT / "docs").glob("*.md")} - {"README.md"}

    assert {name for name in documents if f"({name})" not in index} == set()


def test_each_example_is_told_of() -> None:
    table = (PROJECT / "examples" / "README.md").read_text()

    assert {p.name for p in (PROJECT / "examples").glob("*.yml") if p.name not in table} == set()


def test_examples_in_help_texts_stay_as_they_were_written() -> None:
    assert "\\b" not in cli_reference.reference()
    assert "\n  Examples:\n    edge build " in cli_reference.help_of("edge build")


def commands(words: str = "edge", command: click.Command = edge) -> Iterator[Told]:
    """Give all commands, each with the words that call it."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(f"{words} {name}", below)


def test_every_command_has_an_example_and_every_option_a_help() -> None:
    known = dict(commands())
    options = [
        (words, one.name, one.help)
        for words, command in known.items()
        for one in command.params
        if isinstance(one, click.Option)
    ]

    assert len(known) > 180
    shown = {words: (one.help or "").partition("Example")[2] for words, one in known.items()}
    assert [one for one, text in shown.items() if one.removesuffix(" write") not in text] == []
    assert [(words, name) for words, name, text in options if not text] == []


def test_every_command_tells_as_json() -> None:
    options = {
        words: {name for param in one.params for name in param.opts}
        for words, one in commands()
        if not isinstance(one, click.Group)
    }

    assert [words for words, own in options.items() if not own & {"--json", "--format"}] == []


def test_no_line_about_a_command_is_cut_short_on_a_narrow_terminal() -> None:
    told = [
        (words, one.get_help(click.Context(one, info_name=words, terminal_width=60)))
        for words, one in commands()
        if isinstance(one, click.Group)
    ]

    assert [words for words, text in told if "..." in text.partition("\nOptions:")[2]] == []
