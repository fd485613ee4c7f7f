"""The commands that the page shows are commands that there are, with the options that they take."""

import shlex
from typing import Any

import click
import pytest

from edge.cli.main import edge
from edge.console.pages import files
from tests.fakes.chromium import Window

pytestmark = pytest.mark.tools

# What stands where the page has a name of the fleet: hostile to a shell that is not told so.
NAME = "x; rm -rf '$HOME'"
# The page's own functions, called as its screens call them.
_LINES = """
async ([folder, name]) => {
  const { commands } = await import(`${folder}/actions.js`);
  const { line } = await import(`${folder}/command.js`);
  const { asks } = await import(`${folder}/reach.js`);
  const { forEach, DEVICE } = await import(`${folder}/bulk.js`);
  return [
    ...["accept", "reject", "revoke", "decommission", "reEnrol", "show"]
      .map((one) => commands[one](name)),
    commands.tag(name, ["a", "b"], ["c"]),
    asks.logs(name, "web", 500),
    asks.logs(name, "", 200),
    asks.inventory(name),
    asks.restart(name, "web"),
    asks.reboot(name),
    line("devices", "inventory", name),
    line("devices", "register", name, "--certificate", "0".repeat(64)),
    line("devices", "list", name),
    line("devices", "events", name),
    line("groups", "set", name, "--filter", name, "--notes", name),
    line("groups", "add", name, name, name),
    line("groups", "take-out", name, name),
    line("groups", "remove", name, "--yes"),
    line("releases", "add", name, "--repo", "repo/"),
    line("releases", "show", name),
    line("releases", "sbom", name, "--match", name, "--service", name),
    line("releases", "sbom", name, "--from", name),
    line("audit", "list", "--subject", name),
    line("audit", "verify"),
    line("console", "login", name, "--token-file", "FILE", "--ca", "server-ca.crt"),
    line("console", "token", name, "--scope", "devices:read", "--days", "90"),
    line("people", "invite", name, "--role", "operator", "--group", name),
    line("people", "set-role", name, "viewer", "--all-devices"),
    line("people", "enable", name),
    line("people", "disable", name),
    line("people", "remove", name, "--yes"),
    line("people", "sessions", name, "--end"),
    forEach([name], "deploy", "2", "--to", DEVICE, "--reboot", "window", "--product", name),
    forEach([name], "deploy", "2", "--to", DEVICE, "--confirm", "always"),
    forEach([name], "deploy", "2", "--to", DEVICE, "--download-only"),
  ];
}
"""


def parsed(text: str) -> dict[str, Any]:
    """Return what the command would be called with, without calling it."""
    words = shlex.split(text)
    assert words.pop(0) == "edge"
    command: click.Command = edge
    context = click.Context(edge, **edge.context_settings)
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, text
        command = found
        context = click.Context(command, parent=context)
    return command.make_context(command.name, words, parent=context.parent).params


def test_each_command_of_the_page_can_be_called_and_names_are_quoted(ada: Window) -> None:
    ada.go("/")

    lines = ada.page.evaluate(_LINES, [f"/static/{files.read().digest}", NAME])

    assert len(lines) > 20
    for one in lines:
        told = str(parsed(one).values())
        # A name is one word, whatever it holds.
        assert ("rm -rf" in one) == (repr(NAME) in told), one
