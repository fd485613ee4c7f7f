"""`edge campaign create` and `edit`: plan, look at what it would do, make it."""

import click

from edge.cli import campaign_options, campaign_request, campaign_text, console_options
from edge.cli.campaign_options import Said
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client, part
from edge.errors import InputError


@click.command()
@click.option("--name", help="What people call it; else the release.")
@campaign_options.options
@click.option("--seed", type=click.IntRange(0), help="Of a preview, for the devices it showed.")
@click.option("--preview", "is_preview", is_flag=True, help="Tell what it would do, and end.")
@click.option("--start", "is_started", is_flag=True, help="Start it at once.")
@console_options.options
@JSON
@click.pass_obj
def create(
    output: Output,
    *,
    name: str | None,
    said: Said,
    seed: int | None,
    is_preview: bool,
    is_started: bool,
    client: Client,
    as_json: bool,
) -> None:
    r"""Make a campaign; `edge campaign start` lets it begin.

    \b
    A wave begins when enough of the one before has succeeded: committed the
    release, run it for --soak seconds and called since. Failed are devices that
    fell back, that report something else, or that are silent after their restart.
    Too many of them, in one wave (--stop-at) or by all reports together
    (--evidence), and no device more is ordered: with --on-trip abort what is under
    way is taken back, with --on-trip revert all go back to what they ran before.

    \b
    Several releases are a set: of each device the system that is for it, and of
    each service one version. It takes them one after the other, the system first,
    and has succeeded when it runs all of them.

    \b
    Examples:
      edge campaign create --release 1.2.0 --target 'group:eu' \
        --waves 1%,10%,50%,100% --preview
      edge campaign create --release 1.2.0 --canary lab-1 --canary lab-2 \
        --on-trip revert --bandwidth 20MB --start
      edge campaign create --plan careful.yml --release 1.2.0 --start
      edge campaign create --release 1.2.0 --release web+1.1.0 --release mqtt+2.0 \
        --preview
    """
    output.as_json |= as_json
    body = said.body()
    seeded = body if seed is None else {**body, "seed": seed}
    if is_preview:
        found = client.send("POST", "/campaign-previews", seeded)
        output.result(found, campaign_text.preview(found))
        return
    usual = f"to {' + '.join([body['version'], *body['also']])}"
    made = client.send("POST", "/campaigns", {**seeded, "name": name or usual})
    if is_started:
        made = client.send("POST", f"/campaigns/{part(made['campaign'])}/start", {})
    output.result(made, campaign_text.campaign(made))


@click.command()
@click.argument("campaign")
@campaign_options.options
@console_options.options
@JSON
@click.pass_obj
def edit(output: Output, *, campaign: str, said: Said, client: Client, as_json: bool) -> None:
    r"""Change what is said of the plan of a campaign; all else stays.

    It keeps its releases, target and waves, which have their devices already; limits, pace, times,
    policy, end and priority count at once. One that people approve is not changed.

    \b
    Example:
      edge campaign edit c-1f2e3d4c --at-once 500 --soak 1h
    """
    output.as_json |= as_json
    path = f"/campaigns/{part(campaign)}"
    if not said.given:
        raise InputError("nothing is to be changed", hint="--at-once 500")
    plan = client.get(path)["plan"]
    found = client.send("PUT", path, campaign_request.changed(plan, said.words, said.given))
    output.result(found, campaign_text.campaign(found))
