"""A station of a line whose boards are in USB boot, by the kernel of a virtual machine."""

import json
import shutil
from pathlib import Path

import pytest
from cryptography import x509

from edge import process, toolbox
from edge.cli.main import main
from edge.image import gpt
from tests.e2e.usb_machine import MIB, Pi, Put, here, machine, plug
from tests.edge.conftest import built, tools
from tests.fakes.pki import Authority
from tests.fakes.tiny_project import TinyProject
from tests.fakes.usb.rig import Rig

__all__ = ["built", "here", "machine", "plug", "tools"]  # fixtures

pytestmark = pytest.mark.slow

CARD_BYTES = 64 * MIB


@pytest.fixture
def line(built: TinyProject, here: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Make the folder `line` for boards in USB boot; return what commands find it by."""
    shutil.copytree(built.boards, "boards")
    with Path("boards/tiny/board.yml").open("a") as profile:
        profile.write("flash: {rpiboot: {chip: '2711'}}\n")
    found = {
        "EDGE_BOARDS": str(here / "boards"),
        "EDGE_CACHE": str(built.cache),
        "XDG_DATA_HOME": str(built.folder.parent / "user"),
        "XDG_STATE_HOME": str(here / "state"),
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    words = ["--board", "tiny", "--product", "gateway", "--ids", "gw-01..gw-99"]
    image = ["--image", str(built.folder / "out"), "--ca", "file:ca.key"]
    assert main(["factory", "init", "line", *words, *image]) == 0
    shutil.copy(Authority.make(here, "server-ca").file, "line/ca/server.crt")
    assert main(["factory", "station", "add", "line", "S1", "--count", "10"]) == 0
    return found


def identity_on(card: bytes, folder: Path) -> bytes:
    """Return the certificates on a card, as debugfs reads them."""
    (folder / "card").write_bytes(card)
    with (folder / "card").open("rb") as stream:
        data = gpt.read(stream, disk_bytes=len(card)).partition("data")
    place = folder / "data"
    place.write_bytes(card[data.offset_bytes : data.offset_bytes + data.size_bytes])
    look = "cat first-boot/identity/device.crt"
    return process.run([*toolbox.tool("debugfs"), "-R", look, place]).stdout


def test_two_boards_in_usb_boot_become_devices_of_a_line_side_by_side(
    machine: Rig, plug: Put, line: dict[str, str], here: Path
) -> None:
    boards = [Pi(serial=serial, card_bytes=CARD_BYTES) for serial in ("a1", "b2")]
    for number, board in enumerate(boards):
        plug(number, board.rom)
    ports = [word for number in (0, 1) for word in ("--port", f"usb:{machine.port_path(number)}")]
    words = ("factory", "run", "line", "--station", "S1", "--boot-files", "boot", *ports)

    done = machine.run("edge", *words, "--once", "--json", folder=here, **line)

    assert done.status == 0, done.said
    events = [json.loads(one) for one in done.said.splitlines()]
    assert events[-1] == {"event": "done", "good": 2, "failed": 0}, done.said
    chains = [identity_on(bytes(board.card), here) for board in boards]
    names = {x509.load_pem_x509_certificates(one)[0].subject.rfc4514_string() for one in chains}
    assert names == {f"CN={name},OU=S1,O=gateway" for name in ("gw-01", "gw-02")}
    verified = machine.run("edge", "factory", "verify", "line", "--json", folder=here, **line)
    assert verified.status == 0, verified.said
