"""The image of one service folder, outside of any system."""

from pathlib import Path

from edge import toolbox
from edge.debian.mirror import mirror
from edge.errors import ToolError
from edge.image import inputs
from edge.image.inputs import LockPolicy
from edge.oci.image import Image
from edge.oci.store import Store
from edge.progress import Progress
from edge.system.lock import LOCK_FILE, Request
from edge.system.service import ServiceFolder, builtin_folders


def own_lock(folder: ServiceFolder) -> Path:
    """Return where the packages of one service are pinned: in its folder.

    A built-in one has it in the work folder, under a name of its own.
    """
    if folder.path in builtin_folders().values():
        return Path(f"{folder.name}.{LOCK_FILE}")
    return folder.path / LOCK_FILE


def built(folder: ServiceFolder, policy: LockPolicy, store: Store, progress: Progress) -> Image:
    """Return the image of a service folder; its packages are pinned in its own lock.

    Raises:
        InputError: The folder or its lock is wrong, or the lock may not change.
        LinkError: The mirror cannot be reached.
    """
    packaging = folder.packaging
    if packaging.build.c:
        _require_tools(policy, progress)
    request = Request(packaging.packages, packaging.without)
    wanted = {inputs.service_item(folder): request} if request.packages else {}
    lock = inputs.pin(wanted, own_lock(folder), policy, store, progress)
    return inputs.made(folder, lock, store)


def _require_tools(policy: LockPolicy, progress: Progress) -> None:
    if policy.offline and not toolbox.installed():
        raise ToolError("the tools are not installed", hint="build once without --offline")
    toolbox.install(progress, source=mirror(policy.setting) if policy.setting else None)
