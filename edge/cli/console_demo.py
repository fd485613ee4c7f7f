"""`edge console demo`: a campaign that gets rid of a bad release by itself, in a minute."""

import asyncio
import json
import logging
import shlex
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.errors import InputError, ToolError

if TYPE_CHECKING:
    from edge.console.demo import Demo


@click.command("demo")
@click.option(
    "--devices",
    type=click.IntRange(10, 1000),
    default=50,
    show_default=True,
    help="How many there are.",
)
@click.option(
    "--fails",
    type=click.IntRange(0, 100),
    default=8,
    show_default=True,
    metavar="PERCENT",
    help="On how many of them the new release fails.",
)
@click.option("--seed", type=click.IntRange(0), default=3, show_default=True, help="Of all chance.")
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 1000),
    default=20.0,
    show_default=True,
    help="How much faster than real ones the devices are.",
)
@click.option("--no-mqtt", is_flag=True, help="By HTTP alone: Mosquitto is not needed.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Empty folder to keep all in; else it is thrown away.",
)
@click.option(
    "--stay", is_flag=True, help="Go on until Ctrl-C, to look at the page and try commands."
)
@JSON
@click.pass_obj
def demo(
    output: Output,
    *,
    devices: int,
    fails: int,
    seed: int,
    speed: float,
    no_mqtt: bool,
    folder: Path | None,
    stay: bool,
    as_json: bool,
) -> None:
    r"""Show a campaign: 50 simulated devices, and a release that fails on 8 % of them.

    A console is started with keys, two releases and a fleet on the real protocols. The campaign
    brings the new release to canaries first; as some of them fail it stops by itself, and lets all
    devices run again what they ran before. The last line is JSON.

    \b
    Examples:
      edge console demo
      edge console demo --stay            # and look at the page
      edge console demo --fails 0         # a good release reaches all
    """
    output.as_json |= as_json
    try:
        from edge.console.demo import DemoSettings
    except ModuleNotFoundError as error:
        raise ToolError(
            f"the Python package {error.name} is not here", hint="pip install 'edge-os[console]'"
        ) from error
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-demo-")))
        elif folder.exists() and any(folder.iterdir()):
            raise InputError(f"{folder}: not empty", hint="name a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        settings = DemoSettings(
            folder.absolute(),
            devices=devices,
            fails_percent=fails,
            seed=seed,
            speed=speed,
            has_mqtt=not no_mqtt,
        )
        asyncio.run(_run(output, settings, stay=stay))


async def _run(output: Output, settings: object, *, stay: bool) -> None:
    from edge.console import demo as show

    logging.basicConfig(level=logging.INFO if output.verbose else logging.ERROR)
    assert isinstance(settings, show.DemoSettings)
    async with show.running(settings, output.line) as one:
        output.line(f"the page: {one.url.rstrip('/')}{one.running.welcome}")
        if stay:
            output.line(f"in another shell: {_exports(one)}")
            output.line("                  edge devices list; edge campaign list")
        facts = await one.play()
        if stay:
            output.line("it goes on until Ctrl-C")
        output.result(facts, json.dumps(facts))
        if stay:
            await asyncio.Event().wait()


def _exports(one: "Demo") -> str:
    """Return the line of a shell by which commands reach the console."""
    named = {
        "URL": one.url.rstrip("/"),
        "TOKEN_FILE": shlex.quote(str(one.site.admin_token)),
        "CA": shlex.quote(str(one.site.authority)),
    }
    return "export " + " ".join(f"EDGE_CONSOLE_{name}={value}" for name, value in named.items())
