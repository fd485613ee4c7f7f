"""The command `edge`: options for all commands, errors to exit codes."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import click

from edge.cli.output import Output
from edge.cli.sections import WIDTH, Sections
from edge.errors import (
    EdgeError,
    InputError,
    LinkError,
    RefusedError,
    ServerError,
    ThingNotFoundError,
    UntrustedError,
)
from edge.image.failures import explained
from edge_signing.errors import SigningError, TrustError

# DESIGN.md §10; 0 is done, 1 failed.
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
COLLECT_AFTER = 50_000  # objects; Python's own 700 costs a tenth of a build's time


CONTEXT = {
    "auto_envvar_prefix": "EDGE",
    "help_option_names": ["-h", "--help"],
    "max_content_width": WIDTH,
}


@click.group(cls=Sections, context_settings=CONTEXT)
@click.option("--json", "as_json", is_flag=True, help="Results and errors as JSON, one a line.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="Tell more.")
@click.version_option(package_name="edge-os", message="%(version)s")
@click.pass_obj
def edge(output: Output, *, as_json: bool, quiet: bool, verbose: bool) -> None:
    r"""One toolkit from board to fleet: build images for ARM boards, run them, keep them updated.

    \b
    Examples:
      edge build examples/minimal.yml --board qemu-arm64 -o out/
      edge run out/
    """
    output.as_json |= as_json
    output.quiet |= quiet
    output.verbose |= verbose
    if not gc.isenabled():
        gc.freeze()  # what was imported stays: no look for cycles in it
        gc.enable()


_SECTIONS = {
    "Images": ("build", "run", "report", "lock"),
    "Boards": ("flash", "factory", "serial", "fastboot", "rpi", "udev"),
    "Updates": ("release", "bundle"),
    "Fleet": (
        "console",
        "devices",
        "enrolment",
        "groups",
        "releases",
        "deploy",
        "campaign",
        "orders",
        "people",
        "simulate",
        "audit",
        "hooks",
    ),
    "Trust": ("keys", "sign"),
    "What there is": ("boards", "service", "schema"),
    "This machine": ("doctor", "cache"),
}
# Each command is the function of its name in the module of its name.
edge.add_sections(
    {
        title: {name: f"edge.cli.{name}:{name}" for name in names}
        for title, names in _SECTIONS.items()
    }
)


def status_of(error: EdgeError) -> int:
    """Return the exit status for an error."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `edge` and return its exit status.

    Args:
        arguments: Those of the command line when None; a signal to end then cleans up as Ctrl-C.
    """
    if arguments is None:
        signal.signal(signal.SIGTERM, _interrupt)
        gc.set_threshold(COLLECT_AFTER)
        gc.disable()  # until the command is imported
        _open_outputs()
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Wrong usage is told as JSON too, when no command has read its options yet.
    output = Output(as_json="--json" in words, words=words)
    return _status(output, lambda: edge.main(words, "edge", standalone_mode=False, obj=output))


def _open_outputs() -> None:
    """Let what is written go nowhere where a caller has closed an output."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def _status(output: Output, run_command: Callable[[], object]) -> int:
    try:
        status = run_command()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except (EdgeError, SigningError, click.ClickException, OSError) as error:
        return _tell(output, _ours(error))
    except (click.Abort, KeyboardInterrupt):
        output.error(EdgeError("interrupted"), status=INTERRUPTED)
        return INTERRUPTED
    return status if isinstance(status, int) else 0


def _tell(output: Output, error: EdgeError) -> int:
    status = status_of(error)
    output.error(error, status=status)
    return status


def _ours(error: EdgeError | SigningError | click.ClickException | OSError) -> EdgeError:
    match error:
        case EdgeError():
            return error
        case TrustError():
            return UntrustedError(str(error), hint=error.hint)
        case SigningError():
            return EdgeError(str(error), hint=error.hint)
        case click.ClickException():
            context = error.ctx if isinstance(error, click.UsageError) else None
            where = context.command_path if context else "edge"
            return InputError(error.format_message(), hint=f"see `{where} --help`")
        case OSError():
            return explained(error)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
