"""The initramfs: our small init, the modules it loads, and what opens the verified root.

Uncompressed: the download is compressed as a whole, and updates stay small.
"""

from collections.abc import Sequence
from pathlib import Path

from edge import paths, toolbox
from edge.image import cpio
from edge.image.cpio import CpioEntry
from edge.oci.modules import Module
from edge.progress import Progress
from edge_agent.verity import Verity

FOLDERS = ("dev", "modules", "proc", "root", "run", "sys")
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-format-truncation")


def slot_conf(
    verity: Verity, *, watchdog_s: int | None, clock_s: int, boot: str | None = None
) -> bytes:
    """Return /slot.conf as device-agent/init/src/initramfs.c reads it.

    Args:
        verity: What opens the root.
        watchdog_s: After what time the watchdog bites, if there is one.
        clock_s: A time that has passed.
        boot: The driver of boot control, if it is another than that of U-Boot.
    """
    values = {
        "root_hash": verity.root_hash,
        "salt": verity.salt,
        "data_blocks": verity.data_blocks,
        "watchdog_s": watchdog_s,
        "clock_s": clock_s,
        "boot": boot,
    }
    known = {key: value for key, value in values.items() if value is not None}
    return "".join(f"{key}={value}\n" for key, value in known.items()).encode()


def entries(init: Path, modules: Sequence[Module], conf: bytes) -> list[CpioEntry]:
    """Return all files of the initramfs; modules load in the order given."""
    names = [f"{module.name}.ko" for module in modules]
    return [
        *(cpio.folder(name) for name in FOLDERS),
        cpio.file("init", init, mode=0o755),
        cpio.file("modules/order", "".join(f"{name}\n" for name in names).encode()),
        *(
            cpio.file(f"modules/{name}", module.entry.read())
            for name, module in zip(names, modules, strict=True)
        ),
        cpio.file("slot.conf", conf, mode=0o600),
    ]


def program(scratch: Path, progress: Progress) -> Path:
    """Return the compiled program that starts the root, in a folder of the caller.

    Raises:
        ToolError: The compiler is missing or failed.
    """
    init = scratch / "initramfs-init"
    sources = paths.shipped("device-agent/init") / "src"
    named = [sources / name for name in ("initramfs.c", "verity.c", "initramfs.h")]
    toolbox.compile_c(named, init, static=True, flags=WARNINGS, progress=progress)
    return init


def write(
    output: Path, modules: Sequence[Module], conf: bytes, *, scratch: Path, progress: Progress
) -> None:
    """Write the initramfs.

    Args:
        output: The cpio archive.
        modules: In load order.
        conf: See `slot_conf`.
        scratch: A folder for the compiled init.
        progress: Where compiling is told.
    """
    init = program(scratch, progress)
    with output.open("wb") as stream:
        cpio.write(stream, entries(init, modules, conf))
