"""The EFI system partition as a new disk gets it, and what other programs say of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge import paths
from edge.board.model import Board, Boot
from edge.board.search import find
from edge.errors import InputError
from edge.image import esp, extent, fat
from edge.image.board_disk import disk_plan
from edge.image.boot_rights import with_boot_state
from edge.image.extent import Contents
from edge.image.plan import EFI_SYSTEM, MIB
from edge.oci.image import Image
from edge.oci.spec import ImageConfig
from edge.oci.tree import Tree
from edge.process import Completed
from edge.system.load import load
from edge.system.settings import Settings
from edge_agent.boot.efi import HOMES, EfiControl, Menu
from edge_agent.boot.storage import SyncedFile

SIZE_BYTES = 32 * MIB


def board(**room: int) -> Board:
    boot = {"driver": "efi", "dtb": {"from": "firmware"}}
    if room:
        boot["efi"] = room
    efi = find("efi-arm64", environment={})
    return efi.model_copy(update={"boot": Boot.model_validate(boot)})


def slot(folder: Path, *, kernel: bytes = b"kernel") -> Path:
    folder.mkdir()
    (folder / "Image").write_bytes(kernel)
    (folder / "initrd.img").write_bytes(b"ramdisk")
    (folder / "slot.env").write_text("edge_cmdline=console=ttyAMA0 panic=5\n")
    return folder


def made(tmp_path: Path) -> Contents:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    files = esp.files(board(kernel_mib=4, initramfs_mib=2), slot(tmp_path / "slot"), scratch)
    files["EFI/BOOT/BOOTAA64.EFI"] = b"systemd-boot"
    return esp.arranged(fat.volume(files, size_bytes=SIZE_BYTES, label="FIRMWARE", serial=1))


def written(tmp_path: Path) -> Path:
    path = tmp_path / "esp.img"
    volume = made(tmp_path)
    with path.open("wb") as stream:
        stream.truncate(volume.length_bytes)
        extent.write(stream, volume.extents)
    return path


def test_slot_a_is_the_only_one_that_is_shown(tmp_path: Path) -> None:
    storage = esp.ExtentStorage(made(tmp_path))

    control = EfiControl(storage, lambda _slot: storage, command_line="edge.slot=a")

    assert control.state().order == ("a",)
    menu = Menu(storage)
    entry = next(one.entry for one in menu.named() if one.name.slot == "a")
    assert b"".join(menu.volume.read(entry)).rstrip() == (
        b"title slot a\nlinux /edge/a/Image\ninitrd /edge/a/initrd.img\n"
        b"options console=ttyAMA0 panic=5 edge.slot=a"
    )


def test_each_name_has_a_sector_of_its_own(tmp_path: Path) -> None:
    storage = esp.ExtentStorage(made(tmp_path))
    menu = Menu(storage)
    start = menu.volume.spans(menu.volume.find("loader/entries"))[0][0]

    sectors = {
        one.name.slot: {(at - start) // 512 for at in one.entry.offsets_bytes}
        for one in menu.named()
    }

    assert sectors == {"a": {HOMES["a"][0]}, "b": {HOMES["b"][0]}}


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()

    one, two = (written(tmp_path / name).read_bytes() for name in ("one", "two"))

    assert one == two


@pytest.mark.parametrize(
    ("room", "message", "hint"),
    [
        (
            {"kernel_mib": 1, "initramfs_mib": 2},
            "Image has 1048577 bytes, the EFI system partition has room for 1048576",
            "make boot.efi.kernel_mib at least 2 in the board file",
        ),
    ],
)
def test_a_kernel_that_has_no_room_is_refused(
    tmp_path: Path, room: dict[str, int], message: str, hint: str
) -> None:
    folder = slot(tmp_path / "slot", kernel=bytes(MIB + 1))

    with pytest.raises(InputError, match=message) as caught:
        esp.files(board(**room), folder, tmp_path)

    assert caught.value.hint == hint


def test_the_firmware_partition_is_one_that_efi_looks_for() -> None:
    first = disk_plan(board(), "seed").partition("firmware")

    assert first.type_guid == EFI_SYSTEM
    assert first.attributes == 0


def image_of(settings: Settings) -> Image:
    return Image("m", "sha256:0", ImageConfig(), settings, Tree())


@pytest.mark.parametrize("is_of_image", [False, True], ids=["of the item", "of the image"])
def test_only_who_writes_the_boot_state_gets_the_menu(is_of_image: bool) -> None:
    parts = load([str(paths.PROJECT / "examples" / "minimal.yml")]).parts
    images = [(part, image_of(Settings())) for part in parts]
    if is_of_image:
        images = [(replace(part, settings=Settings()), image_of(part.settings)) for part in parts]

    def holders(name: str) -> set[str]:
        return {
            part.name
            for part, _image in with_boot_state(images, find(name, environment={}))
            if "/dev/edge/firmware" in {device.path for device in part.settings.devices}
        }

    assert holders("efi-arm64") == {"agent"}
    assert holders("qemu-arm64") == set()


def test_bytes_outside_of_all_extents_can_not_be_written() -> None:
    storage = esp.ExtentStorage(Contents(4096, (extent.Extent(0, b"x" * 512, 512),)))

    with pytest.raises(ValueError, match="are in no extent"):
        storage.write(256, bytes(512))
    assert storage.read(508, 8) == b"xxxx" + bytes(4)


@pytest.mark.tools
def test_other_programs_read_the_menu_and_find_no_fault(
    tmp_path: Path, tool: Callable[..., Completed]
) -> None:
    path = written(tmp_path)

    tool("fsck.vfat", "-n", path)
    listed = tool("mdir", "-b", "-i", path, "::/loader/entries").stdout.decode().split()
    assert listed == ["::/loader/entries/9a.conf", "::/loader/entries/b.off"]

    storage = SyncedFile(path)
    source = tmp_path / "boot.img"
    volume = fat.volume(
        {
            "Image": b"kernel 2",
            "initrd.img": b"ramdisk 2",
            "slot.env": b"edge_cmdline=quiet\n",
        },
        size_bytes=SIZE_BYTES,
        label="BOOT",
        serial=1,
    )
    with source.open("wb") as stream:
        stream.truncate(volume.length_bytes)
        extent.write(stream, volume.extents)
    EfiControl(storage, lambda _slot: SyncedFile(source), command_line="edge.slot=a").arm("b")

    tool("fsck.vfat", "-n", path)
    listed = tool("mdir", "-b", "-i", path, "::/loader/entries").stdout.decode().split()
    assert sorted(listed) == ["::/loader/entries/5a.conf", "::/loader/entries/9b+3.conf"]
    kernel = tool("mtype", "-i", path, "::/edge/b/Image").stdout
    assert kernel.rstrip(b"\0") == b"kernel 2"
    entry = tool("mtype", "-i", path, "::/loader/entries/9b+3.conf").stdout
    assert b"options quiet edge.slot=b" in entry
