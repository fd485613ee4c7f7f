"""The command line of QEMU for a profile: a pure function."""

from dataclasses import dataclass, replace
from pathlib import Path

from edge.errors import InputError
from edge.image.profile import Profile


@dataclass(frozen=True, slots=True)
class Forward:
    """A TCP port of this host (loopback only) that leads to one of the device."""

    host_port: int
    guest_port: int


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asks for on top of the profile; `serial` is QEMU's word for our end."""

    serial: str = "mon:stdio"
    other_serial: str = "null"
    memory_mib: int | None = None
    forwards: tuple[Forward, ...] = ()
    args: tuple[str, ...] = ()
    disk_drive: str | None = None  # a -blockdev of the caller, in place of the disk file


def fitting(profile: Profile, processors: int) -> Profile:
    """Return a machine that leaves one processor of the host for the rest of QEMU.

    Two emulated processors on two cost a sixth more of them than one, as they wait for each other.
    """
    if profile.smp is None:
        return profile
    return replace(profile, smp=max(1, min(profile.smp, processors - 1)))


def qemu_arguments(profile: Profile, folder: Path, disk: Path, options: Options) -> list[str]:
    """Return QEMU's arguments, the program itself left out.

    Args:
        profile: The machine.
        folder: Where the profile's files are.
        disk: The disk image; it is written to.
        options: The user's wishes.

    Raises:
        InputError: Ports are to be forwarded to a board without a network.
    """
    words = ["-nodefaults", "-display", "none", "-machine", profile.machine]
    single = {
        "-cpu": profile.cpu,
        "-m": options.memory_mib or profile.memory_mib,
        "-smp": profile.smp,
        "-bios": _in(folder, profile.firmware),
        "-kernel": _in(folder, profile.kernel),
        "-dtb": _in(folder, profile.dtb),
    }
    for name, value in single.items():
        words += [name, str(value)] if value is not None else []
    if profile.flash:
        flash = f"if=pflash,unit=1,format=raw,readonly=on,file={_in(folder, profile.flash)}"
        words += ["-drive", flash]
    words += [*_disk(profile, disk, options), *_network(profile, options)]
    for number in range(profile.serials):
        is_console = number == profile.console
        words += ["-serial", options.serial if is_console else options.other_serial]
    return [*words, *profile.args, *options.args]


def _in(folder: Path, name: str | None) -> str | None:
    return str(folder / name) if name else None


def _disk(profile: Profile, disk: Path, options: Options) -> list[str]:
    if profile.disk == "sd":
        return ["-drive", f"if=sd,format=raw,file={disk}"]
    drive = options.disk_drive or f"driver=raw,node-name=disk,file.driver=file,file.filename={disk}"
    return ["-blockdev", drive, "-device", f"{profile.disk},drive=disk,romfile="]


def _network(profile: Profile, options: Options) -> list[str]:
    if not profile.network:
        if options.forwards:
            raise InputError(f"{profile.board} has no network in QEMU: no port can be forwarded")
        return []
    rules = "".join(
        f",hostfwd=tcp:127.0.0.1:{rule.host_port}-:{rule.guest_port}" for rule in options.forwards
    )
    return ["-netdev", f"user,id=net{rules}", "-device", f"{profile.network},netdev=net,romfile="]
