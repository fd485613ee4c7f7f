"""Programs by name, ready to be run by `edge.process.run`.

A program of the catalogue comes from the tool tree only, never from the host: other versions
would make other bytes.
"""

import shutil
from pathlib import Path

from edge.errors import ToolError
from edge.toolbox import catalogue, tree


def tool(name: str) -> list[str]:
    """Return the words that start a program; its arguments go after them.

    A name that the catalogue does not know is looked for on the host's PATH.

    Raises:
        ToolError: It is not there; the hint names the command that brings it.
    """
    group = catalogue.group_of(name)
    found = place(name)
    if found is not None:
        return [str(found)]
    if group is None:
        raise ToolError(f"{name}: program not found", hint="run `edge doctor`")
    raise ToolError(f"{name} ({group.package}) is missing", hint=catalogue.TREE_HINT)


def place(name: str) -> Path | None:
    """Return where a program is: in the tree, or on the host if the catalogue has it not."""
    if catalogue.group_of(name) is not None:
        script = tree.folder() / "bin" / name
        return script if script.is_file() and tree.installed() else None
    found = shutil.which(name)
    return Path(found) if found else None


def qemu_data() -> Path:
    """Return the folder of QEMU's own files, for its option `-L`.

    Raises:
        ToolError: The tool tree is not installed.
    """
    tool("qemu-system-aarch64")
    return tree.folder() / "root" / "usr" / "share" / "qemu"
