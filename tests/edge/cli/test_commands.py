"""The command line as a whole: every command that needs no network."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edge.cli.main import status_of
from edge.errors import (
    EdgeError,
    InputError,
    LinkError,
    RefusedError,
    ServerError,
    ThingNotFoundError,
    ToolError,
    UntrustedError,
)
from tests.edge.conftest import Edge
from tests.fakes.tiny_project import TinyProject

EXAMPLES = Path(__file__).parent.parent.parent.parent / "examples"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (EdgeError, 1),
        (ToolError, 1),
        (InputError, 2),
        (ThingNotFoundError, 3),
        (UntrustedError, 4),
        (RefusedError, 5),
        (LinkError, 6),
        (ServerError, 7),
    ],
)
def test_every_kind_of_error_has_its_exit_status(kind: type[EdgeError], status: int) -> None:
    assert status_of(kind("x")) == status


def test_no_words_print_the_help_and_are_wrong_usage(edge: Edge) -> None:
    ended = edge()

    assert ended.status == 2
    assert "Usage: edge" in ended.err


def test_an_unknown_command_says_where_help_is(edge: Edge) -> None:
    ended = edge("biuld")

    assert ended.status == 2
    assert "edge: no such command 'biuld'" in ended.err
    assert "hint: did you mean 'build'? see `edge --help`" in ended.err
    assert "hint: see `edge boards --help`" in edge("boards", "qqq").err


@pytest.mark.parametrize("words", ["udev show", "schema device", "boards list"])
def test_every_result_may_be_had_as_json_behind_the_command(edge: Edge, words: str) -> None:
    first, last = edge("--json", *words.split()), edge(*words.split(), "--json")

    assert (first.status, last.status) == (0, 0)
    assert json.loads(first.out) == json.loads(last.out)


def test_a_folder_is_no_system_file(edge: Edge, tmp_path: Path) -> None:
    ended = edge("build", tmp_path, "--board", "rpi4")

    assert (ended.status, "a folder, not a file" in ended.err) == (2, True)
    assert "hint: name the file in it" in ended.err


@pytest.mark.parametrize("kind", ["system", "service", "board"])
def test_the_schema_of_every_file_is_json(edge: Edge, kind: str) -> None:
    ended = edge("schema", kind)

    assert ended.status == 0
    assert json.loads(ended.out)["properties"]


def test_boards_are_listed_for_people_and_machines(edge: Edge) -> None:
    for_people, for_machines = edge("boards", "list"), edge("boards", "list", "--json")

    assert for_people.out.splitlines()[0].split() == ["board", "console", "description"]
    assert "Raspberry Pi 4" in for_people.out
    names = [one["name"] for one in json.loads(for_machines.out)["boards"]]
    assert {"qemu-arm64", "rpi4"} <= set(names)


def test_a_dry_run_tells_services_and_packages_and_writes_nothing(
    edge: Edge, tmp_path: Path
) -> None:
    words = ["build", EXAMPLES / "minimal.yml", "-b", "rpi4", "-o", tmp_path / "out", "--dry-run"]

    told = json.loads(edge(*words, "--json").out)

    assert set(told["services"]) == {"network", "time", "log", "agent"}
    assert told["packages"]["board/rpi4"] == ["raspi-firmware", "u-boot-rpi"]
    assert told["packages"]["kernel/linux-image-arm64"] == ["linux-image-arm64"]
    assert list(tmp_path.iterdir()) == []
    assert "services, in start order: network, " in edge(*words).out


@pytest.mark.parametrize(
    ("option", "value"), [("name", "a b"), ("name", "../x"), ("version", ""), ("version", "1\n2")]
)
def test_a_name_or_version_that_other_tools_misread_is_refused(
    edge: Edge, option: str, value: str
) -> None:
    words = ["build", EXAMPLES / "minimal.yml", "-b", "rpi4", "--dry-run", f"--{option}={value}"]

    ended = edge(*words)

    assert ended.status == 2
    assert f"the {option} {value!r} is not made of letters" in ended.err


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "99999999999", "٣"])
def test_a_clock_that_is_no_time_is_refused(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)

    ended = edge("build", EXAMPLES / "minimal.yml", "-b", "rpi4", "--dry-run")

    assert ended.status == 2
    assert f"SOURCE_DATE_EPOCH: {text!r}" in ended.err


def test_the_cache_is_shown_and_emptied_but_for_the_tools(
    edge: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path))
    for name in ("store", "tools", "apt"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(1 << 20))

    shown = json.loads(edge("cache", "show", "--json").out)
    cleaned = edge("cache", "clean", "--yes")

    assert shown["bytes"] == {"apt": 1 << 20, "store": 1 << 20, "tools": 1 << 20}
    assert cleaned.status == 0
    assert [path.name for path in tmp_path.iterdir()] == ["tools"]


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    """A build folder with a manifest and nothing else."""
    privileges = {
        "section": "services", "gid": 7, "joined": [], "writable": [], "readable": [],
        "devices": [], "seccomp": "default", "new_privileges": False, "writable_root": False,
    }  # fmt: skip
    facts = {
        "format": 1,
        "system": "toy",
        "version": "1.2",
        "board": "virt",
        "kernel": "6.1",
        "rootfs": {"data_blocks": 1024, "total_bytes": 1028 * 4096},
        "sizes": [
            {"part": "web", "alone_bytes": 3 << 20, "total_bytes": 5 << 19},
            {"part": "init", "alone_bytes": 1 << 19, "total_bytes": 1 << 19},
        ],
        "files": {"disk.img": {"bytes": 64 << 20}, "slot/Image": {"bytes": 1536},
                  "slot/rootfs.img": {"bytes": 1028 * 4096}},
        "hardening": [
            {"protection": "the log is for root", "standing": "on", "by": "a=1", "advice": ""},
            {"protection": "lockdown", "standing": "off", "by": "", "advice": "lockdown=integrity"},
            {"protection": "stacks", "standing": "unknown", "by": "", "advice": "no configuration"},
        ],
        "privileges": [
            privileges | {"name": "web", "uid": 10007, "net": "new", "capabilities": [],
                          "landlock": ["read:/"], "userns": "new",
                          "listens": ["tcp/80", "udp/7"]},
            privileges | {"name": "boss", "uid": 0, "net": "host", "joined": ["net"],
                          "capabilities": ["CAP_NET_ADMIN"],
                          "seccomp": "unconfined", "writable_root": False},
            privileges | {"name": "all", "uid": 0, "net": "new",
                          "capabilities": [f"CAP_{number}" for number in range(41)]},
        ],
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(facts))
    return facts


REPORT = """\
toy 1.2 for virt, kernel 6.1

in the root                    alone  with shared
web                          3.0 MiB      2.5 MiB
init                       512.0 KiB    512.0 KiB
shared files, file system  512.0 KiB
hash tree                   16.0 KiB
total                        4.0 MiB

file                 size
disk.img         64.0 MiB
slot/Image        1.5 KiB
slot/rootfs.img   4.0 MiB
total of slot/    4.0 MiB

service    uid  net   userns  Landlock  listens       rights
web      10007  new   yes     yes       tcp/80 udp/7  none
boss         0  host  no      no        -             NET_ADMIN; joins net; no seccomp
all          0  new   no      no        -             all capabilities

protections of the kernel: 1 of 3 are on
not on    by       how to get it
lockdown  off      lockdown=integrity
stacks    unknown  no configuration
"""


def test_a_report_adds_up_and_tells_all_rights(
    edge: Edge, tmp_path: Path, manifest: dict[str, Any]
) -> None:
    ended = edge("report", tmp_path)

    assert ended.status == 0
    assert ended.out == REPORT
    assert json.loads(edge("report", tmp_path, "--json").out) == manifest


def test_a_report_of_nothing_is_a_thing_not_found(edge: Edge, tmp_path: Path) -> None:
    ended = edge("report", tmp_path)

    assert ended.status == 3
    assert "no build is here" in ended.err


def test_a_closed_output_is_no_reason_to_fail() -> None:
    run = "import sys; from edge.cli.main import main; sys.stdout = None; sys.exit(main())"

    ended = subprocess.run([sys.executable, "-c", run, "boards", "list"], capture_output=True)

    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.tools
def test_sigterm_cleans_up_as_an_interrupt_does(project: TinyProject) -> None:
    output = project.folder / "out"
    environment = {**os.environ, "EDGE_MIRROR": "http://127.0.0.1:9/debian"}
    # A mirror that never answers: a build that waits, at an unknown place, for the signal.
    words = ["build", str(project.system), "-b", "tiny", "-o", str(output)]
    command = [sys.executable, "-c", WAITING, *words]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == "waiting\n"
        time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 130
        assert "interrupted" in child.stderr.read()
    assert not output.exists()
    assert project.droppings() == []


WAITING = """
import sys, time
from edge import atomic
from edge.image import build
from pathlib import Path
def wait(order, output, **_others):
    with atomic.folder(output) as folder:
        (folder / "disk.img").write_bytes(b"x")
        sys.stderr.write("waiting\\n")
        sys.stderr.flush()
        time.sleep(60)
build.build = wait
from edge.cli.main import main
sys.exit(main())
"""
