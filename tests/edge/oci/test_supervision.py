import json
import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import process
from edge.errors import InputError
from edge.oci.spec import User
from edge.oci.supervision import (
    Supervised,
    add_order,
    add_ports,
    add_service,
    assignments,
    oneshot_conf,
    service_conf,
)
from edge.oci.tree import Tree, file, link
from edge.strict.model import load_model
from edge.system.settings import Settings

PRINT = """. "$1"; shift; for name; do eval "printf '%s\\0' \\"\\$$name\\""; done"""
SERVICE = """
command: [/x]
depends_on: [a, b]
restart: on-failure
health: {command: [/bin/check, "it's fine", "$HOME"], interval_s: 5}
stop_timeout_s: 3
devices: [{path: /dev/ttyS1}, {path: /dev/x, type: c, major: 1, minor: 2}]
runtime: {mkdir: [/data/x, /run/x]}
"""


def supervised(text: str, *, name: str = "example") -> Supervised:
    return Supervised(name, load_model(Settings, text, "test.yml"), User(7, 8))


def read_by_shell(conf: bytes, folder: Path, *names: str) -> dict[str, str]:
    path = folder / "conf"
    path.write_bytes(conf)
    said = process.run(["sh", "-c", PRINT, "sh", path, *names]).stdout.decode()
    return dict(zip(names, said.split("\0"), strict=False))


@given(
    st.dictionaries(
        st.from_regex(r"X[A-Z]{0,3}", fullmatch=True),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        min_size=1,
        max_size=4,
    )
)
@settings(deadline=None, max_examples=60)
def test_a_shell_reads_back_every_value(values: dict[str, str]) -> None:
    conf = assignments(values).decode()
    words = "".join(f'printf "%s\\0" "${name}"; ' for name in values)

    said = process.run(["sh", "-c", f"{conf}\n{words}"]).stdout.decode()

    assert said == "".join(f"{value}\0" for value in values.values())


def test_a_nul_is_refused() -> None:
    with pytest.raises(InputError, match="NAME"):
        assignments({"NAME": "a\0b"})


def test_the_conf_of_a_service_says_how_it_is_supervised(tmp_path: Path) -> None:
    conf = service_conf(supervised(SERVICE))

    names = ("NAME", "DEPENDS", "RESTART", "READY", "STOP_TIMEOUT_S", "HEALTH_INTERVAL_S")
    found = read_by_shell(conf, tmp_path, *names, "MKDIR", "DEVICES", "HEALTH_COMMAND")
    assert shlex.split(found.pop("HEALTH_COMMAND")) == ["/bin/check", "it's fine", "$HOME"]
    assert found == {
        "NAME": "example",
        "DEPENDS": "a b",
        "RESTART": "on-failure",
        "READY": "health",
        "STOP_TIMEOUT_S": "3",
        "HEALTH_INTERVAL_S": "5",
        "MKDIR": "/data/x 0755 7 8\n/run/x 0755 7 8",
        "DEVICES": "/dev/ttyS1",
    }


def test_the_conf_of_a_service_is_byte_for_byte_the_golden_one() -> None:
    assert service_conf(supervised("command: [/x]")) == (
        b"NAME='example'\nUID='7'\nGID='8'\nDEPENDS=''\nAFTER=''\nRESTART='always'\n"
        b"READY='started'\nSTOP_TIMEOUT_S='10'\nHEALTH_COMMAND=''\nHEALTH_INTERVAL_S=''\nHEALTH_TIMEOUT_S=''\n"
        b"HEALTH_RETRIES=''\nHEALTH_START_S=''\nMKDIR=''\nDEVICES=''\n"
        b"ROOT=''\nLOWER=''\nCGROUPS=''\nMOUNTS=''\n"
    )


def test_the_conf_of_an_onboot_item_says_what_follows_a_failure() -> None:
    conf = oneshot_conf(supervised("command: [/x]\ntimeout_s: 5\non_failure: continue"))

    assert conf == (
        b"NAME='example'\nTIMEOUT_S='5'\nON_FAILURE='continue'\nMKDIR=''\n"
        b"ROOT=''\nLOWER=''\nCGROUPS=''\nMOUNTS=''\n"
    )


def test_the_conf_says_what_comes_before_the_data() -> None:
    conf = oneshot_conf(supervised("command: [/x]\nbefore_data: true"))

    assert b"\nBEFORE_DATA='yes'\n" in conf


def test_a_service_folder_is_what_s6_wants() -> None:
    tree = Tree()

    add_service(supervised("command: [/x]"), tree)

    base = "etc/edge/services/example"
    assert tree.get(f"{base}/run") == link("/usr/lib/edge/service/run")
    assert tree.get(f"{base}/finish") == link("/usr/lib/edge/service/finish")
    assert tree.get(f"{base}/log/run") == link("/usr/lib/edge/service/log")
    assert tree.get(f"{base}/notification-fd") == file(b"3\n")
    assert f"{base}/data" in tree


def test_services_start_after_those_that_they_need() -> None:
    tree = Tree()
    needs = {"c": ["b"], "b": ["a"], "a": []}

    add_order(
        [supervised(json.dumps({"depends_on": needs[name]}), name=name) for name in needs], tree
    )

    assert tree.get("etc/edge/order") == file(b"a\nb\nc\n")


def test_a_service_that_needs_an_unknown_one_is_refused() -> None:
    with pytest.raises(InputError, match="there is no service 'ghost'"):
        add_order([supervised("depends_on: [ghost]")], Tree())


@pytest.mark.parametrize("line", ["runtime: {mkdir: [/data/a b]}", "devices: [{path: '/dev/a b'}]"])
def test_a_path_that_a_script_would_take_for_two_is_refused(line: str) -> None:
    with pytest.raises(InputError, match="a blank in a path"):
        service_conf(supervised(f"command: [/x]\n{line}"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cgroups: [../x]", "may hold no '..'"),
        ("cgroups: [a b]", "a blank"),
        ("mounts: [{type: tmpfs, destination: x/../../y}]", "may hold no '..'"),
        ("mounts: [{type: tmpfs, destination: '/x y'}]", "a blank"),
        ("mounts: [{type: tmpfs}]", "no destination"),
        (
            "mounts: [{type: bind, source: /a, destination: /b, "
            "uidmappings: [{containerID: 0, hostID: 0, size: 1}]}]",
            "mappings are not supported yet",
        ),
    ],
)
def test_a_line_that_a_script_would_misread_is_refused(line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        service_conf(supervised(f"runtime: {{{line}}}"))


def test_what_is_made_ready_is_told_in_lines(tmp_path: Path) -> None:
    text = (
        "runtime: {cgroups: [/a/b/, c], mounts: [{type: tmpfs, destination: /x, options: [a, b]},"
        " {source: /dev/sda, destination: in}, {source: proc}]}"
    )

    found = read_by_shell(service_conf(supervised(text)), tmp_path, "CGROUPS", "MOUNTS")

    assert found == {
        "CGROUPS": "a/b\nc",
        "MOUNTS": "tmpfs tmpfs /x a,b\n- /dev/sda in -\nproc proc /proc -",
    }


def test_a_folder_is_named_as_the_device_finds_it(tmp_path: Path) -> None:
    conf = service_conf(supervised("runtime: {mkdir: [/data//x/]}"))

    assert read_by_shell(conf, tmp_path, "MKDIR")["MKDIR"].startswith("/data/x 0755 ")


def test_a_service_comes_after_one_that_is_there_and_does_not_miss_one_that_is_not() -> None:
    tree = Tree()

    add_order([supervised("after: [ghost, b]", name="a"), supervised("{}", name="b")], tree)

    assert tree.get("etc/edge/order") == file(b"b\na\n")


def test_the_root_says_once_each_which_ports_services_listen_on() -> None:
    tree = Tree()

    add_ports([supervised("listens: [udp/53, tcp/22]"), supervised("listens: [tcp/22]")], tree)

    assert tree.get("etc/edge/ports") == file(b"tcp 22\nudp 53\n")
