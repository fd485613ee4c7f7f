"""A small EFI system partition with its menu, and the boot partitions of both slots."""

from edge.image import esp, fat
from edge.image.extent import Contents
from edge_agent.boot.efi import FOLDER, PLACES, EfiControl, entry_text
from edge_agent.boot.fat import Volume
from edge_signing.formats.boot_state import Slot
from tests.fakes import systemd_boot
from tests.fakes.systemd_boot import MenuDevice

ROOM = 4096


def bytes_of(volume: Contents) -> bytes:
    return esp.ExtentStorage(volume).read(0, volume.length_bytes)


def boot_volume(kernel: bytes, ramdisk: bytes, line: str = "quiet") -> bytes:
    files = {"Image": kernel, "initrd.img": ramdisk, "slot.env": f"edge_cmdline={line}\n".encode()}
    return bytes_of(fat.volume({**files}, size_bytes=17 << 20, label="BOOT", serial=1))


def new_menu() -> bytes:
    """Return an EFI system partition as a new disk has it, with little room for each file."""
    files: dict[str, bytes] = {
        "EFI/BOOT/BOOTAA64.EFI": b"systemd-boot",
        f"{FOLDER}/9a.conf": entry_text("a", "quiet"),
        f"{FOLDER}/b.off": entry_text("b", ""),
        PLACES: b"\n" * 512,
        "edge/a/Image": b"kernel a".ljust(ROOM, b"\0"),
        "edge/a/initrd.img": b"ramdisk a".ljust(ROOM, b"\0"),
        "edge/b/Image": bytes(ROOM),
        "edge/b/initrd.img": bytes(ROOM),
    }
    return bytes_of(
        esp.arranged(fat.volume({**files}, size_bytes=17 << 20, label="FIRMWARE", serial=1))
    )


MENU = new_menu()
BOOT: dict[str, bytes] = {
    "a": boot_volume(b"kernel a", b"ramdisk a"),
    "b": boot_volume(b"kernel b" * 500, b"ramdisk b" * 400, "quiet panic=5"),
}
LOADED = {"a": (b"kernel a", b"ramdisk a"), "b": (b"kernel b" * 500, b"ramdisk b" * 400)}


def new_device() -> MenuDevice:
    return MenuDevice(MENU)


def control(device: MenuDevice, slot: Slot = "a", boot: dict[str, bytes] = BOOT) -> EfiControl:
    return EfiControl(
        device, lambda one: MenuDevice(boot[one]), command_line=f"quiet edge.slot={slot}"
    )


def names(device: MenuDevice) -> set[str]:
    volume = Volume(device)
    return {one.name for one in volume.entries(volume.find(FOLDER))} - {".", ".."}


def started(device: MenuDevice) -> Slot:
    """Start the machine; what it loads has to be whole, whatever happened before."""
    found = systemd_boot.start(device)
    assert (found.kernel, found.ramdisk) == LOADED[found.slot]
    return found.slot


def armed() -> MenuDevice:
    device = new_device()
    control(device).arm("b")
    return device


def tried() -> MenuDevice:
    device = armed()
    started(device)
    return device


def settled() -> MenuDevice:
    device = tried()
    control(device, "b").commit()
    return device
