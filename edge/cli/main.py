"""The command `edge`: options for all commands, errors to exit codes."""

import sys
from collections.abc import Sequence

import click

from edge.cli.board import board
from edge.cli.build import build
from edge.cli.cache import cache
from edge.cli.doctor import doctor
from edge.cli.lock import lock
from edge.cli.output import Output
from edge.cli.report import report
from edge.cli.run import run
from edge.cli.schema import schema
from edge.errors import (
    EdgeError,
    InputError,
    LinkError,
    RefusedError,
    ServerError,
    ThingNotFoundError,
    UntrustedError,
)

# DESIGN.md §10; 0 is done, 1 failed, 130 interrupted.
STATUSES: tuple[tuple[type[EdgeError], int], ...] = (
    (InputError, 2),
    (ThingNotFoundError, 3),
    (UntrustedError, 4),
    (RefusedError, 5),
    (LinkError, 6),
    (ServerError, 7),
    (EdgeError, 1),
)
INTERRUPTED = 130


@click.group(context_settings={"auto_envvar_prefix": "EDGE", "help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Results and errors as JSON, one a line.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="Tell more.")
@click.version_option(package_name="edge-os", message="%(version)s")
@click.pass_context
def edge(context: click.Context, *, as_json: bool, quiet: bool, verbose: bool) -> None:
    r"""One toolkit from board to fleet: build images for ARM boards, run them, keep them updated.

    \b
    Examples:
      edge build examples/minimal.yml --board qemu-arm64 -o out/
      edge run out/
    """
    context.obj = Output(as_json=as_json, quiet=quiet, verbose=verbose)


for command in (build, run, lock, report, board, schema, cache, doctor):
    edge.add_command(command)


def status_of(error: EdgeError) -> int:
    """Return the exit status for an error."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `edge` and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        edge.main(words, prog_name="edge", standalone_mode=False)
    except EdgeError as error:
        status = status_of(error)
        Output(as_json="--json" in words).error(error, status=status)
        return status
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except click.exceptions.Exit as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
