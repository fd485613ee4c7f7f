"""What is read of a kernel: version, configuration, command line, sysctls."""

import pytest

from edge.errors import InputError
from edge.hardening import kernel

CONFIG = """\
#
# Linux/arm64 6.12.38 Kernel Configuration
#
CONFIG_MODULES=y
CONFIG_BINFMT_MISC=m
# CONFIG_KEXEC is not set
CONFIG_PANIC_TIMEOUT=0
CONFIG_LSM="landlock,\\"yama\\""

CONFIG_DEBUG_FS=y
# CONFIG_DEBUG_FS is not set
"""


def test_options_are_read_and_what_is_not_set_is_left_out() -> None:
    assert kernel.read_config(CONFIG, "config") == {
        "MODULES": "y",
        "BINFMT_MISC": "m",
        "PANIC_TIMEOUT": "0",
        "LSM": 'landlock,"yama"',
    }


def test_what_is_no_configuration_is_told_with_its_line() -> None:
    with pytest.raises(InputError, match="config:2: '<html>' is no option"):
        kernel.read_config("CONFIG_A=y\n<html>\n", "config")


@pytest.mark.parametrize(
    ("text", "version"), [("6.12.38+deb13-arm64", (6, 12)), ("5.4", (5, 4)), ("10.0-rc1", (10, 0))]
)
def test_the_first_two_numbers_of_a_release_are_its_version(
    text: str, version: tuple[int, int]
) -> None:
    assert kernel.read_version(text) == version


@pytest.mark.parametrize("text", ["", "deb13", "6"])
def test_what_begins_otherwise_is_no_version(text: str) -> None:
    with pytest.raises(InputError, match="not the version"):
        kernel.read_version(text)


def test_the_last_of_two_equal_parameters_counts_whatever_its_dashes() -> None:
    found = kernel.read_parameters('init-on-alloc=0 nokaslr dyndbg="file a +p" init_on_alloc=1')

    assert found == {"init_on_alloc": "1", "nokaslr": "", "dyndbg": "file a +p"}


def test_sysctls_have_dots_for_their_slashes() -> None:
    found = kernel.read_sysctls("kernel/sysrq 0\n\nnet/ipv4/conf/all/rp_filter 1\nbroken\n")

    assert found == {"kernel.sysrq": "0", "net.ipv4.conf.all.rp_filter": "1"}
