"""The tools that Edge runs: which Debian package brings each, and what for. Data only."""

from dataclasses import dataclass

SUITE = "trixie"
TREE_HINT = "run `tools/setup`"


@dataclass(frozen=True, slots=True)
class Group:
    """Programs of one package.

    Attributes:
        package: The Debian package in the tool tree.
        what_for: What is not possible without them.
        programs: Names that `tool()` knows.
        also: Programs that these start themselves, or are links to.
        static: They bring their libraries themselves.
    """

    package: str
    what_for: str
    programs: tuple[str, ...]
    also: tuple[str, ...] = ()
    static: bool = False


GROUPS = (
    Group("qemu-system-arm", "run images in the emulator", ("qemu-system-aarch64",)),
    Group("qemu-utils", "disk images of the emulator", ("qemu-img", "qemu-nbd")),
    Group(
        "erofs-utils",
        "write and check root file systems",
        ("mkfs.erofs", "fsck.erofs", "dump.erofs"),
    ),
    Group("squashfs-tools", "the output format squashfs", ("mksquashfs", "unsquashfs")),
    Group("u-boot-tools", "boot scripts and FIT images", ("mkimage", "dumpimage")),
    Group(
        "libubootenv-tool", "read the boot state", ("fw_printenv", "fw_setenv"), ("fw_printenv",)
    ),
    Group(
        "mtools",
        "read and write FAT images",
        ("mdir", "mcopy", "mmd", "mtype", "minfo", "mattrib", "mformat", "mdel", "mlabel"),
        ("mtools",),
    ),
    Group("dosfstools", "check FAT images", ("fsck.vfat", "mkfs.vfat"), ("fsck.fat", "mkfs.fat")),
    Group("gdisk", "check partition tables", ("sgdisk",)),
    Group("fdisk", "check partition tables", ("sfdisk", "fdisk")),
    Group(
        "device-tree-compiler",
        "device trees",
        ("dtc", "fdtget", "fdtput", "fdtdump", "fdtoverlay"),
    ),
    Group("cryptsetup-bin", "check hash trees, open LUKS", ("veritysetup", "cryptsetup")),
    Group(
        "e2fsprogs",
        "write and check data partitions",
        ("mke2fs", "mkfs.ext4", "e2fsck", "fsck.ext4", "dumpe2fs", "debugfs", "resize2fs"),
    ),
    Group("zstd", "compressed images", ("zstd",)),
    Group("bmaptool", "copy images with block maps", ("bmaptool",)),
    Group("python3.13", "compile Python for devices", ("python3.13",)),
    Group(
        "gcc-aarch64-linux-gnu",
        "compile programs for devices",
        ("aarch64-linux-gnu-gcc",),
        ("aarch64-linux-gnu-gcc-14", "aarch64-linux-gnu-as", "aarch64-linux-gnu-ld.bfd"),
    ),
    Group("binutils-aarch64-linux-gnu", "look into programs", ("aarch64-linux-gnu-readelf",)),
    Group("kmod", "kernel modules", ("modinfo", "depmod"), ("kmod",)),
    Group("dropbear-bin", "host keys of devices", ("dropbearkey", "dropbearconvert")),
    Group("openssh-client", "log in to devices", ("ssh", "ssh-keygen", "scp")),
    Group("openssl", "keys and certificates", ("openssl",)),
    Group("mosquitto", "the MQTT broker", ("mosquitto",)),
    # The last four are for tests and benchmarks only: YMODEM and a device of others, and the
    # device's programs and scripts on the host.
    Group("lrzsz", "compare with YMODEM of others", ("rb", "sb"), ("lrz", "lsz")),
    Group("swupdate", "serve a device of others", ("swupdate",)),
    Group("qemu-user", "test programs of devices", ("qemu-aarch64",), static=True),
    Group("busybox-static", "test scripts of devices", ("busybox",), static=True),
)

# What a program is linked with by name only, for each architecture of the host; U-Boot for QEMU is
# for the tests of the boot script.
LIBRARIES = {
    "amd64": ("libc6-dev-arm64-cross", "libpython3.13-stdlib", "u-boot-qemu"),
    "arm64": ("libc6-dev", "libpython3.13-stdlib", "u-boot-qemu"),
}

# Packages that only an installed system needs.
WITHOUT = (
    "adduser",
    "base-passwd",
    "debconf",
    "dpkg",
    "libasan*",
    "libasound2-data",
    "libaudit*",
    "libhwasan*",
    "liblsan*",
    "libpam-modules*",
    "libsemanage*",
    "libsystemd-shared",
    "libtsan*",
    "libubsan*",
    "login.defs",
    "media-types",
    "mount",
    "netbase",
    "passwd",
    "python3",
    "python3-minimal",
    "qemu-efi-*",
    "systemd",
    "tar",
    "tzdata",
)

# Patterns of paths; programs outside the groups above are left out as well.
DROP = (
    "etc/init.d/*",
    "usr/lib/gcc-cross/*/plugin/*",
    "usr/lib/python3.13/ensurepip/*",
    "usr/lib/python3.13/idlelib/*",
    "usr/lib/python3.13/pydoc_data/*",
    "usr/lib/systemd/*",
    "usr/lib/u-boot/*.elf",
    "usr/lib/u-boot/malta*",
    "usr/lib/u-boot/qemu-*",
    "usr/lib/u-boot/qemu_arm/*",
    "usr/lib/udev/*",
    "usr/lib/valgrind/*",
    "usr/libexec/*/lto1",
    "usr/libexec/*/lto-wrapper",
    "usr/share/applications/*",
    "usr/share/bash-completion/*",
    "usr/share/bug/*",
    "usr/share/doc/*",
    "usr/share/icons/*",
    "usr/share/info/*",
    "usr/share/lintian/*",
    "usr/share/locale/*",
    "usr/share/man/*",
    "usr/share/pixmaps/*",
    "usr/share/zoneinfo/*",
)

PROGRAM_FOLDERS = ("usr/bin", "usr/sbin", "bin", "sbin")


def group_of(program: str) -> Group | None:
    """Return the group that has the program, if one has."""
    return next((group for group in GROUPS if program in group.programs), None)


def kept_programs() -> frozenset[str]:
    """Return the names of all files that stay in the tree's program folders."""
    return frozenset(name for group in GROUPS for name in group.programs + group.also)


def packages(architecture: str) -> tuple[str, ...]:
    """Return the packages of the tree, for a host of this architecture."""
    return tuple(group.package for group in GROUPS) + LIBRARIES[architecture]
