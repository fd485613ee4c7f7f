"""`edge rpi` as its users run it: keys of the test, boards on ports that are made up."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from edge.flash.rpi.eeprom import Eeprom
from tests.edge.conftest import Edge
from tests.edge.image.foreign import Tool
from tests.fakes.usb import eeprom_image, rpi_rom
from tests.fakes.usb.in_process import Bus
from tests.fakes.usb.rpi_rom import Story

RECOVERY = ("config.txt", "pieeprom.sig", "pieeprom.bin")
SERIAL = "d1e2f3a4"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with two keys, an EEPROM, a boot image and the recovery program."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1793491200")
    for name in ("one", "other"):
        private = rsa.generate_private_key(65537, 2048)
        plain, kind = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
        file = tmp_path / f"{name}.pem"
        file.write_bytes(private.private_bytes(serialization.Encoding.PEM, kind, plain))
        file.chmod(0o600)
        shape = serialization.PublicFormat.SubjectPublicKeyInfo
        public = private.public_key().public_bytes(serialization.Encoding.PEM, shape)
        (tmp_path / f"{name}-public.pem").write_bytes(public)
    (tmp_path / "pieeprom.bin").write_bytes(eeprom_image.image())
    (tmp_path / "boot.img").write_bytes(bytes(5000))
    (tmp_path / "recovery").mkdir()
    (tmp_path / "recovery/bootcode4.bin").write_bytes(bytes(1000))
    return tmp_path


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> Story:
    """A board in USB boot that will run the recovery program."""
    bus = Bus()
    made = Story(RECOVERY, tells=("EEPROM_UPDATE*success", f"USER_SERIAL_NUM*{SERIAL}"), ends=False)
    bus.plug("1-1", rpi_rom.rom(0x2711, made))
    monkeypatch.setattr("edge.cli.flash_boards.ports", lambda: bus)
    return made


def test_a_boot_image_is_signed_and_verified(here: Path, edge: Edge) -> None:
    assert edge("rpi", "sign", "boot.img", "--key", "file:one.pem").status == 0

    good = edge("--json", "rpi", "verify", "boot.img", "--public", "one-public.pem")
    bad = edge("rpi", "verify", "boot.img", "--public", "other-public.pem")

    assert good.status == 0
    assert json.loads(good.out)["time_s"] == 1793491200
    assert bad.status == 4
    assert "not of this key" in bad.err


def test_a_second_stage_is_counter_signed_and_verified(here: Path, edge: Edge) -> None:
    (here / "bootcode5.bin").write_bytes(b"code" * 100)
    words = ("--key", "one.pem", "--rollback-version", "3", "-o", "signed.bin")

    assert edge("rpi", "counter-sign", "bootcode5.bin", *words).status == 0

    ended = edge("--json", "rpi", "verify", "signed.bin", "--public", "one-public.pem")
    assert json.loads(ended.out)["version"] == 3
    assert edge("rpi", "verify", "bootcode5.bin", "--public", "one-public.pem").status == 4


def test_settings_of_the_eeprom_are_shown_changed_and_signed(here: Path, edge: Edge) -> None:
    words = ("BOOT_ORDER=0xf461", "SIGNED_BOOT=1", "--key", "one.pem", "-o", "new.bin")
    assert edge("rpi", "eeprom", "set", "pieeprom.bin", *words).status == 0

    shown = json.loads(edge("--json", "rpi", "eeprom", "show", "new.bin").out)

    assert shown["settings"]["BOOT_ORDER"] == "0xf461"
    assert shown["files"]["pubkey.bin"] == 264
    assert edge("rpi", "eeprom", "show", "boot.img").status == 2
    assert edge("rpi", "eeprom", "set", "pieeprom.bin", "x", "-o", "n").status == 2


def test_an_eeprom_that_was_signed_and_is_changed_without_a_key_is_said(
    here: Path, edge: Edge
) -> None:
    edge("rpi", "eeprom", "set", "pieeprom.bin", "--key", "one.pem", "-o", "signed.bin")

    ended = edge("rpi", "eeprom", "set", "signed.bin", "BOOT_UART=1", "-o", "new.bin")

    assert "are not any more" in ended.err


def test_an_eeprom_is_written_to_a_board(here: Path, edge: Edge, story: Story) -> None:
    ended = edge("rpi", "eeprom", "write", "pieeprom.bin", "--boot-files", "recovery", "--yes")

    assert ended.status == 0, ended.err
    assert story.files["pieeprom.bin"] == (here / "pieeprom.bin").read_bytes()
    assert story.files["config.txt"] == b"recovery_reboot=1\nrecovery_metadata=1\n"
    assert "its EEPROM is written" in ended.out


@pytest.mark.parametrize(
    ("told", "words", "status"),
    [
        pytest.param("its own", "has the hash of the image", 0, id="right"),
        pytest.param("ab" * 32, "perhaps that of before", 4, id="other"),
        pytest.param(None, "the board told no hash", 4, id="silent"),
    ],
)
def test_what_the_board_says_of_its_eeprom_is_compared(
    here: Path, edge: Edge, story: Story, told: str | None, words: str, status: int
) -> None:
    data = (here / "pieeprom.bin").read_bytes()
    said = hashlib.sha256(data).hexdigest() if told == "its own" else told
    story.tells = (*story.tells, *([f"EEPROM_HASH*{said}"] if said else []))
    again = Story(RECOVERY, story.tells, ends=False)
    story.then = lambda _story: rpi_rom.rom(0x2711, again)

    ended = edge("rpi", "eeprom", "write", "pieeprom.bin", "--boot-files", "recovery", "--yes")

    assert ended.status == 0, ended.err
    assert words in ended.out
    checked = edge("rpi", "eeprom", "check", "pieeprom.bin", "--boot-files", "recovery")
    assert checked.status == status


def test_a_board_that_is_only_asked_gets_no_eeprom_whatever_the_folder_has(
    here: Path, edge: Edge, story: Story
) -> None:
    for name in ("pieeprom.bin", "pieeprom.sig"):
        (here / "recovery" / name).write_bytes(b"of Raspberry Pi")

    ended = edge("--json", "rpi", "eeprom", "check", "--boot-files", "recovery")

    assert ended.status == 0, ended.err
    assert json.loads(ended.out.splitlines()[-1])["board"]["USER_SERIAL_NUM"] == SERIAL
    assert story.files == {"config.txt": b"recovery_reboot=1\nrecovery_metadata=1\n"}
    assert story.absent == ["pieeprom.sig", "pieeprom.bin"]


def test_the_order_of_starting_is_set_and_shown_in_words(here: Path, edge: Edge) -> None:
    words = ("--boot-order", "nvme,card,network", "-o", "new.bin")
    assert edge("rpi", "eeprom", "set", "pieeprom.bin", *words).status == 0

    shown = json.loads(edge("--json", "rpi", "eeprom", "show", "new.bin").out)

    assert shown["settings"]["BOOT_ORDER"] == "0xf216"
    assert shown["starts_from"] == ["nvme", "card", "network"]
    for wrong in ("floppy", "", ",".join(["card"] * 8)):
        bad = ("--boot-order", wrong, "-o", "bad.bin")
        assert edge("rpi", "eeprom", "set", "pieeprom.bin", *bad).status == 2
    twice = ("BOOT_ORDER=0xf1", "--boot-order", "card", "-o", "bad.bin")
    assert edge("rpi", "eeprom", "set", "pieeprom.bin", *twice).status == 2
    assert not (here / "bad.bin").exists()


@pytest.fixture
def boot_folder(here: Path) -> Path:
    folder = here / "boot"
    (folder / "overlays").mkdir(parents=True)
    (folder / "config.txt").write_text("arm_64bit=1\n")
    (folder / "kernel8.img").write_bytes(bytes(range(256)) * 9000)
    (folder / "overlays/vc4-kms-v3d-pi4.dtbo").write_bytes(b"overlay" * 100)
    return folder


@pytest.mark.tools
def test_a_boot_image_is_made_and_signed_in_one_go(
    here: Path, boot_folder: Path, edge: Edge, tool: Tool
) -> None:
    ended = edge("rpi", "boot-image", "boot", "-o", "made.img", "--key", "file:one.pem")

    assert ended.status == 0, ended.err
    assert edge("rpi", "verify", "made.img", "--public", "one-public.pem").status == 0
    tool("fsck.vfat", "-n", here / "made.img")
    (here / "back").mkdir()
    tool("mcopy", "-s", "-n", "-i", here / "made.img", "::", here / "back")
    for file in boot_folder.rglob("*"):
        back = here / "back" / file.relative_to(boot_folder)
        assert file.is_dir() or back.read_bytes() == file.read_bytes()
    first = (here / "made.img").read_bytes()
    os.utime(boot_folder / "config.txt", (1, 1))
    assert edge("rpi", "boot-image", "boot", "-o", "made.img").status == 0
    assert (here / "made.img").read_bytes() == first


@pytest.mark.parametrize(
    ("spoil", "words", "status"),
    [
        pytest.param(lambda here: (here / "boot/config.txt").unlink(), (), 2, id="no config"),
        pytest.param(
            lambda here: (here / "boot/key").symlink_to("/etc/passwd"), (), 2, id="a link"
        ),
        pytest.param(lambda here: None, ("--size-mib", "3"), 0, id="just large enough"),
        pytest.param(
            lambda here: (here / "boot/more").write_bytes(bytes(3 << 20)),
            ("--size-mib", "3"),
            2,
            id="too small",
        ),
        pytest.param(lambda here: (here / "boot").rename(here / "other"), (), 3, id="no folder"),
    ],
)
@pytest.mark.usefixtures("boot_folder")
def test_a_folder_that_makes_no_boot_image_is_said(
    here: Path, edge: Edge, spoil: Callable[[Path], object], words: tuple[str, ...], status: int
) -> None:
    spoil(here)

    assert edge("rpi", "boot-image", "boot", "-o", "made.img", *words).status == status
    assert (here / "made.img").exists() == (status == 0)


def test_a_board_that_did_not_write_its_eeprom_is_said(
    here: Path, edge: Edge, story: Story
) -> None:
    story.tells = ("EEPROM_UPDATE*failed",)
    ended = edge("rpi", "eeprom", "write", "pieeprom.bin", "--boot-files", "recovery", "--yes")

    assert ended.status == 1
    assert "did not write its EEPROM: failed" in ended.err


def test_a_folder_without_the_recovery_program_is_said(
    here: Path, edge: Edge, story: Story
) -> None:
    story.asks = ("config.txt", "boot.img")
    ended = edge("rpi", "eeprom", "write", "pieeprom.bin", "--boot-files", "recovery", "--yes")

    assert ended.status == 6
    assert "did not ask for pieeprom.bin" in ended.err


BURN = ("rpi", "burn", "signed.bin", "--public", "one-public.pem", "--boot-files", "recovery")


@pytest.fixture
def signed(here: Path, edge: Edge) -> None:
    """An EEPROM that is signed with the key `one`."""
    edge("rpi", "eeprom", "set", "pieeprom.bin", "--key", "one.pem", "-o", "signed.bin")


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("words", [(), ("--burn",), ("--i-understand-otp", SERIAL)])
def test_without_both_options_all_is_checked_and_nothing_burnt(
    edge: Edge, story: Story, words: tuple[str, ...]
) -> None:
    ended = edge(*BURN, *words)

    assert ended.status == 0, ended.err
    assert "nothing was done" in ended.out
    assert SERIAL in ended.err
    assert not story.files
    assert not story.second_stage


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(
    ("serial", "words"),
    [("00000000", "has the serial number d1e2f3a4"), (SERIAL, "never done unasked")],
)
def test_another_board_or_nobody_to_ask_burns_nothing(
    edge: Edge, story: Story, serial: str, words: str
) -> None:
    ended = edge(*BURN, "--burn", "--i-understand-otp", serial)

    assert ended.status == 5
    assert words in ended.err
    assert not story.second_stage


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("right", [True, False])
def test_what_is_typed_decides(
    edge: Edge, story: Story, monkeypatch: pytest.MonkeyPatch, right: bool
) -> None:
    hashed = edge("rpi", "key-hash", "one-public.pem").out.strip()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    typed = hashed[:8] if right else "yes"
    monkeypatch.setattr("click.prompt", lambda *_words, **_more: typed)

    ended = edge(*BURN, "--burn", "--i-understand-otp", SERIAL)

    assert ended.status == (0 if right else 5)
    config = b"recovery_reboot=1\nrecovery_metadata=1\nprogram_pubkey=1\n"
    assert story.files.get("config.txt") == (config if right else None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(("--key", "other.pem"), "another key", id="key"),
        pytest.param(("BOOT_UART=1",), "hashed, and not signed", id="not signed"),
    ],
)
def test_an_eeprom_that_would_never_start_again_is_refused(
    here: Path, edge: Edge, story: Story, changes: tuple[str, ...], words: str
) -> None:
    edge("rpi", "eeprom", "set", "pieeprom.bin", "--key", "one.pem", "-o", "first.bin")
    edge("rpi", "eeprom", "set", "first.bin", *changes, "-o", "signed.bin")

    ended = edge(*BURN)

    assert ended.status == 4
    assert words in ended.err


def test_a_boot_image_of_another_key_is_refused(here: Path, edge: Edge, story: Story) -> None:
    edge("rpi", "eeprom", "set", "pieeprom.bin", "--key", "one.pem", "-o", "signed.bin")
    edge("rpi", "sign", "boot.img", "--key", "other.pem")

    assert edge(*BURN, "--boot-image", "boot.img").status == 4
    assert "bootconf.txt" in Eeprom.parse((here / "signed.bin").read_bytes()).files
