"""The board profile: all that the host must know of a board, as data.

What data cannot say is a named driver: `boot.driver` here, a class of that name where it is used.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from edge.board.flashing import MOST_ADDRESS, DeviceType, Flash
from edge.strict.formats import InnerPath, Line, ModuleName, Name, PackageName, Text, matching
from edge.strict.model import StrictModel, wrong

_MIB = 1 << 20
_LOADER_MIB = 4  # systemd-boot, the tables of the volume
# The MBR, the header and 128 entries of a GPT (UEFI 2.10, 5.3): sectors 0 to 33.
TABLE_BYTES = 34 * 512
_PROPERTY = r"/[^ :]*"

Address = Annotated[int, Field(ge=0, le=MOST_ADDRESS)]
Mib = Annotated[int, Field(ge=1, le=1 << 20)]
ModuleNames = tuple[ModuleName, ...]
Console = Annotated[
    str, matching(r"tty[A-Za-z0-9]+(,[0-9a-z]+)?", "a console", "like ttyAMA0 or ttyS1,115200")
]
TreePath = Annotated[
    str, matching(_PROPERTY, "the path of a device tree node", "like /soc/mmc@7e300000")
]
UbootName = Annotated[str, matching(r"[A-Za-z0-9_]+", "a name of U-Boot", "letters and digits")]
QemuWord = Annotated[str, matching(r"[!-~]+", "one argument of QEMU", "no spaces inside a word")]


class BoardKernel(StrictModel):
    """The kernel of the board and what its command line always holds."""

    package: PackageName
    cmdline: Line | None = None


class Modules(StrictModel):
    """Kernel modules, each with all that it needs: in the initramfs, and loaded later."""

    initramfs: ModuleNames = ()
    system: ModuleNames = ()


class Watchdog(StrictModel):
    """The hardware watchdog, fed from the initramfs on."""

    module: ModuleName
    timeout_s: int = Field(ge=1, le=3600)


class PartitionTable(StrictModel):
    """The partition table; `gpt-hybrid` adds an MBR that names the firmware partition.

    The first partition begins at `start_mib`; what lies before it is for boot loaders.
    """

    kind: Literal["gpt", "gpt-hybrid"] = "gpt"
    start_mib: int = Field(default=1, ge=1, le=1024)


class Slots(StrictModel):
    """The sizes of the partitions of one slot."""

    boot_mib: Mib
    rootfs_mib: Mib


class FirmwareFile(StrictModel):
    """A file of the firmware partition: from a package (glob of its path), or written here."""

    package_file: InnerPath | None = None
    contents: str | None = None
    to: InnerPath

    @model_validator(mode="after")
    def _one_kind(self) -> "FirmwareFile":
        if (self.package_file is None) == (self.contents is None):
            found = "neither" if self.contents is None else "both"
            raise wrong(f"exactly one of package_file and contents is needed, found {found}")
        return self


class RawFirmware(StrictModel):
    """A boot loader that the ROM reads at a fixed place of the disk (i.MX, Rockchip, Allwinner)."""

    package_file: InnerPath
    offset_bytes: int = Field(ge=512, multiple_of=512)

    @model_validator(mode="after")
    def _behind_the_table(self) -> "RawFirmware":
        if self.offset_bytes < TABLE_BYTES:
            raise wrong(
                f"offset_bytes {self.offset_bytes} lies in the partition table,"
                f" which takes the first {TABLE_BYTES} bytes",
                "use the second place that the ROM looks at; Allwinner's is at 131072",
            )
        return self


class Firmware(StrictModel):
    """The firmware partition (FAT), and what lies outside of partitions."""

    mib: Mib
    files: tuple[FirmwareFile, ...] = ()
    raw: tuple[RawFirmware, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> "Firmware":
        names = [file.to.lower() for file in self.files]
        twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
        if twice is not None:
            raise wrong(
                f"two files go to {twice!r}", "FAT does not tell capitals from small letters"
            )
        return self


class Script(StrictModel):
    """What the boot script of U-Boot needs: where the disk is, and where things go in memory.

    `fdt_variable` is where U-Boot keeps the address of the device tree that it was handed,
    `fdt_addr` the place of one that the slot brings.
    """

    devtype: DeviceType
    devnum: int = Field(default=0, ge=0, le=15)
    kernel_addr: Address
    ramdisk_addr: Address
    fdt_addr: Address | None = None
    fdt_variable: UbootName = "fdt_addr"


class DeviceTree(StrictModel):
    """Where the device tree comes from.

    `firmware`: what runs before Linux hands it on. `slot`: the boot script loads `package_file`
    from the slot, so that a slot brings its own.
    """

    source: Literal["firmware", "slot"] = Field(alias="from")
    package_file: InnerPath | None = None

    @model_validator(mode="after")
    def _file_of_slot(self) -> "DeviceTree":
        if (self.source == "slot") != (self.package_file is not None):
            raise wrong("package_file is needed with `from: slot`, and only there")
        return self


CONFIG = "config.txt"
# What a slot has anyway; edge/image/slot.py.
_MADE = frozenset(("Image", "initrd.img", "slot.env", "board.dtb", "cmdline.txt", "rootfs.img"))


class EfiFiles(StrictModel):
    """How much room kernel and initramfs of a slot have in the EFI system partition."""

    kernel_mib: Mib = 48
    initramfs_mib: Mib = 24


class Boot(StrictModel):
    """How the board boots and keeps its boot state.

    `uboot`: U-Boot runs the boot script, which keeps the state in the partition `bootstate`.
    `efi`: systemd-boot on EFI firmware, whose entries are the state. `rpi-tryboot`: the firmware of
    a Raspberry Pi starts the kernel itself, from the boot partition of a slot, which `files` go to.
    """

    driver: Literal["uboot", "efi", "rpi-tryboot"]
    script: Script | None = None
    efi: EfiFiles | None = None
    files: tuple[FirmwareFile, ...] = ()
    dtb: DeviceTree

    @model_validator(mode="after")
    def _place_of_tree(self) -> "Boot":
        if self.script is not None and self.dtb.source == "slot" and self.script.fdt_addr is None:
            raise wrong("script.fdt_addr is needed with `dtb: {from: slot}`")
        return self

    @model_validator(mode="after")
    def _what_the_driver_reads(self) -> "Boot":
        if (self.driver == "uboot") != (self.script is not None):
            raise wrong("script is needed with `driver: uboot`, and only there")
        if self.efi is not None and self.driver != "efi":
            raise wrong("efi is for `driver: efi`")
        if self.driver == "efi" and self.dtb.source == "slot":
            raise wrong("EFI firmware brings the device tree: write `dtb: {from: firmware}`")
        return self

    @model_validator(mode="after")
    def _what_a_slot_of_its_own_needs(self) -> "Boot":
        names = {file.to for file in self.files}
        if self.driver != "rpi-tryboot":
            if names:
                raise wrong("files are for `driver: rpi-tryboot`")
            return self
        if self.dtb.source != "slot":
            raise wrong("the slot brings the device tree: `dtb: {from: slot, package_file: …}`")
        if CONFIG not in names:
            raise wrong(f"files has no {CONFIG}, which the firmware reads first")
        if taken := sorted(names & _MADE):
            raise wrong(f"files: {taken[0]} is made by the build")
        if folders := sorted(name for name in names if "/" in name):
            raise wrong(f"files: {folders[0]} lies in a folder, which a slot has none of")
        return self

    @property
    def room(self) -> EfiFiles:
        """What a slot has in the EFI system partition."""
        return self.efi or EfiFiles()


class DropProperty(StrictModel):
    """A property to delete from a device tree node."""

    node: TreePath
    name: Text


class SetProperty(StrictModel):
    """A property to set in a device tree node; without a value it is an empty one."""

    node: TreePath
    name: Text
    value: str | None = None


class TreeEdits(StrictModel):
    """Edits of a board's device tree that only the emulator needs."""

    package_file: InnerPath
    disable: tuple[TreePath, ...] = ()
    delete: tuple[DropProperty, ...] = ()
    delete_nodes: tuple[TreePath, ...] = ()
    set: tuple[SetProperty, ...] = ()


class Emulator(StrictModel):
    """How QEMU plays the board.

    `firmware` is given with -bios, `kernel` with -kernel: globs of package paths. `disk` names
    the QEMU device of the disk. `power_of_two` says that the image has to be grown to one.
    """

    machine: QemuWord
    cpu: QemuWord | None = None
    memory_mib: int | None = Field(default=None, ge=64, le=1 << 20)
    smp: int | None = Field(default=None, ge=1, le=64)
    firmware: InnerPath | None = None
    kernel: InnerPath | None = None
    disk: Literal["virtio-blk-pci", "sd"] = "virtio-blk-pci"
    power_of_two: bool = False
    network: QemuWord | None = None
    serials: int = Field(default=1, ge=1, le=8)
    serial: int = Field(default=0, ge=0, le=7)
    args: tuple[QemuWord, ...] = ()
    dtb: TreeEdits | None = None

    @model_validator(mode="after")
    def _one_start(self) -> "Emulator":
        if (self.firmware is None) == (self.kernel is None):
            raise wrong("exactly one of firmware (-bios) and kernel (-kernel) is needed")
        if self.serial >= self.serials:
            raise wrong(f"serial {self.serial} is not one of {self.serials}, counted from 0")
        return self


class Board(StrictModel):
    """A board profile."""

    name: Name
    description: Text
    architecture: Literal["arm64"]
    kernel: BoardKernel
    packages: tuple[PackageName, ...] = ()
    modules: Modules = Field(default_factory=Modules)
    watchdog: Watchdog | None = None
    console: Console
    partition_table: PartitionTable = Field(default_factory=PartitionTable)
    slots: Slots
    firmware: Firmware
    data_mib: Mib
    boot: Boot
    flash: Flash = Field(default_factory=Flash)
    emulator: Emulator | None = None

    @model_validator(mode="after")
    def _serial_by_u_boot(self) -> "Board":
        if self.flash.serial is not None and self.boot.driver != "uboot":
            raise wrong("flash.serial is for boards with U-Boot")
        return self

    @model_validator(mode="after")
    def _room_for_both_slots(self) -> "Board":
        room = self.boot.room
        needed_mib = 2 * (room.kernel_mib + room.initramfs_mib) + _LOADER_MIB
        if self.boot.driver == "efi" and self.firmware.mib < needed_mib:
            raise wrong(
                f"firmware.mib {self.firmware.mib} is too small for kernel and initramfs of both"
                " slots (boot.efi)",
                f"make firmware.mib at least {needed_mib}",
            )
        return self

    @model_validator(mode="after")
    def _raw_before_the_partitions(self) -> "Board":
        for raw in self.firmware.raw:
            if raw.offset_bytes >= self.partition_table.start_mib * _MIB:
                raise wrong(
                    f"firmware.raw: {raw.package_file} at byte {raw.offset_bytes} lies in the"
                    f" first partition, which begins at {self.partition_table.start_mib} MiB",
                    f"make partition_table.start_mib more than {raw.offset_bytes // _MIB}",
                )
        return self
