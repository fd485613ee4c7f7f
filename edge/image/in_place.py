"""The images of services that are updated in place, beside the disk: one release each.

They are made like the root of a slot, erofs with its hash tree, and stay the same between builds as
long as their content does. The salt of the tree is the digest by which the root names its own
version: so a release says to which systems it brings nothing new.
"""

from collections.abc import Mapping
from pathlib import Path

from edge.image import erofs, plan
from edge.image.outputs import SERVICES
from edge.oci import in_place
from edge.oci.tree import Tree
from edge.progress import Progress
from edge_agent import verity
from edge_agent.verity import Verity


def image_file(folder: Path, name: str) -> Path:
    """Return where the image of a service is in a build folder."""
    return folder / SERVICES / f"{name}.img"


def bundle_file(folder: Path, name: str) -> Path:
    """Return where its bundle is."""
    return folder / SERVICES / f"{name}.edge"


def write(
    folder: Path, root: Tree, *, seed: str, compress: erofs.Compression, progress: Progress
) -> Mapping[str, Verity]:
    """Write the image of each service into a build folder; return what opens them, by name.

    Raises:
        ToolError: mkfs.erofs is missing or failed.
    """
    digests = in_place.digests(root)
    opened: dict[str, Verity] = {}
    if not digests:
        return opened
    with progress.task("write the images of services", total=len(digests), unit="images") as task:
        for name, digest in digests.items():
            path = image_file(folder, name)
            tree = in_place.image_tree(root, name)
            uuid = plan.guid_of(seed, f"service {name}")
            erofs.make(tree, path, uuid=uuid, compress=compress)
            opened[name] = verity.append_tree(path, salt=bytes.fromhex(digest))
            task.advance()
    return opened
