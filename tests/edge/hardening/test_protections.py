"""Which protections of a kernel are found to be on, by what, and what to do for the others."""

from collections import Counter
from dataclasses import replace

import pytest

from edge.hardening import protections
from edge.hardening.kernel import Kernel, read_parameters
from edge.hardening.protection import Finding, Place, Standing

OPEN = ("MODULES", "IO_URING", "DEBUG_FS", "SLAB_MERGE_DEFAULT", "KEXEC")
BARE = Kernel((6, 12), dict.fromkeys(OPEN, "y"), {}, {})


def found(kernel: Kernel, part: str) -> Finding:
    """Return the one finding whose protection is named so."""
    (one,) = [one for one in protections.findings(kernel) if part in one.protection]
    return one


def test_an_option_of_the_configuration_turns_a_protection_on() -> None:
    kernel = replace(BARE, config={"INIT_ON_ALLOC_DEFAULT_ON": "y"})

    assert found(kernel, "zeroed when it is handed out") == Finding(
        "memory is zeroed when it is handed out",
        Standing.ON,
        "CONFIG_INIT_ON_ALLOC_DEFAULT_ON=y",
        "",
    )


def test_a_parameter_turns_it_on_as_well() -> None:
    kernel = replace(BARE, parameters=read_parameters("init_on_alloc=on"))

    one = found(kernel, "zeroed when it is handed out")

    assert (one.standing, one.by) == (Standing.ON, "init_on_alloc=on")


def test_a_parameter_takes_back_what_the_configuration_has() -> None:
    config = {"RANDOMIZE_BASE": "y"}
    kernel = replace(BARE, config=config, parameters=read_parameters("quiet nokaslr"))

    one = found(kernel, "addresses of the kernel are random")

    assert (one.standing, one.by, one.advice) == (Standing.OFF, "nokaslr", "remove nokaslr")


def test_what_is_off_says_the_easiest_way_to_get_it() -> None:
    advice = {part: found(BARE, part).advice for part in ("lockdown", "io_uring", "seal")}

    assert advice == {
        "lockdown": "kernel.cmdline: lockdown=integrity",
        "io_uring": "sysctl kernel.io_uring_disabled=2",
        "seal": "a kernel with CONFIG_SLAB_FREELIST_HARDENED=y",
    }


def test_an_option_that_is_built_as_a_module_is_not_built_in() -> None:
    assert found(replace(BARE, config={"KFENCE": "m"}), "KFENCE").standing == Standing.OFF


def test_a_value_that_is_enough_is_shown_as_it_is() -> None:
    kernel = replace(BARE, sysctls={"kernel.yama.ptrace_scope": "2"})

    assert found(kernel, "traced by others").by == "kernel.yama.ptrace_scope=2"


def test_a_kernel_without_its_configuration_is_unknown_and_not_well() -> None:
    kernel = replace(BARE, config=None, sysctls={"kernel.sysrq": "0"})
    stands = Counter(one.standing for one in protections.findings(kernel))

    assert found(kernel, "guard pages").standing == Standing.UNKNOWN
    assert found(kernel, "the keyboard").standing == Standing.ON
    assert stands[Standing.UNKNOWN] > 20


@pytest.mark.parametrize(
    ("version", "part", "is_there"),
    [
        ((6, 1), "caches are chosen at random", False),
        ((6, 6), "caches are chosen at random", True),
        ((6, 10), "what programs size", False),
        ((6, 11), "what programs size", True),
        ((6, 1), "io_uring", False),
        ((6, 12), "io_uring", True),
        ((6, 1), "terminals take no input", False),
    ],
)
def test_what_a_version_has_not_is_not_asked_of_it(
    version: tuple[int, int], part: str, *, is_there: bool
) -> None:
    names = [one.protection for one in protections.findings(replace(BARE, version=version))]

    assert any(part in name for name in names) is is_there


@pytest.mark.parametrize(
    ("version", "option"), [((6, 1), "DEBUG_LIST"), ((6, 12), "LIST_HARDENED")]
)
def test_an_option_that_was_renamed_is_asked_for_by_its_name_of_then(
    version: tuple[int, int], option: str
) -> None:
    kernel = replace(BARE, version=version, config={option: "y"})

    assert found(kernel, "lists are checked").standing == Standing.ON


def test_what_is_off_comes_first() -> None:
    stands = [one.standing for one in protections.findings(BARE)]

    assert stands == sorted(stands, key=[Standing.OFF, Standing.UNKNOWN, Standing.ON].index)
    assert set(stands) == {Standing.OFF, Standing.ON}


def test_each_protection_is_named_once_for_a_version_and_can_be_reached() -> None:
    for version in ((6, 1), (6, 6), (6, 12)):
        names = [one.name for one in protections.ALL if one.is_for(replace(BARE, version=version))]
        assert len(names) == len(set(names)) > 40
    for one in protections.ALL:
        way = one.ways[0]
        value = way.values[0]
        options = {way.name: value} if value or way.place is not Place.CONFIG else {}
        kernel = Kernel(
            (6, 12),
            options if way.place is Place.CONFIG else {},
            options if way.place is Place.PARAMETER else {},
            options if way.place is Place.SYSCTL else {},
        )
        assert one.found(kernel).standing == Standing.ON, one.name


def test_what_images_start_their_kernel_with_turns_protections_on() -> None:
    off = {one.protection for one in protections.findings(BARE) if one.standing == Standing.OFF}
    with_them = replace(BARE, parameters=read_parameters(protections.PARAMETERS))
    left = {
        one.protection for one in protections.findings(with_them) if one.standing != Standing.ON
    }

    assert off - left == {
        "caches of one size are not merged",
        "debugging files are not there",
        "modules are loaded only with a good signature",
    }
