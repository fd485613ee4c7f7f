"""A PKCS#11 token: SoftHSM with folders of its own."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge import process

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib/pkcs11/libsofthsm2.so",
)
PIN = "1234"


@dataclass(frozen=True)
class Token:
    """A token that is plugged in."""

    label: str
    module: str
    pin_file: Path

    def uri(self, name: str, *, pin: bool = True, module: bool = True) -> str:
        query = [f"module-path={self.module}"] if module else []
        query += [f"pin-source={self.pin_file}"] if pin else []
        mark = "?" if query else ""
        return f"pkcs11:token={self.label};object={name}{mark}{'&'.join(query)}"


@pytest.fixture(scope="session")
def token_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tokens; SoftHSM reads its settings once in the life of a process."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    settings = f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n"
    (folder / "softhsm2.conf").write_text(settings + "log.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    assert shutil.which("softhsm2-util"), "softhsm2 is not installed: run tools/setup"
    process.run(
        [
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label=safe",
            f"--pin={PIN}",
            "--so-pin=56789",
        ]
    )
    return folder


@pytest.fixture
def token(token_folder: Path, tmp_path: Path) -> Token:
    """A token called `safe`, with a file that holds its PIN."""
    module = next((path for path in MODULES if Path(path).is_file()), None)
    assert module, "the module of softhsm2 is not there"
    pin_file = tmp_path / "pin"
    pin_file.touch(0o600)
    pin_file.write_text(f"{PIN}\n")
    return Token("safe", module, pin_file)


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _handle: None)
