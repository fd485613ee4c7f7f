"""The encrypted data partition: Debian's cryptsetup on files in place of partitions.

Only `open` differs from a device: it tries the key, as a test has no device mapper.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from edge import process, toolbox
from edge.errors import ToolError
from edge.image.bootstate import DATA_KEY_OFFSETS_BYTES as COPIES
from edge.image.plan import MIB
from tests.fakes.device_shell import DeviceShell, Ended

pytestmark = pytest.mark.tools

PROGRAM = "services/crypt/files/edge-crypt"
KIND_OF = "usr/lib/edge/kind-of"
CONF = "KEY=device\n"
SECOND_HEADER = 16384
WRITES = 5  # two copies of the key, three pieces of the header
# Cuts the power at the write number $CUT, after half of it if $TORN is set.
POWER = """
dd() {
  case " $* " in *" of="*) ;; *) command dd "$@"; return ;; esac
  echo write >>"$CALLS"
  [ "$(grep -c '^write$' "$CALLS")" = "$CUT" ] || { command dd "$@"; return; }
  [ -z "$TORN" ] || command dd "$@" bs=512 count=1
  kill -9 $$
  exit 1
}
"""
OPEN = """
case " $* " in *" open "*) ;; *) exec {real} "$@" ;; esac
words=''
for word; do case $word in open) words="$words open --test-passphrase" ;; data) ;;
  --disable-keyring) ;; *) words="$words $word" ;; esac; done
exec {real} $words
"""


@dataclass
class Device:
    """A device with partitions in files."""

    shell: DeviceShell

    @property
    def data(self) -> Path:
        return self.shell.root / "dev/edge/data"

    @property
    def state(self) -> Path:
        return self.shell.root / "dev/edge/bootstate"

    def start(self, conf: str = CONF) -> Ended:
        self.shell.write("etc/edge/crypt.conf", conf)
        ended = self.shell.run(PROGRAM)
        (self.shell.root / "run/key").unlink(missing_ok=True)  # in memory, gone with the container
        return ended

    def own_key(self) -> str:
        line = self.state.read_bytes()[COPIES[0] :].split(b"\n", 1)[0].decode()
        return line.split()[1]

    def opens(self, key: str) -> bool:
        """Say whether cryptsetup opens the partition as it is, by itself."""
        file = self.shell.write("given", key)
        words = ["open", "-q", "--test-passphrase", "--key-file", str(file), str(self.data)]
        try:
            process.run([*toolbox.tool("cryptsetup"), *words])
        except ToolError:
            return False
        return True


@pytest.fixture
def device(tmp_path: Path) -> Device:
    shell = DeviceShell(tmp_path / "root")
    made = Device(shell)
    made.data.parent.mkdir(parents=True)
    for path, mib in ((made.data, 32), (made.state, 4)):
        with path.open("wb") as stream:
            stream.truncate(mib * MIB)
    (shell.root / "dev/random").symlink_to("/dev/urandom")
    (shell.root / "run").mkdir()
    shell.installed(f"init/files/{KIND_OF}", KIND_OF)
    shell.program("cryptsetup", OPEN.format(real=" ".join(toolbox.tool("cryptsetup"))))
    return made


def changed(path: Path, at: int, new: bytes) -> None:
    with path.open("r+b") as stream:
        stream.seek(at)
        stream.write(new)


def test_the_first_start_makes_what_others_open_and_the_next_ones_open_it(device: Device) -> None:
    first = device.start()
    made, key = device.data.read_bytes(), device.own_key()
    second = device.start()

    assert first.status == second.status == 0, (first, second)
    assert "made an encrypted data partition" in first.out
    assert second.out == ""
    assert device.data.read_bytes() == made
    assert device.opens(key)
    assert not device.opens(key[:-1] + ("0" if key[-1] != "0" else "1"))
    told = process.run([*toolbox.tool("cryptsetup"), "luksDump", device.data]).stdout.decode()
    for word in ("aes-xts-plain64", "sector: 4096", "offset: 16777216", "pbkdf2", "1000"):
        assert word in told


def test_the_key_is_neither_said_nor_on_a_command_line(device: Device) -> None:
    ended = device.start()

    key = device.own_key()
    assert len(bytes.fromhex(key)) == 32
    assert key not in ended.out + ended.err + "".join(device.shell.calls())


def writes_of(device: Device) -> int:
    device.shell.functions = POWER
    device.shell.variables = {"CUT": "none", "TORN": ""}
    device.start()
    return len([call for call in device.shell.calls() if call == "write"])


@pytest.mark.parametrize(
    ("cut", "torn"), [*((cut, "yes") for cut in range(1, WRITES + 1)), (2, ""), (WRITES, "")]
)
def test_a_power_cut_at_any_write_leaves_what_the_next_start_opens(
    device: Device, cut: int, torn: str
) -> None:
    device.shell.functions = POWER
    device.shell.variables = {"CUT": str(cut), "TORN": torn}

    cut_short = device.start()
    device.shell.functions = ""
    after = device.start()

    assert cut_short.status != 0
    assert after.status == 0, (after, cut_short)
    assert device.opens(device.own_key())


def test_all_writes_are_cut_above(device: Device) -> None:
    assert writes_of(device) == WRITES


@pytest.mark.parametrize("at", [0, SECOND_HEADER], ids=["first header", "second header"])
def test_one_of_two_headers_is_enough(device: Device, at: int) -> None:
    device.start()
    changed(device.data, at, bytes(4096))

    ended = device.start()

    assert (ended.status, ended.out) == (0, "")


@pytest.mark.parametrize("at", COPIES)
def test_one_of_two_copies_of_the_key_is_enough(device: Device, at: int) -> None:
    device.start()
    changed(device.state, at + 20, b"x")

    assert device.start().status == 0


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        pytest.param("no key", "key of this device is gone", id="no key"),
        pytest.param("other key", "this key does not open the data partition", id="other key"),
        pytest.param("headers", "does not open, and stays as it is", id="both headers damaged"),
    ],
)
def test_what_does_not_open_stays_as_it_is(device: Device, harm: str, said: str) -> None:
    device.start()
    if harm == "headers":
        for at in (0, SECOND_HEADER):
            changed(device.data, at + 100, b"\xff" * 300)
    else:
        for at in COPIES:
            changed(device.state, at, bytes(512))
    if harm == "other key":
        other = device.data.rename(device.data.with_name("kept"))
        device.data.write_bytes(bytes(32 * MIB))
        device.start()
        other.rename(device.data)
    before = device.data.read_bytes(), device.state.read_bytes()

    ended = device.start()

    assert ended.status == 1
    assert said in ended.out
    assert (device.data.read_bytes(), device.state.read_bytes()) == before


def test_a_partition_of_an_earlier_release_stays_as_it_is(device: Device) -> None:
    words = ["-q", "-F", "-t", "ext4", "-b", "4096", str(device.data)]
    process.run([*toolbox.tool("mke2fs"), *words])
    # A service can write a file whose block looks like a header.
    changed(device.data, 4 * MIB, b"SKUL\xba\xbe")
    before = device.data.read_bytes()

    ended = device.start()

    assert (ended.status, device.data.read_bytes() == before) == (0, True)
    assert "made without encryption" in ended.out
    assert not any(device.state.read_bytes())


@pytest.mark.parametrize("key", [b"k" * 31 + b"\n", b"\x00\xff" * 16, b"x" * 4096])
def test_a_key_of_hardware_is_taken_byte_by_byte(device: Device, key: bytes) -> None:
    (device.shell.root / "etc/edge").mkdir(parents=True)
    (device.shell.root / "etc/edge/otp").write_bytes(key)
    conf = "KEY=file\nFILE=/etc/edge/otp\n"
    conf = conf.replace("=/etc", f"={device.shell.root}/etc")

    assert device.start(conf).status == 0
    assert device.start(conf).out == ""
    (device.shell.root / "etc/edge/otp").write_bytes(b"y" + key[1:])
    assert device.start(conf).status == 1
    assert not any(device.state.read_bytes())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("printf 0123456789012345678901234567890123", "", id="key"),
        pytest.param("printf short", "5 bytes are no key", id="too short"),
        pytest.param("head -c 64 /dev/zero", "all bytes are equal", id="nobody has written it"),
        pytest.param("yes | head -c 5000", "bytes are no key", id="too long"),
        pytest.param("echo a key that is long enough to be one; exit 4", "status 4", id="fails"),
    ],
)
def test_a_program_gives_the_key_or_nothing_is_made(device: Device, body: str, said: str) -> None:
    program = device.shell.write("etc/edge/data-key", f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)

    ended = device.start("KEY=program\n")

    assert said in ended.out
    assert (ended.status == 0, any(device.data.read_bytes())) == (not said, not said)


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        pytest.param("KEY=tpm\n", "KEY='tpm' is none of device, file, program", id="source"),
        pytest.param("KEY=file\nFILE=/gone\n", "FILE=/gone can not be read", id="file"),
        pytest.param("KEY=device\nCIPHERS=x\n", "unknown: CIPHERS=x", id="unknown"),
    ],
)
def test_wrong_settings_are_told_and_make_nothing(device: Device, conf: str, said: str) -> None:
    ended = device.start(conf)

    assert ended.status == 1
    assert said in ended.out
    assert not any(device.data.read_bytes())
