"""`edge campaign`: bring a release to many devices, in waves that stop by themselves."""

import click

from edge.cli.sections import LazyGroup


@click.group(cls=LazyGroup)
def campaign() -> None:
    r"""Bring a release to many devices, in waves that stop by themselves.

    \b
    Example:
      edge campaign create --release 1.2.0 --target group:eu --waves 1%,10%,50%,100% --preview
      edge campaign create --release 1.2.0 --target group:eu --waves 1%,10%,50%,100% --start
      edge campaign watch c-1f2e3d4c
    """


_DECIDE = "edge.cli.campaign_decide"
campaign.add_lazily(
    {
        "create": "edge.cli.campaign_create:create",
        "list": "edge.cli.campaign_show:list_campaigns",
        "show": "edge.cli.campaign_show:show",
        "watch": "edge.cli.campaign_watch:watch",
        "devices": "edge.cli.campaign_show:devices",
        "journal": "edge.cli.campaign_show:journal",
        "verify": "edge.cli.campaign_verify:verify",
        "edit": "edge.cli.campaign_create:edit",
        "approve": "edge.cli.campaign_approve:approve",
        **{
            name: f"{_DECIDE}:{name.replace('-', '_')}"
            for name in (
                *("start", "pause", "resume", "next-wave", "finish", "abort", "revert"),
                *("retry", "remove"),
            )
        },
    }
)
