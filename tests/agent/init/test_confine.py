"""The program that holds a service to its paths and ports, run on the host's own kernel."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edge import toolbox
from tests.agent.init.confining import (
    SOURCES,
    SYSTEM,
    Confine,
    compiled,
    flags,
    landlock_version,
    needs_landlock,
)


@pytest.fixture(scope="session")
def confine(tmp_path_factory: pytest.TempPathFactory) -> Confine:
    return compiled(tmp_path_factory.mktemp("confine"))


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder with one that may be written and one that may not."""
    for name in ("mine", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("old")
    return tmp_path


@needs_landlock
def test_what_is_named_works(confine: Confine, box: Path) -> None:
    script = f"""
        cd {box}/mine && echo new >file && cat file && mkdir sub && mv file sub/moved &&
        ln -s moved sub/link && mkfifo sub/pipe && rm sub/moved && rm -r sub && echo all >/dev/null
    """

    done = confine.shell(script, f"write:{box}/mine")

    assert (done.stdout, done.stderr, done.returncode) == ("new\n", "", 0)


@needs_landlock
@pytest.mark.parametrize(
    "script",
    [
        pytest.param("cat {box}/other/file", id="read"),
        pytest.param("ls {box}/other", id="list"),
        pytest.param("echo x >{box}/other/file", id="write"),
        pytest.param(": >{box}/other/file", id="truncate"),
        pytest.param("truncate -s 0 {box}/other/file", id="truncate by name"),
        pytest.param("rm {box}/other/file", id="remove"),
        pytest.param("rmdir {box}/other", id="remove a folder"),
        pytest.param("mkdir {box}/other/sub", id="make a folder"),
        pytest.param("mkfifo {box}/other/pipe", id="make a pipe"),
        pytest.param("ln -s x {box}/other/link", id="make a link"),
        pytest.param("mv {box}/other/file {box}/mine/got", id="move in"),
        pytest.param("mv {box}/mine/file {box}/other/put", id="move out"),
        pytest.param("ln {box}/other/file {box}/mine/got", id="second name"),
        pytest.param("cd {box}/mine && cat ../other/file", id="by way of dots"),
        pytest.param("ln -s ../other {box}/mine/l && cat {box}/mine/l/file", id="by a link"),
        pytest.param("cat /proc/self/root/{box}/other/file", id="by /proc"),
        pytest.param("cp /usr/bin/true {box}/mine/t && {box}/mine/t", id="run what it wrote"),
        pytest.param("mknod {box}/mine/null c 1 3", id="device"),
        pytest.param("chroot / true && mount -t tmpfs x {box}/mine", id="mount"),
    ],
)
def test_what_is_not_named_is_refused(confine: Confine, box: Path, script: str) -> None:
    done = confine.shell(script.format(box=box), f"write:{box}/mine")

    assert done.returncode != 0
    assert re.search(r"ermission denied|not permitted|cross-device", done.stderr)
    assert (box / "other" / "file").read_text() == "old"
    assert sorted(path.name for path in (box / "other").iterdir()) == ["file"]


@needs_landlock
def test_what_may_be_read_may_not_be_run_or_written(confine: Confine, box: Path) -> None:
    shutil.copy("/usr/bin/true", box / "other" / "program")
    script = f"cat {box}/other/file; echo x >{box}/other/file; {box}/other/program"

    done = confine.shell(script, f"read:{box}/other")

    assert done.stdout == "old"
    assert done.stderr.count("ermission denied") == 2


@needs_landlock
def test_one_file_can_be_named(confine: Confine, box: Path) -> None:
    script = f"echo new >{box}/mine/file; echo x >{box}/mine/second"

    done = confine.shell(script, f"write:{box}/mine/file")

    assert (box / "mine" / "file").read_text() == "new\n"
    assert not (box / "mine" / "second").exists()
    assert "ermission denied" in done.stderr


@needs_landlock
def test_children_are_held_too_and_can_not_let_go(confine: Confine, box: Path) -> None:
    again = f"{confine.program} read:/ write:/ execute:/ use:/ -- /usr/bin/cat {box}/other/file"

    done = confine.shell(again, f"write:{box}/mine", f"execute:{confine.program.parent}")

    assert done.stdout == ""
    assert "ermission denied" in done.stderr


@needs_landlock
def test_a_link_in_the_way_is_refused_and_nothing_runs(confine: Confine, box: Path) -> None:
    (box / "mine" / "cache").symlink_to(box / "other")

    for path in ("mine/cache", "mine/cache/file"):
        done = confine.shell("echo ran", f"write:{box}/{path}")

        assert done.returncode == 126
        assert done.stdout == ""
        assert "a link is in the way" in done.stderr


@needs_landlock
def test_a_path_that_is_not_there_gives_nothing(confine: Confine, box: Path) -> None:
    done = confine.shell("echo ran", f"write:{box}/later", f"read:{box}/mine/file/below")

    assert (done.stdout, done.returncode) == ("ran\n", 0)
    assert done.stderr.count("not there, so nothing is allowed there") == 2


def connect_and_bind(confine: Confine, *words: str) -> str:
    """Return what a program says that listens on a port, then connects to another."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = (
            "import socket\n"
            "def t(what, call):\n"
            "  try: call(); print(what)\n"
            "  except PermissionError: print('no', what)\n"
            "t('listen', lambda: socket.socket().bind(('127.0.0.1', 0)))\n"
            f"t('connect', lambda: socket.create_connection(('127.0.0.1', {port})))\n"
        )
        told = [word.format(port=port) for word in words]
        done = confine(
            "read:/", "execute:/", "use:/dev", *told, "--", sys.executable, "-S", "-c", script
        )
    assert done.stderr == ""
    return ", ".join(done.stdout.split("\n")[:-1])


@needs_landlock
@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param((), "listen, connect", id="nothing is said of ports"),
        pytest.param(("bind", "connect"), "no listen, no connect", id="none"),
        pytest.param(("bind", "bind:0"), "listen, connect", id="only where it listens"),
        pytest.param(("bind", "connect", "connect:{port}"), "no listen, connect", id="one"),
        pytest.param(("connect:1",), "listen, no connect", id="another one"),
    ],
)
def test_only_the_ports_that_are_named_are_open(
    confine: Confine, words: tuple[str, ...], said: str
) -> None:
    assert connect_and_bind(confine, *words) == said


@needs_landlock
@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param((), "reached", id="by default"),
        # A kernel that can not hold this back is no reason to run nothing.
        pytest.param(("no-sockets",), "no" if landlock_version() >= 6 else "reached", id="word"),
    ],
)
def test_sockets_of_others_without_a_file_are_out_of_reach(
    confine: Confine, words: tuple[str, ...], said: str
) -> None:
    name = f"edge-test-{os.getpid()}"
    script = (
        "import socket\n"
        "try: socket.socket(socket.AF_UNIX).connect('\\0' + " + repr(name) + "); print('reached')\n"
        "except PermissionError: print('no')\n"
    )
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}")
        server.listen()

        done = confine(
            "read:/", "execute:/", "use:/dev", *words, "--", sys.executable, "-S", "-c", script
        )

    assert (done.stdout, done.stderr) == (f"{said}\n", "")


@needs_landlock
@pytest.mark.parametrize(
    "words",
    [
        *([], ["--"], ["read:/"], ["read:/", "--"]),
        *(["red:/", "--", "true"], ["bind:65536", "--", "true"], ["bind:x", "--", "true"]),
        *(["connect:", "--", "true"], ["no-socketsx", "--", "true"], ["bindx", "--", "true"]),
    ],
    ids=" ".join,
)
def test_wrong_words_run_nothing(confine: Confine, words: list[str]) -> None:
    done = confine(*words)

    assert done.returncode == 126
    assert done.stderr.startswith("edge-confine: ")


@needs_landlock
def test_the_program_gets_its_arguments_and_environment(confine: Confine) -> None:
    words = ["--", "sh", "-c", 'echo "$1|$2|$NAME|$PPID"; exit 7', "x", "a b", "--"]

    done = confine(*SYSTEM, *words, env={"PATH": "/nowhere:/usr/bin", "NAME": "v"})

    assert done.stdout == f"a b|--|v|{os.getpid()}\n"
    assert done.returncode == 7


@needs_landlock
@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        ("nowhere", 127, "nowhere: not there"),
        ("/usr/nowhere", 127, "/usr/nowhere: not there"),
        ("/etc/passwd", 126, "/etc/passwd: refused"),
    ],
)
def test_a_program_that_does_not_start_is_told(
    confine: Confine, program: str, status: int, said: str
) -> None:
    done = confine(*SYSTEM, "--", program, env={"PATH": "/usr/bin"})

    assert (done.returncode, done.stderr) == (status, f"edge-confine: {said}\n")


@needs_landlock
def test_new_privileges_are_gone(confine: Confine) -> None:
    done = confine.shell("grep NoNewPrivs /proc/self/status", "read:/proc")

    assert done.stdout.split() == ["NoNewPrivs:", "1"]


@pytest.mark.tools
def test_nothing_runs_on_a_kernel_without_landlock(tmp_path: Path) -> None:
    # The emulator of programs has no Landlock: the device's own code meets such a kernel.
    program = tmp_path / "edge-confine"
    toolbox.compile_c(SOURCES, program, flags=flags())
    words = [*toolbox.tool("qemu-aarch64"), str(program), "read:/", "--", "/usr/bin/true"]

    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=30)

    assert done.returncode == 126
    assert "this kernel has no Landlock, or it is off" in done.stderr
    assert program.stat().st_size < 8192  # no C library: it is in every image
