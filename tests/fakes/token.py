"""A PKCS#11 token: SoftHSM with folders of its own."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

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

    @classmethod
    def plugged_in(cls, folder: Path) -> "Token":
        """Return the token `safe`, with a file that holds its PIN."""
        module = next((path for path in MODULES if Path(path).is_file()), None)
        assert module, "the module of softhsm2 is not there"
        pin_file = folder / "pin"
        pin_file.touch(0o600)
        pin_file.write_text(f"{PIN}\n")
        return cls("safe", module, pin_file)

    def uri(self, name: str, *, pin: bool = True, module: bool = True) -> str:
        query = [f"module-path={self.module}"] if module else []
        query += [f"pin-source={self.pin_file}"] if pin else []
        mark = "?" if query else ""
        return f"pkcs11:token={self.label};object={name}{mark}{'&'.join(query)}"


def make(folder: Path) -> None:
    """Make the token `safe`; SoftHSM reads its settings once in the life of a process."""
    (folder / "tokens").mkdir()
    settings = f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n"
    (folder / "softhsm2.conf").write_text(settings + "log.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    assert shutil.which("softhsm2-util"), "softhsm2 is not installed: run tools/setup"
    words = ["--init-token", "--free", "--label=safe", f"--pin={PIN}", "--so-pin=56789"]
    process.run(["softhsm2-util", *words])
