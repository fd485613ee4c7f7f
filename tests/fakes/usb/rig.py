"""A virtual machine with USB ports that boards are plugged into: Debian's kernel of this host's
kind, the file system of this host below a layer that is thrown away, and udev.

What runs in it are the project's own commands, and those of others. The boards are played out here,
where processors are not emulated; their cables are connections. It has one processor: two that are
emulated wait for each other more than they get done.
"""

import hashlib
import json
import lzma
import platform
import shlex
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from edge import atomic, paths, process, toolbox
from edge.debian import deb
from edge.debian.archive import Archive
from edge.debian.mirror import mirror
from edge.emulator.machine import Machine
from edge.image import cpio
from edge.oci.store import Store
from edge.toolbox import catalogue, tree
from tests.fakes.ports import free_ports

ROOT = Path(__file__).parents[3]
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
IMAGE = "linux-image"
PACKAGE = f"{IMAGE}-{ARCHITECTURE}"
# Of the modules, those that a machine with USB and a file system of its host needs.
KEPT = (
    "drivers/usb/*", "drivers/scsi/*", "drivers/hid/*", "drivers/virtio/*",
    "drivers/char/hw_random/*", "drivers/net/virtio_net*", "drivers/net/net_failover*",
    "net/core/failover*", "fs/9p/*", "fs/netfs/*", "fs/fscache/*",
    "fs/overlayfs/*", "net/9p/*", "lib/*", "crypto/*",
)  # fmt: skip
# What costs much when it is emulated is left out: copying by bytes, which "erms" says is best, and
# what guards the kernel's memory at each copy from and to a program.
PROCESSOR = "max,erms=off,smap=off,smep=off,umip=off,pku=off,la57=off"
QEMU = {
    "amd64": ("qemu-system-x86_64", "-cpu", PROCESSOR, "-machine", "pc"),
    "arm64": ("qemu-system-aarch64", "-cpu", "max", "-machine", "virt"),
}
CONSOLE = {"amd64": "ttyS0", "arm64": "ttyAMA0"}
PLUG_PORT, RUN_PORT = 7000, 7001  # of rig_inside.py
STARTED_S = 240
ANSWER_S = 300
INIT = """\
#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
for one in virtio_pci virtio_rng virtio_net 9pnet_virtio 9p overlay; do
  busybox modprobe $one
done
options=trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose
busybox mount -t 9p -o $options host /host || busybox poweroff -f
busybox mount -t tmpfs -o size=60% above /above
busybox mkdir /above/upper /above/work
busybox mount -t overlay -o lowerdir=/host,upperdir=/above/upper,workdir=/above/work new /new
for one in dev proc sys; do busybox mount -o move /$one /new/$one; done
busybox mkdir -p /new/dev/pts /new/dev/shm /new/lib/modules
busybox mount -t devpts pts /new/dev/pts
busybox mount -t tmpfs shm /new/dev/shm
busybox mount -t tmpfs run /new/run
busybox mount -o bind /new@MODULES@ /new/lib/modules
busybox ifconfig lo 127.0.0.1
busybox ifconfig eth0 10.0.2.15 netmask 255.255.255.0
busybox sed -e '1,/^# then/d' /init >/new/run/then
exec busybox switch_root /new @BUSYBOX@ sh /run/then
# then
for one in vhci_hcd 'usb_storage delay_use=0' sd_mod hid_generic usbhid; do
  @BUSYBOX@ modprobe $one
done
/lib/systemd/systemd-udevd --daemon
cd @ROOT@ && PYTHONPATH=. .venv/bin/python -m tests.fakes.usb.rig_inside
echo "rig: ended with $?"
@BUSYBOX@ poweroff -f
"""


@dataclass(frozen=True)
class Done:
    """What came of a command.

    Attributes:
        said: All that it printed.
        time_s: By the clock of the machine.
    """

    status: int
    said: str
    time_s: float


class Rig:
    """The machine, once it does what it is told (`rig_inside.py`)."""

    def __init__(self, plug_port: int, run_port: int) -> None:
        self._plug_port = plug_port
        self._run_port = run_port
        self._bus = str(self.ask("bus"))

    def ask(self, what: str, **facts: object) -> Any:
        """Have something done there, and return what it answers."""
        port = self._run_port if what == "run" else self._plug_port
        with socket.create_connection(("127.0.0.1", port), ANSWER_S) as link:
            link.sendall(json.dumps({"do": what, **facts}).encode() + b"\n")
            answer = b"".join(iter(lambda: link.recv(1 << 16), b""))
        if not answer:
            raise ConnectionError(f"the machine did not answer to {what} {facts}")
        return json.loads(answer)

    def run(self, *argv: str, folder: Path = ROOT, **environment: str) -> Done:
        """Run a command in a folder of this host; what it writes stays in the machine."""
        facts = {"argv": argv, "folder": str(folder), "environment": environment}
        return Done(**self.ask("run", **facts))

    def port_path(self, number: int) -> str:
        """Return how the kernel there calls a port, such as `1-3`."""
        return f"{self._bus}-{number + 1}"


@contextmanager
def running() -> Iterator[Rig]:
    """Start the machine, until the block ends."""
    kernel = _kernel()
    plugs, runs = free_ports(2)
    program, *machine = QEMU[ARCHITECTURE]
    with tempfile.TemporaryDirectory(prefix="rig-") as folder:
        initrd = Path(folder) / "initrd"
        with initrd.open("wb") as stream:
            cpio.write(stream, _first_files(kernel))
        argv = [
            program, *machine, "-accel", "tcg,thread=multi", "-smp", "1", "-m", "1536",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
            "-kernel", str(kernel / "vmlinuz"), "-initrd", str(initrd),
            "-append", f"console={CONSOLE[ARCHITECTURE]} quiet loglevel=3 panic=-1 mitigations=off",
            "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host", "-device", "virtio-rng-pci",
            "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{plugs}-:{PLUG_PORT}"
            f",hostfwd=tcp:127.0.0.1:{runs}-:{RUN_PORT}",
            "-device", "virtio-net-pci,netdev=net,romfile=",
        ]  # fmt: skip
        one = Machine(argv)
        try:
            one.wait_for("rig: ready", STARTED_S)
            yield Rig(plugs, runs)
        finally:
            one.cut_power()


def _first_files(kernel: Path) -> Iterator[cpio.CpioEntry]:
    busybox = tree.folder() / "root/usr/bin/busybox"
    words = {
        "@MODULES@": str(kernel / "lib/modules"),
        "@BUSYBOX@": str(busybox),
        "@ROOT@": shlex.quote(str(ROOT)),
    }
    init = INIT
    for mark, value in words.items():
        init = init.replace(mark, value)
    yield cpio.file("bin/busybox", busybox, mode=0o755)
    yield cpio.symlink("bin/sh", "busybox")
    for name in ("dev", "proc", "sys", "host", "above", "new"):
        yield cpio.folder(name)
    yield cpio.file("init", init.encode(), mode=0o755)
    for file in sorted((kernel / "lib/modules").rglob("*")):
        if file.is_file():
            yield cpio.file(f"lib/modules/{file.relative_to(kernel / 'lib/modules')}", file)


def _kernel() -> Path:
    """Return the folder with the kernel and its modules; fetched and unpacked the first time."""
    archive = Archive(
        mirror(),
        architecture=ARCHITECTURE,
        suite=catalogue.SUITE,
        components=("main",),
        folder=paths.cache_folder() / "apt" / f"tools-{ARCHITECTURE}",
    )
    package = next(
        one for one in archive.resolve([PACKAGE]) if one.name.startswith("linux-image-6")
    )
    kept = hashlib.sha256("\n".join(KEPT).encode()).hexdigest()[:8]
    place = paths.cache_folder() / "rig" / f"{package.name}-{package.version}-{kept}"
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        store = Store(paths.cache_folder() / "store")
        archive.fetch([package], store)
        with atomic.folder(place) as folder:
            _unpack(store.path(package.digest), folder)
    return place


def _unpack(package: Path, folder: Path) -> None:
    """Unpack the kernel and the modules that are needed, as they are without compression."""
    for info, content in deb.members(package):
        path = PurePosixPath(info.name)
        if content is None or not info.isfile():
            continue
        if path.parts[0] == "boot" and path.name.startswith("vmlinuz-"):
            (folder / "vmlinuz").write_bytes(content.read())
        elif (found := _module(path)) is not None:
            file = folder / "modules" / found
            file.parent.mkdir(parents=True, exist_ok=True)
            data = content.read()
            file.with_suffix("" if file.suffix == ".xz" else file.suffix).write_bytes(
                lzma.decompress(data) if file.suffix == ".xz" else data
            )
    (version,) = (one.name for one in (folder / "modules").iterdir())
    # depmod looks below lib/modules of its folder.
    (folder / "lib").mkdir()
    (folder / "modules").rename(folder / "lib/modules")
    process.run([*toolbox.tool("depmod"), "-b", folder, version])


def _module(path: PurePosixPath) -> PurePosixPath | None:
    """Return where a file of the package belongs below the modules; None if it is not needed."""
    parts = path.parts
    if "modules" not in parts:
        return None
    inside = PurePosixPath(*parts[parts.index("modules") + 1 :])
    below = PurePosixPath(*inside.parts[2:])
    if len(inside.parts) == 2 and inside.name.startswith("modules."):
        return inside
    return inside if any(fnmatchcase(str(below), one) for one in KEPT) else None
