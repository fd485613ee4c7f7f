"""RAUC and SWUpdate as installers of the same image to the same device, and two yardsticks.

Both are Debian's, set up as their manuals say, with a signature and with as little else as they
allow: no boot loader, no hooks. RAUC's service runs on a message bus of its own; what the service
took is counted, not the start of it, and not what the kernel does for it (squashfs, loop).
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge import digest, process
from edge.errors import ToolError
from tools.bench import proc, rauc_adaptive
from tools.bench.usage import Usage, measured

PROGRAMS: Final = {
    "rauc": "rauc",
    "mksquashfs": "squashfs-tools",
    "dbus-daemon": "dbus",
    "swupdate": "swupdate",
    "cpio": "cpio",
}
START_S: Final = 10.0
_NAME: Final = "de.pengutronix.rauc"
_BUS: Final = """\
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
_SYSTEM: Final = """\
[system]
compatible=bench
bootloader=noop
mountprefix={folder}/mount
statusfile={folder}/status.raucs

[keyring]
path={certificate}

[slot.rootfs.0]
device={folder}/running
type=raw
bootname=a

[slot.rootfs.1]
device={target}
type=raw
bootname=b
"""
_DESCRIPTION: Final = """\
software = {{
  version = "1";
  hardware-compatibility: [ "1" ];
  images: ( {{
    filename = "{file}";
    device = "{target}";
    type = "raw";
    sha256 = "{sha256}";
    installed-directly = true;{compressed}
  }} );
}}
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all installers share: the image, the device it goes to, and a folder."""

    folder: Path
    image: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Installer:
    """One side of the comparison.

    Attributes:
        sent_bytes: Length of what is installed from.
        run: Install once, and return what it took.
        prepare: Called before each run, which it is no part of.
        check: Called after each run; ends all if it did not do its work.
    """

    name: str
    sent_bytes: int
    run: Callable[[], Usage]
    prepare: Callable[[], None] = lambda: None
    check: Callable[[], None] = lambda: None


def missing() -> list[str]:
    """Return the Debian packages whose programs are not on this machine."""
    return sorted({package for name, package in PROGRAMS.items() if not shutil.which(name)})


def yardsticks(ground: Ground) -> list[Installer]:
    """Return the copy of the image by `dd` with a flush, and its hash by `sha256sum`."""
    copy = ["dd", f"if={ground.image}", f"of={ground.target}", "bs=1M", "conv=fsync,notrunc"]
    length_bytes = ground.image.stat().st_size
    return [
        Installer("dd conv=fsync", length_bytes, lambda: measured([*copy, "status=none"]).usage),
        Installer("sha256sum", length_bytes, lambda: measured(["sha256sum", ground.image]).usage),
    ]


def swupdate(ground: Ground, keys: tuple[Path, Path], *, is_packed: bool) -> Installer:
    """Return SWUpdate with its handler `raw`, the image streamed as it is or through zstd."""
    folder = ground.folder / f"swupdate-{'zstd' if is_packed else 'raw'}"
    folder.mkdir()
    file = folder / "rootfs.img"
    shutil.copyfile(ground.image, file)
    if is_packed:
        process.run(["zstd", "-3", "-q", "--rm", file])
        file = file.with_suffix(".img.zst")
    text = _DESCRIPTION.format(
        file=file.name,
        target=ground.target,
        sha256=digest.of_file(file).rpartition(":")[2],
        compressed=' compressed = "zstd";' if is_packed else "",
    )
    (folder / "sw-description").write_text(text)
    update = _container(folder, file.name, keys)
    certificate = keys[0]
    trust = ("-f", _settings(folder), "-k", certificate, "-H", "bench:1")
    words = ("swupdate", *trust, "-M", "-m", "-l", "1", "-i", update)
    env = {"TMPDIR": str(folder)}
    name = f"swupdate {'zstd' if is_packed else 'raw'}"
    return Installer(name, update.stat().st_size, lambda: measured(words, env=env).usage)


def _settings(folder: Path) -> Path:
    file = folder / "swupdate.cfg"
    file.write_text('globals: { postupdatecmd = "/bin/true"; };\n')
    return file


def _container(folder: Path, file: str, keys: tuple[Path, Path]) -> Path:
    """Write the `.swu`: description, its signature, image."""
    certificate, key = keys
    words = ["openssl", "cms", "-sign", "-in", "sw-description", "-out", "sw-description.sig"]
    words += ["-signer", str(certificate), "-inkey", str(key), "-outform", "DER"]
    process.run([*words, "-nosmimecap", "-binary", "-md", "sha256"], cwd=folder)
    names = "\n".join(("sw-description", "sw-description.sig", file)).encode()
    update = folder / "update.swu"
    process.run(["cpio", "-o", "-H", "crc", "--quiet", "-O", update], input_bytes=names, cwd=folder)
    (folder / file).unlink()
    return update


@contextmanager
def rauc(ground: Ground, keys: tuple[Path, Path]) -> Iterator[Installer]:
    """Give RAUC with a bundle of its format `plain`: `verity` needs the device mapper."""
    folder = ground.folder / "rauc"
    (folder / "mount").mkdir(parents=True)
    (folder / "running").write_bytes(bytes(4096))
    certificate, key = keys
    bundle = folder / "update.raucb"
    inside = rauc_adaptive.content(ground.image, folder / "content", form="plain", adaptive=False)
    packing = "--mksquashfs-args=-comp zstd -Xcompression-level 3"
    signed = (f"--cert={certificate}", f"--key={key}")
    process.run(["rauc", "bundle", packing, *signed, inside, bundle])
    settings = folder / "system.conf"
    text = _SYSTEM.format(folder=folder, certificate=certificate, target=ground.target)
    settings.write_text(text)
    with _bus(folder) as address:
        env = {"DBUS_SYSTEM_BUS_ADDRESS": address, "DBUS_STARTER_BUS_TYPE": "system"}
        yield Installer(
            "rauc plain", bundle.stat().st_size, lambda: _with_service(settings, bundle, env)
        )


def _with_service(settings: Path, bundle: Path, env: dict[str, str]) -> Usage:
    """Install by a service that was started for this; its start is no part of it."""
    words = ["rauc", f"--conf={settings}", "--override-boot-slot=a", "service"]
    with _started(words, env) as service:
        _wait_for_name(env)
        before_s = proc.cpu_s(service)
        client = measured(["rauc", "install", bundle], env=env).usage
        cpu_s = client.cpu_s + proc.cpu_s(service) - before_s
        return Usage(client.wall_s, cpu_s, max(client.rss_bytes, proc.peak_bytes(service)))


def _wait_for_name(env: dict[str, str]) -> None:
    """Wait until the service has its name on the bus."""
    words = ["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/"]
    words += ["org.freedesktop.DBus.NameHasOwner", f"string:{_NAME}"]
    deadline_s = time.monotonic() + START_S
    while b"true" not in process.run(words, env=env).stdout:
        if time.monotonic() > deadline_s:
            raise ToolError(f"rauc service: not on the bus after {START_S:g} s")


@contextmanager
def _bus(folder: Path) -> Iterator[str]:
    socket = folder / "bus"
    settings = folder / "bus.conf"
    settings.write_text(_BUS.format(socket=socket))
    with _started(["dbus-daemon", f"--config-file={settings}", "--nofork"], {}):
        deadline_s = time.monotonic() + START_S
        while not socket.exists():
            if time.monotonic() > deadline_s:
                raise ToolError(f"dbus-daemon: no socket after {START_S:g} s")
        yield f"unix:path={socket}"


@contextmanager
def _started(words: Sequence[str], env: dict[str, str]) -> Iterator[int]:
    """Give the process id of a program that runs meanwhile."""
    running = process.start(words, piped=True, env=env)
    try:
        yield running.pid
    finally:
        running.terminate()
        running.communicate()
