"""The child that is measured: what `edge-agent install BUNDLE` does on a device of files.

    tools/bench/device_install.py DEVICE BUNDLE

The code is that of the command where no service runs; only the places of the device's files are
others. It ends where the device would restart: the other slot is written, flushed, read back and
armed.
"""

import sys
from pathlib import Path

from edge_agent import service
from edge_agent.device import Places


def places_in(folder: Path) -> Places:
    """Return where a device of files has what the agent works with."""
    return Places(
        devices=folder / "dev",
        command_line=folder / "cmdline",
        boot_id=folder / "boot_id",
        etc=folder / "etc",
        data=folder / "data",
        run=folder / "run",
        ready=folder / "ready",
        restarts=folder / "restarts",
        commands=folder / "health.d",
    )


def main(words: list[str]) -> None:
    folder, bundle = (Path(word) for word in words)
    ended = service.run_alone(places_in(folder), service.request_of("install", str(bundle)))
    if ended.phase != "rebooting":
        raise SystemExit(f"{ended.phase} {ended.reason}")


if __name__ == "__main__":
    main(sys.argv[1:])
