"""`edge boards check`: every mistake of a board profile, with its place."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from edge import paths
from edge.board.model import Board
from edge.board.search import read_board
from edge.cli.boards import file_of, place_facts, place_lines
from edge.cli.options import JSON
from edge.cli.output import Output
from edge.errors import InputError, Problem, ProblemsError
from edge.image import inputs
from edge.image.board_check import BoardCheck
from edge.image.board_disk import disk_plan
from edge.image.build import default_store
from edge.image.failures import told
from edge.image.inputs import LockPolicy
from edge.image.places import places
from edge.image.raw import Placed
from edge.oci.layer import package_tree
from edge.oci.store import Store
from edge.oci.tree import Tree
from edge.strict.document import Parsed, Step, parse, read_text
from edge.system.lock import LOCK_FILE, Request


@click.command()
@click.argument("board", metavar="NAME|PATH")
@click.option("--offline", is_flag=True, help="Only the file itself: no packages are looked at.")
@click.option("--mirror", help="Debian mirror (URI) instead of the host's own.")
@JSON
@click.pass_obj
def check(output: Output, *, board: str, offline: bool, mirror: str | None, as_json: bool) -> None:
    r"""Tell every mistake of a profile, and what lies where on the disk.

    The packages are looked up and fetched: each file and kernel module that is named has to be
    there and to fit, load addresses may not touch, and U-Boot needs the boot script's commands.

    \b
    Examples:
      edge boards check boards/mine
      edge boards check rpi4 --offline
    """
    output.as_json |= as_json
    file = file_of(board)
    found = read_board(file)
    disk = disk_plan(found, found.name)
    loaders: tuple[Placed, ...] = ()
    if not offline:
        parsed, store = parse(read_text(file), str(file)), default_store()
        with told(paths.cache_folder()):
            trees = _packages(found, parsed, store, output, mirror)
            looked = BoardCheck(found, parsed, disk, trees, store)
            if problems := looked.problems():
                raise ProblemsError(problems)
        loaders = looked.loaders()
    lying = places(found, disk, loaders)
    facts = {"file": str(file), "offline": offline, "disk": [place_facts(one) for one in lying]}
    how = "no mistakes in the file; its packages were not looked at" if offline else "no mistakes"
    output.result(facts, "\n".join([f"{file}: {how}", "", *place_lines(lying)]))


def _packages(
    board: Board, parsed: Parsed, store: Store, output: Output, mirror: str | None
) -> list[Tree]:
    """Return the trees of kernel and firmware.

    Raises:
        ProblemsError: Packages are not to be had, each with its place.
        LinkError: The mirror cannot be reached.
    """
    trees: list[Tree] = []
    problems: list[Problem] = []
    policy = LockPolicy(setting=mirror)
    for path, item, request in _requests(board):
        with TemporaryDirectory(prefix="edge-boards-") as folder:
            try:
                lock = inputs.pin({item: request}, Path(folder) / LOCK_FILE, policy, store, output)
            except InputError as error:
                problems.append(parsed.problem(path, str(error), hint=error.hint))
                continue
        trees += [package_tree(package, store).tree for package in lock.packages_of(item)]
    if problems:
        raise ProblemsError(problems)
    return trees


def _requests(board: Board) -> Iterator[tuple[tuple[Step, ...], str, Request]]:
    kernel = board.kernel.package
    yield ("kernel", "package"), f"{inputs.KERNEL}{kernel}", Request((kernel,))
    if board.packages:
        yield ("packages",), inputs.board_item(board), Request(board.packages)
