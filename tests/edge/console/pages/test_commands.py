"""The commands that the page shows are commands that there are, with the options that they take."""

import shlex
from typing import Any

import click
import pytest

from edge.cli import campaign_options, campaign_request
from edge.cli.main import edge
from edge.console.api.campaign_views import PlanBody
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
  const { command: decide } = await import(`${folder}/campaigns/decide.js`);
  const { changed, command: plan, fresh } = await import(`${folder}/campaigns/draft.js`);
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
    plan(Object.assign(fresh(), { version: "2" })),
    plan(Object.assign(fresh(), { version: "2", target: name }), { name, seed: 7 }),
    changed(Object.assign(fresh(), { version: "2" }), name),
    ...["start", "pause", "resume", "next-wave", "finish", "abort", "revert", "approve"]
      .flatMap((one) => [decide(one, name), decide(one, name, { reason: name })]),
    decide("retry", name, { devices: [name] }),
    decide("remove", name),
    line("campaign", "watch", name),
    line("campaign", "journal", name),
    line("campaign", "approve", name, "--key", "file:KEY.pem"),
    line("campaign", "create", "--release", "1.2.0", "--preview"),
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


# Plans of the wizard: what it sends, and the command that it shows; most of what can be said.
_PLANS = """
async (folder) => {
  const { PRESETS, command, fresh, isSaid, read } = await import(`${folder}/campaigns/draft.js`);
  const all = {
    version: "2", product: name, target: name, is_dynamic: true, sample: "3", on_trip: "revert",
    good: "0.5", bad: "4", alarm: "2", soak: "1 h", silence: "20 min", timeout: "2 d",
    answer: "30", seen: "0", approvals: "2", at_once: "7", per_minute: "9", bandwidth: "2.5 MB",
    start_at: "2030-01-31T02:00", end_at: "2030-02-28T02:00", priority: "7", tries: "2",
    mode: "window", window: "22:00-05:00", confirm: "never",
  };
  const named = PRESETS.named.waves();
  named[0].devices = "lab-1 lab-2";
  const waited = PRESETS.careful.waves().map((one) => ({ ...one, wait: "10 min", stop: "3" }));
  const drafts = [
    ...Object.keys(PRESETS).map((preset) => ({ waves: PRESETS[preset].waves() })),
    { waves: named, mode: "download", hasEvidence: false },
    { ...all, waves: waited.map((one) => ({ ...one, success: "95" })) },
    { ...all, waves: waited.map((one) => ({ ...one, stop: "never" })) },
  ].map((words) => Object.assign(fresh(), { version: "2" }, words));
  for (const { waves: [first] } of drafts) if (first.kind === "devices") first.devices = "lab-1";
  return drafts.map((one) => [read(one), isSaid(one), command(one)]);
}
"""


def limited(plan: PlanBody) -> dict[str, Any]:
    """Return a plan without what a limit by count does not look at."""
    found = plan.model_dump()
    for wave in found["waves"]:
        limit = wave["limit"]
        if limit["count"] == 1 or limit["percent"] is None:
            limit["percent"] = limit["sample"] = None
    return found


def test_a_plan_of_the_wizard_and_its_command_say_the_same(ada: Window) -> None:
    ada.go("/")

    plans = ada.page.evaluate(_PLANS, f"/static/{files.read().digest}")

    assert len(plans) == 7
    for read, is_said, command in plans:
        assert read["mistakes"] == []
        assert is_said, command
        options = {name: parsed(command)[name] for name in campaign_options._NAMES}
        said = campaign_request.body(**options)
        by_command = PlanBody.model_validate(said)
        assert limited(PlanBody.model_validate(read["body"])) == limited(by_command), command
