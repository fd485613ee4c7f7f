"""What /data is on: the partition, or what an item of onboot made of it; where first settings go.

The partition is a file; a file system on it is a folder, which the faked `mount` shows.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.image.disk import WIPED_BYTES
from edge.image.plan import MIB
from tests.fakes.device_shell import DeviceShell, Ended

pytestmark = pytest.mark.tools

SCRIPT = "init/files/usr/lib/edge/open-data"
MOST_MIB = 12
EXT4, LUKS = (1080, b"\x53\xef"), (0, b"LUKS\xba\xbe")
KEEP, WAITING = (MOST_MIB - 5) * MIB, 192 * 4096
FAKES = """
blockdev() { echo $(($(stat -c %s "$2") / 512)); }
mount() { echo "mount $*" >>"$CALLS"; [ -d "$FS" ] && cp -a "$FS/." "$DATA/"; }
umount() { rm -rf "$DATA"; mkdir "$DATA"; }
dd() {
  case " $* " in *" of="*) ;; *) command dd "$@"; return ;; esac
  echo write >>"$CALLS"
  [ "$(grep -c '^write$' "$CALLS")" = "$CUT" ] || { command dd "$@"; return; }
  kill -9 $$
  exit 1
}
"""


@dataclass
class Device:
    """A device with a data partition and perhaps an item that opens it."""

    shell: DeviceShell

    @property
    def partition(self) -> Path:
        return self.shell.root / "dev/edge/data"

    @property
    def reason(self) -> str:
        return self.shell.read("run/edge/data").strip()

    def run(self, *words: str, cut: int = 0) -> Ended:
        self.shell.variables |= {"CUT": str(cut)}
        ended = self.shell.run(SCRIPT, *words)
        self.shell.write("dev/kmsg", self.shell.read("dev/kmsg"))
        return ended

    def write(self, at: int, data: bytes) -> None:
        with self.partition.open("r+b") as stream:
            stream.seek(at)
            stream.write(data)

    def read(self, at: int, length: int) -> bytes:
        with self.partition.open("rb") as stream:
            stream.seek(at)
            return stream.read(length)

    def item(self, body: str, on_failure: str = "continue") -> None:
        """Have an item that does this."""
        conf = f"NAME='crypt'\nON_FAILURE='{on_failure}'\nBEFORE_DATA='yes'\n"
        self.shell.write("etc/edge/onboot/000-crypt.conf", conf)
        script = self.shell.write("usr/lib/edge/oneshot", f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)

    def encrypts(self) -> None:
        """Have an item that makes a mapping, unless there is a file system."""
        root = self.shell.root
        self.item(
            f"[ \"$('{root}/usr/lib/edge/kind-of' '{self.partition}')\" != ext4 ] || exit 0\n"
            f"printf 'LUKS\\272\\276' | dd of='{self.partition}' conv=notrunc 2>/dev/null\n"
            f"mkdir -p '{root}/sys/block/dm-7/dm'\necho data >'{root}/sys/block/dm-7/dm/name'"
        )


@pytest.fixture
def device(tmp_path: Path) -> Device:
    shell = DeviceShell(tmp_path / "root", functions=FAKES)
    shell.variables = {"FS": str(tmp_path / "fs"), "DATA": str(shell.root / "data")}
    made = Device(shell)
    for path in ("dev/edge", "data", "run/edge", "etc/edge/onboot", "sys/block"):
        (shell.root / path).mkdir(parents=True)
    shell.write("dev/kmsg", "")
    shell.write("run/edge/disk", "sda")
    (shell.root / "dev/zero").symlink_to("/dev/zero")
    shell.program("edge-growdata")
    shell.installed("init/files/usr/lib/edge/kind-of", "usr/lib/edge/kind-of")
    with made.partition.open("wb") as stream:
        stream.truncate(MOST_MIB * MIB)
    return made


def holds(device: Device, *names: str) -> None:
    """Put a file system with these files onto the partition."""
    device.write(*EXT4)
    device.write(3 * MIB, b"secret of a file")
    folder = Path(device.shell.variables["FS"])
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name}\n")


def test_without_such_an_item_it_is_the_partition(device: Device) -> None:
    ended = device.run()

    assert (ended.status, ended.out) == (0, f"{device.partition}\n")
    assert device.reason == "plain"


@pytest.mark.parametrize("at", [0, 16384, 4 * MIB], ids=["first", "second", "second, far"])
def test_what_is_encrypted_stays_as_it_is_where_nothing_opens_it(device: Device, at: int) -> None:
    device.write(at, LUKS[1] if at == 0 else b"SKUL\xba\xbe")
    before = device.partition.read_bytes()

    ended = device.run()

    assert (ended.status, ended.out) == (1, "")
    assert "nothing that opens it: it stays as it is" in device.shell.read("dev/kmsg")
    assert device.reason == "none: it is encrypted"
    assert device.partition.read_bytes() == before


def test_what_the_item_made_is_taken(device: Device) -> None:
    device.encrypts()

    ended = device.run()

    assert ended.out.split("/")[-2:] == ["dev", "dm-7\n"]
    assert device.reason == "opened"


@pytest.mark.parametrize(("on_failure", "status"), [("continue", 1), ("reboot", 3)])
def test_a_failed_item_leaves_no_data_and_no_formatting(
    device: Device, on_failure: str, status: int
) -> None:
    device.item("exit 1", on_failure)

    ended = device.run()

    assert (ended.status, ended.out) == (status, "")
    assert device.reason == "none: crypt could not open it"
    assert not any(device.partition.read_bytes())


def test_nothing_is_made_that_all_can_read_where_an_item_opened_nothing(device: Device) -> None:
    device.item("exit 0")

    assert device.run().status == 1
    assert device.reason == "none: nothing was opened"


def test_data_of_an_earlier_release_stay_as_they_are_and_are_told(device: Device) -> None:
    holds(device, "config/hostname", "first-boot/token")
    device.encrypts()
    before = device.partition.read_bytes()

    ended = device.run()

    assert ended.out == f"{device.partition}\n"
    assert device.reason == "plain, where it should not be"
    assert device.partition.read_bytes() == before


def test_first_settings_come_through_and_nothing_of_them_is_left_outside(device: Device) -> None:
    holds(device, "first-boot/token", "first-boot/identity/device.key", "lost+found/x")
    device.encrypts()

    ended = device.run()
    put = device.run("put-first")

    assert ended.out.endswith("dm-7\n")
    assert put.status == 0
    data = device.shell.root / "data"
    assert sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()) == [
        "first-boot/identity/device.key",
        "first-boot/token",
    ]
    assert not any(device.read(0, KEEP + 5 * MIB)[6:])
    assert not (device.shell.root / "run/edge/first.tar").exists()


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_power_cut_loses_no_first_settings(device: Device, cut: int) -> None:
    holds(device, "first-boot/token")
    device.encrypts()

    if device.run(cut=cut).status == 0:
        device.run("put-first", cut=cut)
    assert device.shell.calls().count("write") == cut
    if device.read(*EXT4[:1], 2) != EXT4[1]:
        shutil.rmtree(device.shell.variables["FS"])
    mapping = device.shell.root / "sys/block/dm-7"
    if mapping.exists():
        shutil.rmtree(mapping)
    ended = device.run()
    device.run("put-first")

    assert ended.status == 0
    assert device.shell.read("data/first-boot/token") == "first-boot/token\n"
    outside = device.partition.read_bytes()
    assert b"secret of a file" not in outside
    assert b"first-boot" not in outside


def test_a_card_that_is_written_anew_has_nothing_of_its_earlier_life(device: Device) -> None:
    holds(device, "first-boot/token")
    device.encrypts()
    device.run(cut=5)
    shutil.rmtree(device.shell.variables["FS"])
    device.write(0, bytes(WIPED_BYTES))

    ended = device.run()

    assert ended.status == 0
    assert not (device.shell.root / "run/edge/first.tar").exists()


def test_what_was_written_after_the_first_settings_counts_more(device: Device) -> None:
    holds(device, "first-boot/token")
    device.encrypts()
    device.run()
    device.shell.write("data/config/token", "newer\n")

    device.run("put-first")

    assert not (device.shell.root / "data/first-boot").exists()
    assert not any(device.read(KEEP, 4096) + device.read(WAITING, 4096))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"edge-first {'0' * 64} 10\n", id="another hash"),
        pytest.param(f"edge-first {'0' * 64} 99999999999\n", id="too long"),
        pytest.param("edge-first * *\n", id="patterns"),
        pytest.param("edge-first\n", id="torn"),
    ],
)
@pytest.mark.parametrize("at", [0, WAITING])
def test_a_line_that_is_not_right_brings_nothing(device: Device, line: str, at: int) -> None:
    device.write(at, line.encode())
    device.encrypts()

    assert device.run().status == 0
    assert not (device.shell.root / "run/edge/first.tar").exists()
