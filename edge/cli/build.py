"""`edge build`: a system file and a board become a disk image, or other outputs."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from edge.board.none import none
from edge.board.search import find
from edge.bundle.levels import LEVELS, Level
from edge.cli import key_folder
from edge.cli.defaults_option import defaults_option
from edge.cli.options import JSON
from edge.cli.output import Output
from edge.cli.registry_options import with_policy
from edge.cli.table import human
from edge.errors import InputError
from edge.image import build as images
from edge.image import formats, in_place, manifest, pins
from edge.image.clock_floor import clock_floor_s
from edge.image.formats import Format
from edge.image.inputs import LockPolicy, requests
from edge.image.order import Order
from edge.image.outputs import DISK, UPDATE
from edge.system.defaults import Defaults
from edge.system.load import STDIN, load
from edge.system.lock import LOCK_FILE

MIB = 1 << 20
STDOUT = Path("-")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="SYSTEM.yml...")
@click.option("-b", "--board", "board_name", help="The kind of hardware; a disk is for one.")
@click.option(
    "-f",
    "--format",
    "format_words",
    multiple=True,
    metavar="FORMAT[,FORMAT…]",
    help=f"What to make: {', '.join(Format)}; can be repeated.  [default: disk]",
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("out"),
    show_default=True,
    help='Folder of the result; an earlier build in it is replaced. "-": a tar to stdout.',
)
@defaults_option
@click.option("--name", help="What the system is called; else the name of the first file.")
@click.option("--version", "version", default="0.1.0", show_default=True, help="Of this release.")
@click.option(
    "--counter",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Rollback counter: no device goes back below the highest that it ran.",
)
@click.option(
    "--keys",
    "keys_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="What the device trusts; else keys/ if it is here, else the development keys.",
)
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="fast",
    show_default=True,
    help="How hard to compress update.edge.",
)
@click.option("--no-update", is_flag=True, help="Leave update.edge and disk.edge out: quicker.")
@with_policy
@click.option("--dry-run", is_flag=True, help="Check the files and print what would be built.")
@JSON
@click.pass_obj
def build(
    output: Output,
    *,
    files: tuple[str, ...],
    board_name: str | None,
    format_words: tuple[str, ...],
    folder: Path,
    defaults: Defaults,
    name: str | None,
    version: str,
    counter: int,
    keys_folder: Path | None,
    level: Level,
    no_update: bool,
    policy: LockPolicy,
    dry_run: bool,
    as_json: bool,
) -> None:
    r"""Build a bootable A/B disk image, or other formats, from system files.

    Several files are appended: fields of the kernel override, lists concatenate. "-" reads the
    standard input. Packages and images are pinned in edge.lock beside the first file. Only disk
    and disk.zst need a board.

    \b
    Examples:
      edge build examples/minimal.yml --board qemu-arm64 -o out/
      edge build examples/minimal.yml examples/debug.yml --board qemu-arm64
      edge build system.yml --board rpi4 --version 1.2.0 --locked
      edge build system.yml --format tar -o - | tar -t
      edge build linuxkit.yml --format tar --defaults linuxkit
    """
    output.as_json |= as_json
    order = Order(
        formats=formats.parse(format_words),
        system=load(files, defaults=defaults),
        board=find(board_name) if board_name else none(),
        name=name or name_of(files),
        version=version,
        lock_file=lock_file(files),
        policy=policy,
        clock_s=clock_floor_s(),
        counter=counter,
    )
    if dry_run:
        _tell_plan(output, order)
    else:
        _make(output, order, folder, keys_folder, None if no_update else level)


def _make(
    output: Output, order: Order, folder: Path, keys_folder: Path | None, level: Level | None
) -> None:
    """Build what is asked for; without a level no update."""
    order = replace(order, trusted_root=key_folder.trusted_root(keys_folder))
    if folder == STDOUT:
        _write_to_stdout(output, order)
        return
    finish = _updating(output, order, keys_folder, level)
    images.build(order, folder, finish=finish, progress=output)
    _tell_result(output, folder)


def _updating(
    output: Output, order: Order, keys_folder: Path | None, level: Level | None
) -> Callable[[Path], None]:
    """Return what writes the bundle of a build; nothing does without a level or a disk."""
    if level is None or not formats.has_disk(order.formats):
        return lambda _folder: None
    from edge.cli import build_update  # what it imports is not for builds without an update

    return build_update.writer(output, keys_folder, level, clock_s=order.clock_s)


def name_of(files: tuple[str, ...]) -> str:
    """Return what a system is called: the name of its first file."""
    return "system" if files[0] == STDIN else Path(files[0]).stem


def lock_file(files: tuple[str, ...]) -> Path:
    """Return where the lock of these system files is: beside the first."""
    return Path() / LOCK_FILE if files[0] == STDIN else Path(files[0]).parent / LOCK_FILE


def _write_to_stdout(output: Output, order: Order) -> None:
    """Write a tar to the standard output.

    Raises:
        InputError: Something else is wanted, or the output is a terminal.
    """
    if order.formats != (Format.TAR,) or output.as_json:
        raise InputError("-o - is for --format tar alone, without --json", hint="give a folder")
    if sys.stdout.isatty():
        raise InputError("-o -: the standard output is a terminal", hint="edge build … -o - >FILE")
    images.write_tar(order, sys.stdout.buffer, output)
    sys.stdout.buffer.flush()


def _tell_plan(output: Output, order: Order) -> None:
    wanted = requests(order.system, order.board)
    images = list(pins.items(pins.references(order.system.parts), order.lock_file.parent))
    facts = {
        "system": order.name,
        "board": order.board.name,
        "version": order.version,
        "formats": list(order.formats),
        "services": list(order.system.order),
        "packages": {name: list(request.packages) for name, request in wanted.items()},
        "images": images,
    }
    lines = [f"{order.name} {order.version} for {order.board.name}: {', '.join(order.formats)}"]
    lines.append(f"services, in start order: {', '.join(order.system.order) or 'none'}")
    lines += [f"{name}: {' '.join(request.packages)}" for name, request in wanted.items()]
    lines += [f"{pins.IMAGE}{name}" for name in images]
    output.result(facts, "\n".join(lines))


def _tell_result(output: Output, folder: Path) -> None:
    facts = manifest.read(folder)
    lines = _disk_lines(folder, facts) if facts["rootfs"] else []
    roots = [Format(name) for name in facts["formats"] if Format(name) not in formats.DISKS]
    lines += _root_lines(folder, facts, roots)
    lines.append(f"  what it costs and may do: edge report {folder}")
    output.result({"folder": str(folder), **facts}, "\n".join(lines))


def _disk_lines(folder: Path, facts: Mapping[str, Any]) -> list[str]:
    disk, update = (folder / DISK).stat(), folder / UPDATE
    return [
        f"{folder / DISK}: {facts['system']} {facts['version']} for {facts['board']}",
        f"  disk {disk.st_size // MIB} MiB, {disk.st_blocks * 512 / MIB:.1f} MiB of it filled;"
        f" root {facts['rootfs']['total_bytes'] / MIB:.1f} MiB,"
        f" root hash {facts['rootfs']['root_hash'][:16]}…",
        *([f"  {update}: {human(update.stat().st_size)}"] if update.exists() else []),
        *_service_lines(folder, facts),
        f"  run it:    edge run {folder}",
        f"  put it on a card: edge flash --board {facts['board']} {folder}",
    ]


def _service_lines(folder: Path, facts: Mapping[str, Any]) -> list[str]:
    """Return a line for each bundle of a service that is updated in place."""
    bundles = [in_place.bundle_file(folder, name) for name in facts["in_place"]]
    return [f"  {path}: {human(path.stat().st_size)}" for path in bundles if path.exists()]


def _root_lines(folder: Path, facts: Mapping[str, Any], roots: Sequence[Format]) -> list[str]:
    """Return a line for each file of the formats of the root; a layout counts as one."""
    lines = []
    for one in roots:
        for name in formats.file_names(one, facts["system"]):
            sizes = [
                entry["bytes"]
                for path, entry in facts["files"].items()
                if path == name or path.startswith(f"{name}/")
            ]
            lines.append(f"{folder / name}: {one}, {human(sum(sizes))}")
    return lines
