"""`edge flash [write]`: choose, ask, write, read back, let go."""

import contextlib
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import click

from edge.cli import ask, customise, flash_options, flash_target_options
from edge.cli.customise import FirstOptions, FirstSettings
from edge.cli.flash_options import ImageOptions
from edge.cli.flash_target_options import TargetOptions
from edge.cli.flash_targets import Choosing, Chosen
from edge.cli.flash_view import view
from edge.cli.output import Output
from edge.cli.table import human
from edge.errors import EdgeError, RefusedError, ThingNotFoundError
from edge.flash import jobs
from edge.flash.disks import sysfs
from edge.flash.methods.block_run import Outcome
from edge.flash.sources import http_stream
from edge.flash.sources.source import Facts, Source

SYSTEM_FILE = "system.yml"


@click.command()
@flash_options.options
@customise.options
@flash_target_options.options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Check all, say what would be written, and stop.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines: docs/flash.md has the events.")
@click.pass_context
def write(
    context: click.Context,
    *,
    chosen: ImageOptions,
    wanted: FirstOptions,
    meant: TargetOptions,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    r"""Write an image; this is what `edge flash` does without another word.

    It shows what it will write and where, asks, writes what is mapped, reads it back, writes the
    partition table last, and ejects. After an interrupt the same command goes on where it was.

    \b
    Examples:
      edge flash --board rpi4
      edge flash out/ --to /dev/sdb --dry-run
      edge flash out/ --to serial:/dev/ttyUSB0 --baud 921600
    """
    output: Output = context.obj
    output.as_json |= as_json
    meant.require_one_way()
    first = wanted.read()
    image = chosen.newest or _built(context, chosen, yes=yes)
    source = first.over(chosen.source(image))
    choosing = Choosing(
        source.facts,
        cache(lambda: chosen.profile(source)),
        meant.limits(source.facts.image_bytes, _holds(image)),
        replace(meant.block, private=bool(first.files)),
        meant.serial,
        meant.usb,
    )
    found = meant.targets(choosing)
    _show(output, source.facts, first, found)
    if dry_run:
        return
    _agree(found, yes=yes, forced=meant.forced)
    try:
        _run(output, source, found, meant.at_a_time)
    except KeyboardInterrupt:
        what = "go on where it was" if meant.block.verify else "start again"
        output.line(f"to {what}: {shlex.join(['edge', *output.words])}")
        raise


def _built(context: click.Context, chosen: ImageOptions, *, yes: bool) -> str:
    """Offer to build what is to be written.

    Raises:
        ThingNotFoundError: There is no build, and nothing to build or nobody to ask.
    """
    folder = f"out-{chosen.board}"
    hint = f"make one: edge build SYSTEM.yml --board {chosen.board} -o {folder}"
    missing = f"no build for {chosen.board} is here"
    if not Path(SYSTEM_FILE).is_file() or not (yes or sys.stdin.isatty()):
        raise ThingNotFoundError(missing, hint=hint)
    ask.confirm(f"{missing}; build {SYSTEM_FILE} into {folder}/?", yes=yes)
    from edge.cli.build import build

    words = [SYSTEM_FILE, "--board", str(chosen.board), "-o", folder]
    # What the build tells of itself is no result of this command.
    with contextlib.redirect_stdout(sys.stderr):
        build.main(words, standalone_mode=False, parent=context.parent, obj=context.obj)
    return folder


def _holds(image: str) -> tuple[str, ...]:
    if http_stream.is_url(image):
        return ()
    name = sysfs.volume_of(Path(image))
    return (name,) if name else ()


def _show(output: Output, facts: Facts, first: FirstSettings, found: Sequence[Chosen]) -> None:
    signed = f"signed: {facts.signer}" if facts.signer else "NOT SIGNED"
    amount = f"{human(facts.mapped_bytes)} of {human(facts.image_bytes)}"
    if output.as_json:
        output.result(
            {
                "event": "plan",
                "image": facts.name,
                "board": facts.board,
                "version": facts.version,
                "signed": facts.signer,
                "image_bytes": facts.image_bytes,
                "mapped_bytes": facts.mapped_bytes,
                "first_settings": list(first.names),
                "targets": [one.method.target for one in found],
            },
            "",
        )
        return
    if output.quiet:
        return
    output.line(f"image  {facts.name}: {signed}, {amount}")
    if first.names:
        output.line(f"with   first settings: {', '.join(first.names)}")
    for one in found:
        for number, line in enumerate(one.lines):
            output.line(f"{'to' if number == 0 else '':<5}  {line}")


def _agree(found: Sequence[Chosen], *, yes: bool, forced: str | None) -> None:
    """Go on only if the person says so; a forced disk is named by its serial number."""
    must_type = [one.must_type for one in found if one.must_type]
    if must_type and not (yes and forced):
        if not sys.stdin.isatty():
            raise RefusedError("nobody to ask for the serial number", hint="add --yes")
        typed = click.prompt("type its serial number to write to it", err=True)
        if typed != must_type[0]:
            raise RefusedError(f"{typed!r} is not the serial number of the disk")
        return
    what = "it" if len(found) == 1 else f"these {len(found)}"
    ask.confirm(f"all on {what} is lost; go on?", yes=yes)


def _run(output: Output, source: Source, found: Sequence[Chosen], at_a_time: int) -> None:
    """Write to all targets and tell of each.

    Raises:
        EdgeError: Of the kind of the first failure, if any target failed.
    """
    failures: list[EdgeError] = []
    alone = len(found) == 1 and not output.as_json  # its failure is told by who runs the command
    with view(output) as seen:

        def ended(target: str, outcome: Outcome) -> None:
            if not isinstance(outcome, EdgeError):
                seen.done(target, outcome)
                return
            failures.append(outcome)
            if not alone:
                seen.failed(target, str(outcome), outcome.hint)

        methods = [one.method for one in found]
        jobs.run(methods, source, seen.listener, ended, at_a_time=at_a_time)
    if failures and len(found) == 1:
        raise failures[0]
    if failures:
        raise EdgeError(f"{len(failures)} of {len(found)} targets failed")
