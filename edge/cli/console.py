"""`edge console`: run the console, say which one the other commands ask, make tokens."""

import click

from edge.cli.sections import LazyGroup


@click.group(cls=LazyGroup)
def console() -> None:
    r"""Run the console; say which one the other commands ask.

    \b
    Examples:
      edge console demo                 # one with a fleet, to look at
      edge console serve --keys keys/ --factory-ca factory-ca.crt
      edge console login https://fleet.example.com:8444 --token-file admin.token
    """


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
