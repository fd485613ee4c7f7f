"""A project as small as can be built: two boards, an init, two services, and their packages.

Its packages come from a `DebianRepository` of its own; only programs of the tool tree are real.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from edge.digest import of_file
from tests.fakes.debian_repository import DebianRepository
from tests.fakes.kernel_module import module

KERNEL = "6.1-tiny"
COPYRIGHT = b"""\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2026 nobody
License: GPL-2+

Files: debian/*
Copyright: 2026 nobody
License: Tiny
 Do as you like.
 .
 Or do not.
"""
BOARD = """\
name: {name}
description: A board for tests
architecture: arm64
kernel: {{package: {kernel}, cmdline: console=ttyAMA0}}
packages: [u-boot-tiny]
modules: {{initramfs: [dm_verity, erofs], system: [net]}}
watchdog: {{module: dog, timeout_s: 30}}
console: ttyAMA0
partition_table: {{kind: {table}}}
slots: {{boot_mib: 4, rootfs_mib: 8}}
firmware:
  mib: 8
  files:
    - {{package_file: usr/lib/u-boot/tiny/u-boot.bin, to: u-boot.bin}}
    - {{to: config.txt, contents: "kernel=u-boot.bin\\n"}}
data_mib: 16
boot:
  driver: uboot
  script: {{devtype: virtio, kernel_addr: 0x40400000, ramdisk_addr: 0x44000000}}
  dtb: {{from: firmware}}
emulator:
  machine: virt
  firmware: usr/lib/u-boot/tiny/u-boot.bin
"""
SYSTEM = """\
init: [{service: ./services/root}]
services:
  - service: ./services/one
  - {service: ./services/two, depends_on: [one]}
files:
  - {path: etc/motd, contents: "hello\\n", mode: "0644"}
"""
SERVICE = """\
description: {name}, for tests
packages: [{package}]
command: [/usr/bin/{package}]
files: [{{path: etc/{name}.conf, source: {name}.conf}}]
"""


@dataclass
class TinyProject:
    """Files below `folder`; its packages in `repository`, and the cache beside both."""

    folder: Path
    repository: DebianRepository
    cache: Path

    @property
    def system(self) -> Path:
        return self.folder / "system.yml"

    @property
    def lock(self) -> Path:
        return self.folder / "edge.lock"

    @property
    def boards(self) -> Path:
        return self.folder / "boards"

    @property
    def store(self) -> Path:
        return self.cache / "store"

    def droppings(self) -> list[str]:
        """Return what lies beside the output though no build is under way."""
        return sorted(path.name for path in self.folder.glob(".*"))

    def write(self) -> None:
        """Write all files and publish all packages."""
        self.publish()
        self.board("tiny")
        self.board("tiny-two", table="gpt-hybrid")
        self.service("root", "busybox-tiny")
        self.service("one", "app-one")
        self.service("two", "app-two")
        self.system.write_text(SYSTEM)

    def board(
        self, name: str, *, kernel: str = "linux-image-tiny", table: str = "gpt", **edits: str
    ) -> Path:
        """Write a board; `edits` give the whole lines of keys at the top."""
        text = BOARD.format(name=name, kernel=kernel, table=table)
        for key, line in edits.items():
            lines = [line if old.startswith(f"{key}:") else old for old in text.splitlines()]
            text = "\n".join(lines) + "\n"
        file = self.boards / name / "board.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def service(self, name: str, package: str, more: str = "") -> Path:
        """Write a service folder that takes one package."""
        folder = self.folder / "services" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "service.yml").write_text(SERVICE.format(name=name, package=package) + more)
        (folder / f"{name}.conf").write_text(f"{name}\n")
        return folder

    def publish(self) -> None:
        """Make the packages: a kernel behind a meta package, a boot loader, three programs."""
        add = self.repository.add
        modules = f"usr/lib/modules/{KERNEL}"
        add("initramfs-tools-tiny")
        add(
            f"linux-image-{KERNEL}",
            depends="initramfs-tools-tiny",
            files={
                f"boot/vmlinuz-{KERNEL}": noise("kernel", 3000),
                f"{modules}/modules.builtin": b"kernel/drivers/virtio.ko\n",
                f"{modules}/kernel/dm-verity.ko": module(depends="virtio"),
                f"{modules}/kernel/erofs.ko": module(depends=""),
                f"{modules}/kernel/net.ko": module(depends=""),
                f"{modules}/kernel/dog.ko": module(depends=""),
                f"{modules}/kernel/loop.ko": module(depends=""),
            },
        )
        add("linux-image-tiny", depends=f"linux-image-{KERNEL}")
        add("u-boot-tiny", files={"usr/lib/u-boot/tiny/u-boot.bin": noise("u-boot", 5000)})
        add("busybox-tiny", files=program("busybox-tiny", 60_000))
        add("libtiny", files={"usr/lib/libtiny.so": noise("libtiny", 40_000)})
        for name in ("app-one", "app-two"):
            add(name, depends="libtiny", files=program(name, 20_000))


def program(name: str, size_bytes: int, *, version: str = "1") -> dict[str, bytes]:
    """Return the files of a package with one program."""
    return {
        f"usr/bin/{name}": noise(f"{name} {version}", size_bytes),
        f"usr/share/doc/{name}/copyright": COPYRIGHT,
    }


def noise(seed: str, size_bytes: int) -> bytes:
    """Return bytes that do not compress, the same for one seed."""
    return hashlib.shake_256(seed.encode()).digest(size_bytes)


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each file below a folder."""
    return {
        str(path.relative_to(folder)): of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
