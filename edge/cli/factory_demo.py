"""`edge factory demo`: a line with simulated boards, in a minute."""

import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click

from edge.cli.factory_rework import now_ms
from edge.cli.factory_run import watching
from edge.cli.output import Output
from edge.errors import InputError, UntrustedError


@click.command("demo")
@click.option(
    "--boards",
    type=click.IntRange(1, 10_000),
    default=24,
    show_default=True,
    help="How many are made.",
)
@click.option(
    "--ports",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="How many are worked on at a time.",
)
@click.option(
    "--fails",
    type=click.IntRange(0, 100),
    default=30,
    show_default=True,
    metavar="PERCENT",
    help="How many have a fault: in any step, pulled out, swapped.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of all chance.")
@click.option(
    "--step-seconds",
    type=click.FloatRange(0, 60),
    default=0.6,
    show_default=True,
    help="How long a step takes at most.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Empty folder to keep the line in; else it is thrown away.",
)
@click.option("--json", "as_json", is_flag=True, help="All events as JSON lines.")
@click.pass_obj
def demo(
    output: Output,
    *,
    boards: int,
    ports: int,
    fails: int,
    seed: int,
    step_seconds: float,
    folder: Path | None,
    as_json: bool,
) -> None:
    r"""Show a line: 24 simulated boards at 8 ports, of which some fail, are pulled or swapped.

    Engine, ledger, ids and station are the real ones; boards, keys and image are not. At the end
    the ledger is verified. The last line is JSON.

    \b
    Examples:
      edge factory demo
      edge factory demo --dir demo-line/ && edge factory report demo-line/
    """
    output.as_json |= as_json
    from edge.factory import demo as demos
    from edge.factory.simulated import Lot

    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-factory-")))
        elif folder.exists() and any(folder.iterdir()):
            raise InputError(f"{folder}: not empty", hint="name a new folder")
        begun_s = time.monotonic()
        lot = Lot(seed, boards, fails, step_seconds)
        with watching(output) as listener:
            found = demos.run(folder, lot, ports, now_ms=now_ms, look_on=listener)
        facts = {**found.to_json(), "seconds": round(time.monotonic() - begun_s, 1)}
        click.echo(json.dumps(facts))
        if found.findings:
            raise UntrustedError("\n".join(found.findings))
