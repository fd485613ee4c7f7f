"""A device's own files in a folder of the test."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent import __main__
from edge_agent.boot.storage import SyncedFile
from edge_agent.boot.uboot import UbootControl
from edge_agent.device import Places
from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import BootState, Slot


@dataclass(frozen=True)
class AgentFiles:
    """What the agent finds on its device."""

    folder: Path

    @property
    def boot_state(self) -> Path:
        return self.places.devices / "bootstate"

    @property
    def command_line(self) -> Path:
        return self.places.command_line

    @property
    def ready(self) -> Path:
        return self.places.ready

    @property
    def places(self) -> Places:
        folder = self.folder
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

    def control(self, running: Slot = "b") -> UbootControl:
        return UbootControl(SyncedFile(self.boot_state), command_line=f"edge.slot={running}")

    def state(self) -> BootState:
        return self.control().state()


def device_in(folder: Path) -> AgentFiles:
    """Return a device that runs slot b, armed for three starts."""
    made = AgentFiles(folder)
    first, second = boot_state.factory_copies()
    made.boot_state.parent.mkdir()
    state = first.ljust(boot_state.COPY_OFFSETS_BYTES[1], b"\0") + second
    made.boot_state.write_bytes(state.ljust(4 << 20, b"\0"))
    made.control().arm("b")
    made.command_line.write_text("quiet edge.slot=b panic=5\n")
    (folder / "boot_id").write_text("a0b1c2d3-0000-4000-8000-000000000000\n")
    return made


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AgentFiles:
    """A device that runs slot b, armed for three starts."""
    made = device_in(tmp_path)
    monkeypatch.setattr(__main__, "PLACES", made.places)
    return made
