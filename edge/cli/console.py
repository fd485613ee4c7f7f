"""`edge console`: run the console, say which one the other commands ask, make tokens."""

import click

from edge.cli.sections import LazyGroup


@click.group(cls=LazyGroup)
def console() -> None:
    """Run the console; say which one the other commands ask."""


console.add_lazily(
    {
        "serve": "edge.cli.console_serve:serve",
        "demo": "edge.cli.console_demo:demo",
        "backup": "edge.cli.console_backup:backup",
        "restore": "edge.cli.console_backup:restore",
        "login": "edge.cli.console_login:login",
        "tenant": "edge.cli.console_tenant:tenant",
        "token": "edge.cli.console_token:token",
    }
)
