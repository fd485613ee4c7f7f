"""An encrypted data partition: made, opened by the next release after an update, and by others."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

import pytest

from edge import process, toolbox
from edge.cli.main import main
from edge.emulator import machine
from edge.errors import ToolError
from edge.image import bootstate, gpt, provision
from edge.image.provision import Placed
from tests.e2e.test_efi import AGENT, HOST
from tests.e2e.test_running_system import shell

pytestmark = pytest.mark.slow

SYSTEM = """
onboot:
  - service: crypt
services:
  - service: network
  - service: agent
  - service: console
files:
  - {{path: etc/motd, contents: "{version}\\n", mode: "0644"}}
  - {{path: etc/edge/agent.json, contents: '{{"health": {{"stable_s": 3}}}}', mode: "0644"}}
"""
# What came with the card, and what the device wrote: neither is to be found on the disk.
NAME, MARK = "a-name-that-is-known", "a-plaintext-that-is-known"
STATUS = "grep data /proc/mounts; cat /run/edge/data /proc/sys/kernel/hostname /data/mark"
TRIES_FULL, COMMIT_S = 9, 120


def built(work: Path, version: str, *words: str) -> Path:
    system, folder = work / "encrypted.yml", work / f"out-encrypted-{version}"
    system.write_text(SYSTEM.format(version=version))
    chosen = ["--board", "qemu-arm64", "--version", version, *words, "-o", str(folder)]
    assert main(["-q", "build", str(system), *chosen]) == 0
    return folder


@pytest.fixture
def served(work: Path) -> Iterator[str]:
    """The address, for a device in QEMU, at which the newer release is served."""
    folder = built(work, "2.0.0")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_port}/update.edge"
        server.shutdown()


def partition(disk: Path, name: str) -> bytes:
    with disk.open("rb") as stream:
        found = gpt.read(stream, disk_bytes=disk.stat().st_size).partition(name)
        stream.seek(found.offset_bytes)
        return stream.read(found.size_bytes)


def cryptsetup(data: Path, key: Path, *words: str) -> str:
    done = process.run([*toolbox.tool("cryptsetup"), *words, "--key-file", key, data])
    return done.stdout.decode()


def test_data_are_encrypted_from_the_first_start_on_and_outlive_an_update(
    work: Path, served: str, tmp_path: Path
) -> None:
    folder, disk = built(work, "1.0.0", "--no-update"), tmp_path / "disk.img"
    machine.make_disk(folder, disk, size_mib=704)
    provision.put(disk, [Placed(PurePosixPath("first-boot/hostname"), f"{NAME}\n".encode())])
    assert NAME.encode() in partition(disk, "data")

    with machine.running(folder, disk=disk) as device:
        shell(device)
        made = device.command(f"echo {MARK} >/data/mark; {STATUS}")
        device.command(f"busybox wget -q -O /data/agent/update.edge {served}", 60)
        device.command("chmod 644 /data/agent/update.edge")
        device.command(f"{AGENT} install /var/lib/edge/update.edge", 60)
        slot = shell(device)[1]
        opened = device.command(f"{STATUS}; cat /etc/motd")
        is_committed = f"{AGENT} status --json | grep -q '\"b\": {TRIES_FULL}'"
        device.command(f"until {is_committed}; do sleep 1; done", COMMIT_S)
        device.send("poweroff\n")
        device.wait_off(90)

    for said in (made, opened):
        for wanted in ("/dev/dm-1 /data ext4", "opened", NAME, MARK):
            assert wanted in said
    assert (slot, opened.strip().splitlines()[-1]) == ("b", "2.0.0")
    assert device.text.count("made an encrypted data partition") == 1
    require_encrypted(disk, tmp_path)


def require_encrypted(disk: Path, folder: Path) -> None:
    """Require that nothing of the data can be read, but with the key of the device."""
    raw, state = partition(disk, "data"), partition(disk, "bootstate")
    assert raw.startswith(b"LUKS\xba\xbe\x00\x02")
    assert NAME.encode() not in raw
    assert MARK.encode() not in raw
    data, key = folder / "data", folder / "key"
    data.write_bytes(raw)
    (line,) = {
        state[at : at + bootstate.DATA_KEY_BYTES].split(b"\n")[0]
        for at in bootstate.DATA_KEY_OFFSETS_BYTES
    }
    key.write_bytes(line.split()[1])
    cryptsetup(data, key, "open", "--test-passphrase")
    key.write_bytes(key.read_bytes()[::-1])
    with pytest.raises(ToolError, match="No key available"):
        cryptsetup(data, key, "open", "--test-passphrase")
