"""`edge lock`: pin what a build takes from the archive."""

from pathlib import Path

import click

from edge import paths
from edge.board.search import find
from edge.cli.build import lock_file
from edge.cli.output import Output
from edge.image import inputs
from edge.image.build import default_store
from edge.image.failures import told
from edge.image.inputs import LockPolicy
from edge.system.load import load


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="SYSTEM.yml...")
@click.option("-b", "--board", "board_name", required=True, help="The kind of hardware.")
@click.option("--update", is_flag=True, help="Move all items to the newest versions.")
@click.option("--item", multiple=True, help="Move only this item, such as service/agent.")
@click.option("--mirror", help="Debian mirror (URI) instead of the host's own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; errors too.")
@click.pass_obj
def lock(
    output: Output,
    *,
    files: tuple[str, ...],
    board_name: str,
    update: bool,
    item: tuple[str, ...],
    mirror: str | None,
    as_json: bool,
) -> None:
    r"""Pin the packages of a system in edge.lock.

    It lies beside the first system file.

    Without --update only what is not pinned yet is looked up. All packages are fetched into the
    content store, so that a build can follow offline.

    \b
    Examples:
      edge lock system.yml --board rpi4
      edge lock system.yml --board rpi4 --update
      edge lock system.yml --board rpi4 --item service/agent
    """
    output.as_json |= as_json
    file = lock_file(files)
    before = file.read_text() if file.exists() else ""
    wanted = inputs.requests(load(files), find(board_name))
    policy = LockPolicy(update=None if update else item, setting=mirror)
    with told(paths.cache_folder()):
        made = inputs.pin(wanted, file, policy, default_store(), output)
    changed = file.read_text() != before
    _tell(output, file, len(made.packages), len(made.items), changed=changed)


def _tell(output: Output, file: Path, packages: int, items: int, *, changed: bool) -> None:
    facts = {"file": str(file), "packages": packages, "items": items, "changed": changed}
    how = "changed" if changed else "as it was"
    output.result(facts, f"{file}: {how}; {packages} packages for {items} items")
