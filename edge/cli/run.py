"""`edge run`: boot a build in QEMU."""

import contextlib
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from edge.cli import customise
from edge.cli.customise import FirstOptions, FirstSettings
from edge.cli.output import Output
from edge.emulator import machine
from edge.emulator.command import Forward, Options
from edge.errors import InputError, LinkError, RefusedError, ToolError
from edge.image import provision
from edge.image.provision import Placed

READY = re.compile(
    r"edge: slot (?P<slot>[ab]): all (?P<count>\d+) services ready after (?P<s>\S+) s"
)
NOT_READY = re.compile(r"edge: slot (?P<slot>[ab]): not all services are ready")
TABLE_S = 3.0  # how long the table of services is waited for, after the line about readiness
CHOSEN = re.compile(r"edge: slot (?P<slot>[ab]), order (?P<order>[ab ]+), tries left (?P<left>.+)")


@click.command()
@click.argument("build", type=click.Path(path_type=Path, file_okay=False))
@click.option("--headless", is_flag=True, help="No keyboard: print the console only.")
@click.option("--json", "as_json", is_flag=True, help="Headless; one JSON object an event.")
@click.option("--timeout", "timeout_s", type=float, help="Give up after SECONDS (status 6).")
@click.option("--until-ready", is_flag=True, help="Switch off when all services are ready.")
@click.option("--disk", type=click.Path(path_type=Path), help="Keep the disk in this file.")
@click.option(
    "--identity",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with device.crt, device.key, server-ca.crt and epoch, put onto a new disk.",
)
@customise.options
@click.option("--memory", "memory_mib", type=int, help="Memory in MiB instead of the board's.")
@click.option("--forward", multiple=True, metavar="HOST:GUEST", help="A TCP port of the device.")
@click.option("--dry-run", is_flag=True, help="Print the command of QEMU only.")
@click.pass_obj
def run(
    output: Output,
    *,
    build: Path,
    headless: bool,
    as_json: bool,
    timeout_s: float | None,
    until_ready: bool,
    disk: Path | None,
    identity: Path | None,
    wanted: FirstOptions,
    memory_mib: int | None,
    forward: tuple[str, ...],
    dry_run: bool,
) -> None:
    r"""Boot a build in QEMU, console attached.

    BUILD is the folder that `edge build` made. Its disk image is copied first and stays as it is.
    Ctrl-a x switches the machine off, Ctrl-a c opens QEMU's monitor.

    \b
    Examples:
      edge run out/
      edge run out/ --headless --until-ready --timeout 60
      edge run out/ --json --forward 2222:22
      edge run out/ --disk card.img        # what is written stays
      edge run out/ --set hostname=gw-7 --set ssh.keys=file:id.pub
    """
    output.as_json |= as_json
    first = wanted.read()
    options = Options(memory_mib=memory_mib, forwards=tuple(_forward(text) for text in forward))
    if dry_run:
        words = machine.arguments(build, disk or Path("DISK"), options)
        output.result({"command": words}, " ".join(words))
        return
    files = _files(identity, first)
    with _disk(build, disk, files) as path:
        if output.as_json or headless or until_ready or timeout_s is not None:
            sys.exit(_watch(output, build, path, options, timeout_s, until_ready))
        sys.exit(machine.attach(build, path, options))


def _forward(text: str) -> Forward:
    if not (found := re.fullmatch(r"(\d{1,5}):(\d{1,5})", text)):
        raise InputError(f"--forward {text!r} is not HOST:GUEST", hint="like 2222:22")
    return Forward(int(found[1]), int(found[2]))


def _files(identity: Path | None, first: FirstSettings) -> tuple[Placed, ...]:
    """Return what goes onto a new disk.

    Raises:
        InputError: There are two identities.
    """
    if identity is None:
        return first.files
    if "identity" in first.names:
        raise InputError("--identity and the key identity are both given", hint="keep one")
    return (*provision.identity_files(identity), *first.files)


@contextlib.contextmanager
def _disk(build: Path, kept: Path | None, files: Sequence[Placed]) -> Iterator[Path]:
    if kept is not None:
        if not kept.exists():
            _make_disk(build, kept, files)
        elif files:
            raise RefusedError(f"{kept}: the disk is there, and has its first settings or none")
        machine.fit_disk(build, kept)
        yield kept
        return
    with TemporaryDirectory(prefix="edge-run-") as name:
        path = Path(name) / "disk.img"
        _make_disk(build, path, files)
        yield path


def _make_disk(build: Path, path: Path, files: Sequence[Placed]) -> None:
    machine.make_disk(build, path)
    if files:
        provision.put(path, files)


def _watch(
    output: Output,
    build: Path,
    disk: Path,
    options: Options,
    timeout_s: float | None,
    until_ready: bool,
) -> int:
    """Tell what the console says, until ready or off; return the exit status.

    Raises:
        LinkError: It took longer than `timeout_s`.
        ToolError: The machine went off before its services were ready, when that was asked for.
    """
    started_s = time.monotonic()
    with machine.running(build, disk=disk, options=options) as virtual:
        for line in virtual.lines(timeout_s):
            event = _event(line, time.monotonic() - started_s)
            sys.stdout.write((json.dumps(event) if output.as_json else line) + "\n")
            sys.stdout.flush()
            if until_ready and event["event"] in ("ready", "not-ready"):
                _services(virtual, output)
                return 0 if event["event"] == "ready" else 1
    if until_ready:
        raise ToolError("the machine went off before its services were ready")
    return 0


def _services(virtual: machine.Machine, output: Output) -> None:
    """Print the table of services that follows the line about readiness."""
    with contextlib.suppress(LinkError):
        for line in virtual.lines(TABLE_S):
            if output.as_json:
                sys.stdout.write(json.dumps({"event": "console", "text": line}) + "\n")
            else:
                sys.stdout.write(line + "\n")


def _event(line: str, after_s: float) -> dict[str, object]:
    event: dict[str, object] = {"event": "console", "after_s": round(after_s, 2), "text": line}
    if found := READY.search(line):
        event |= {"event": "ready", "slot": found["slot"], "services": int(found["count"])}
        event |= {"kernel_s": float(found["s"])}
    elif found := NOT_READY.search(line):
        event |= {"event": "not-ready", "slot": found["slot"]}
    elif found := CHOSEN.search(line):
        event |= {"event": "slot", "slot": found["slot"], "order": found["order"].split()}
        event |= {"tries_left": found["left"]}
    return event
