"""QEMU's command line for a profile."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge.emulator.command import Forward, Options, fitting, qemu_arguments
from edge.errors import InputError
from edge.image.profile import Profile

VIRT = Profile(
    board="toy",
    machine="virt,gic-version=3",
    disk="virtio-blk-pci",
    cpu="cortex-a53",
    memory_mib=512,
    smp=2,
    firmware="u-boot.bin",
    flash="flash.img",
    network="virtio-net-pci",
    args=("-action", "watchdog=reset"),
)
PI = Profile(
    board="pi", machine="raspi4b", disk="sd", kernel="u-boot.bin", dtb="board.dtb", serials=2
)


def command(profile: Profile, options: Options | None = None) -> str:
    return " ".join(qemu_arguments(profile, Path("/f"), Path("/d.img"), options or Options()))


def test_a_machine_is_told_with_all_that_its_profile_says() -> None:
    assert command(VIRT) == (
        "-nodefaults -display none -machine virt,gic-version=3 -cpu cortex-a53 -m 512 -smp 2"
        " -bios /f/u-boot.bin"
        " -drive if=pflash,unit=1,format=raw,readonly=on,file=/f/flash.img"
        " -blockdev driver=raw,node-name=disk,file.driver=file,file.filename=/d.img"
        " -device virtio-blk-pci,drive=disk,romfile="
        " -netdev user,id=net -device virtio-net-pci,netdev=net,romfile="
        " -serial mon:stdio -action watchdog=reset"
    )


def test_what_a_profile_does_not_say_is_left_to_qemu() -> None:
    assert command(PI) == (
        "-nodefaults -display none -machine raspi4b -kernel /f/u-boot.bin -dtb /f/board.dtb"
        " -drive if=sd,format=raw,file=/d.img -serial mon:stdio -serial null"
    )


def test_the_console_is_the_serial_port_of_the_profile() -> None:
    assert command(replace(PI, console=1)).endswith("-serial null -serial mon:stdio")


def test_ports_are_forwarded_from_loopback_only() -> None:
    options = Options(forwards=(Forward(2222, 22), Forward(8080, 80)))

    words = command(VIRT, options)

    rules = "hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp:127.0.0.1:8080-:80"
    assert f"-netdev user,id=net,{rules} " in words


def test_ports_of_a_board_without_network_are_refused() -> None:
    with pytest.raises(InputError, match="pi has no network in QEMU"):
        command(PI, Options(forwards=(Forward(1, 2),)))


def test_the_user_chooses_memory_serial_and_more_words() -> None:
    words = command(VIRT, Options(serial="stdio", memory_mib=1024, args=("-s",)))

    assert " -m 1024 " in words
    assert words.endswith("-serial stdio -action watchdog=reset -s")


def test_a_disk_of_the_caller_takes_the_place_of_the_file() -> None:
    words = command(VIRT, Options(disk_drive="driver=nbd,node-name=disk"))

    assert "-blockdev driver=nbd,node-name=disk " in words
    assert "/d.img" not in words


@pytest.mark.parametrize(("processors", "played"), [(1, 1), (2, 1), (3, 2), (64, 2)])
def test_a_machine_leaves_one_processor_of_the_host(processors: int, played: int) -> None:
    assert fitting(VIRT, processors).smp == played
    assert fitting(PI, processors) == PI
