"""`edge lock`: pin what a build takes from the archive."""

from pathlib import Path

import click

from edge import paths
from edge.board.search import find
from edge.cli.build import lock_file
from edge.cli.defaults_option import defaults_option
from edge.cli.options import JSON
from edge.cli.output import Output
from edge.cli.registry_options import with_registries
from edge.image import inputs, pins
from edge.image.build import default_store
from edge.image.failures import told
from edge.image.inputs import LockPolicy
from edge.oci.registry.endpoint import Registries
from edge.system.defaults import Defaults
from edge.system.load import load
from edge.system.lock import Lock


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="SYSTEM.yml...")
@click.option("-b", "--board", "board_name", required=True, help="The kind of hardware.")
@defaults_option
@click.option("--update", is_flag=True, help="Move all items to the newest versions.")
@click.option("--item", multiple=True, help="Move only this item, such as service/agent.")
@click.option("--mirror", help="Debian mirror (URI) instead of the host's own.")
@with_registries
@JSON
@click.pass_obj
def lock(
    output: Output,
    *,
    files: tuple[str, ...],
    board_name: str,
    defaults: Defaults,
    update: bool,
    item: tuple[str, ...],
    mirror: str | None,
    registries: Registries,
    as_json: bool,
) -> None:
    r"""Pin the packages and images of a system in edge.lock.

    It lies beside the first system file.

    Without --update only what is not pinned yet is looked up, and a tag that has moved is not
    noticed. All packages and images are fetched into the content store, so that a build can follow
    offline.

    \b
    Examples:
      edge lock system.yml --board rpi4
      edge lock system.yml --board rpi4 --update
      edge lock system.yml --board rpi4 --item service/agent
      edge lock system.yml --board rpi4 --item image/docker.io/library/redis:7
    """
    output.as_json |= as_json
    file = lock_file(files)
    before = file.read_text() if file.exists() else ""
    system = load(files, defaults=defaults)
    wanted = inputs.requests(system, find(board_name))
    policy = LockPolicy(update=None if update else item, setting=mirror, registries=registries)
    with told(paths.cache_folder()):
        named = pins.references(system.parts)
        made = inputs.pin(wanted, file, policy, default_store(), output, images=named)
    changed = file.read_text() != before
    _tell(output, file, made, changed=changed)


def _tell(output: Output, file: Path, made: Lock, *, changed: bool) -> None:
    counts = {
        "packages": len(made.packages),
        "items": len(made.items),
        "images": len(made.images),
    }
    how = "changed" if changed else "as it was"
    images = f", {counts['images']} images" if made.images else ""
    text = f"{file}: {how}; {counts['packages']} packages for {counts['items']} items{images}"
    output.result({"file": str(file), **counts, "changed": changed}, text)
