"""A device's own files in a folder of the test."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent import trial
from edge_agent.boot.uboot import SyncedFile, UbootControl
from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import BootState, Slot


@dataclass(frozen=True)
class AgentFiles:
    """What the agent finds on its device."""

    folder: Path

    @property
    def boot_state(self) -> Path:
        return self.folder / "bootstate"

    @property
    def command_line(self) -> Path:
        return self.folder / "cmdline"

    @property
    def ready(self) -> Path:
        return self.folder / "ready"

    def control(self, running: Slot = "b") -> UbootControl:
        return UbootControl(SyncedFile(self.boot_state), command_line=f"edge.slot={running}")

    def state(self) -> BootState:
        return self.control().state()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AgentFiles:
    """A device that runs slot b, armed for three starts."""
    made = AgentFiles(tmp_path)
    first, second = boot_state.factory_copies()
    made.boot_state.write_bytes(first.ljust(boot_state.COPY_OFFSETS_BYTES[1], b"\0") + second)
    made.control().arm("b")
    made.command_line.write_text("quiet edge.slot=b panic=5\n")
    monkeypatch.setattr(trial, "BOOT_STATE", made.boot_state)
    monkeypatch.setattr(trial, "COMMAND_LINE", made.command_line)
    monkeypatch.setattr(trial, "READY", made.ready)
    return made
