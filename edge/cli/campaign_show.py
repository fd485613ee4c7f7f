"""`edge campaign list`, `show`, `devices`, `journal`."""

from datetime import datetime

import click

from edge.cli import campaign_plan, campaign_text, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.table import table
from edge.console.campaigns.members import MemberState
from edge.console.client import Client, part


@click.command("list")
@console_options.options
@JSON
@click.pass_obj
def list_campaigns(output: Output, *, client: Client, as_json: bool) -> None:
    r"""List campaigns, the newest first.

    \b
    Example:
      edge campaign list
    """
    output.as_json |= as_json
    found = client.get("/campaigns")
    rows = [
        (
            *(one["campaign"], one["name"], campaign_text.releases(one), one["state"]),
            f"{one['open_wave']}/{one['waves']}",
            f"{one['reached']}/{one['devices']}",
            one["reason"],
        )
        for one in found["campaigns"]
    ]
    head = ("campaign", "name", "release", "state", "wave", "ordered", "reason")
    output.result(found, "\n".join(table(head, rows, right={4, 5})) if rows else "no campaigns")


@click.command()
@click.argument("campaign")
@click.option("--plan", "is_plan", is_flag=True, help="Its plan, as a file for --plan of create.")
@console_options.options
@JSON
@click.pass_obj
def show(output: Output, *, campaign: str, is_plan: bool, client: Client, as_json: bool) -> None:
    r"""Show how a campaign stands, wave by wave.

    \b
    Examples:
      edge campaign show c-1f2e3d4c
      edge campaign show c-1f2e3d4c --plan > careful.yml
    """
    output.as_json |= as_json
    found = client.get(f"/campaigns/{part(campaign)}")
    if is_plan:
        output.result(found["plan"], campaign_plan.text(found["plan"]).rstrip())
        return
    output.result(found, campaign_text.campaign(found))


@click.command()
@click.argument("campaign")
@click.option(
    "--state",
    type=click.Choice([str(one) for one in MemberState]),
    help="Only those that stand so.",
)
@click.option("--wave", type=click.IntRange(1, 100), help="Only those of this wave.")
@console_options.options
@JSON
@click.pass_obj
def devices(
    output: Output,
    *,
    campaign: str,
    state: str | None,
    wave: int | None,
    client: Client,
    as_json: bool,
) -> None:
    r"""List the devices of a campaign, and why they stand so.

    \b
    Example:
      edge campaign devices c-1f2e3d4c --state failed
    """
    output.as_json |= as_json
    words = {name: value for name, value in (("state", state), ("wave", wave)) if value}
    found = list(client.pages(f"/campaigns/{part(campaign)}/devices", "devices", **words))
    rows = [
        (
            *(one["device"], str(one["wave"]), one["state"]),
            one["from_version"],
            # Of its newest order: which step of a set it is in.
            one["release"].split("/")[1] if one["release"] else "",
            one["reason"],
        )
        for one in found
    ]
    head = ("device", "wave", "state", "from", "to", "reason")
    output.result({"devices": found}, "\n".join(table(head, rows, right={1})) if rows else "none")


@click.command()
@click.argument("campaign")
@click.option("--after", type=click.IntRange(0), default=0, help="Only entries after this one.")
@click.option(
    "--limit", type=click.IntRange(1, 500), default=500, show_default=True, help="How many at most."
)
@console_options.options
@JSON
@click.pass_obj
def journal(
    output: Output, *, campaign: str, after: int, limit: int, client: Client, as_json: bool
) -> None:
    r"""Tell what happened in a campaign, in order.

    \b
    Example:
      edge campaign journal c-1f2e3d4c
    """
    output.as_json |= as_json
    found = client.get(f"/campaigns/{part(campaign)}/journal", after=after, limit=limit)
    rows = [
        (
            str(one["number"]),
            datetime.fromtimestamp(one["at_s"]).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            one["device"] or one["by"] or "campaign",
            one["what"],
            "; ".join(filter(None, (one["reason"], campaign_text.trip(one["trip"])))),
        )
        for one in found["entries"]
    ]
    head = ("no", "time", "who", "what", "reason")
    output.result(found, "\n".join(table(head, rows, right={0})) if rows else "nothing yet")
