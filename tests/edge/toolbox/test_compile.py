"""Compiling for the device: the same bytes wherever and whenever it is done."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge import process, toolbox
from edge.errors import InputError, ToolError
from edge.process import Completed
from edge.toolbox import compile as compiling

pytestmark = pytest.mark.tools

Tool = Callable[..., Completed]
MAIN = '#include <stdio.h>\n#include "word.h"\nint main(void) { puts(WORD __FILE__); return 0; }\n'
MODULE = '"""Doc."""\nNAMES = {"a", "b", "c"}\n\ndef where():\n    assert 0\n    return __file__\n'


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    # Results go to a cache of the test; the tool tree stays where it is.
    trees = toolbox.install()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "tools").symlink_to(trees.parent)
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache"))
    return write_sources(tmp_path / "sources")


def write_sources(folder: Path, word: str = "hello") -> list[Path]:
    folder.mkdir(parents=True)
    (folder / "main.c").write_text(MAIN)
    (folder / "word.h").write_text(f'#define WORD "{word}"\n')
    return [folder / "main.c", folder / "word.h"]


@pytest.mark.parametrize("static", [True, False])
def test_a_program_is_for_arm64_and_names_no_path(
    static: bool, sources: list[Path], tool: Tool, tmp_path: Path
) -> None:
    program = tmp_path / "out" / "program"

    toolbox.compile_c(sources, program, static=static, flags=["-Wall", "-Werror"])

    header = tool("aarch64-linux-gnu-readelf", "-hlSn", program).stdout
    assert b"AArch64" in header
    assert (b"INTERP" not in header) is static
    assert b"build-id" not in header
    data = program.read_bytes()
    assert b"hellomain.c" in data
    assert not any(word in data for word in (b"/tmp/", bytes(tmp_path), bytes(Path.home())))
    assert program.stat().st_mode & 0o777 == 0o755


def test_the_same_sources_elsewhere_give_the_same_bytes(
    sources: list[Path], tmp_path: Path
) -> None:
    elsewhere = write_sources(tmp_path / "quite" / "another" / "folder")
    toolbox.compile_c(sources, tmp_path / "one")
    shutil.rmtree(tmp_path / "cache" / "compiled")

    toolbox.compile_c(elsewhere[::-1], tmp_path / "two")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_was_compiled_is_kept_until_an_input_changes(
    sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolbox.compile_c(sources, tmp_path / "one")
    changed = write_sources(tmp_path / "changed", word="other")

    def refuse(*arguments: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(compiling, "_compile", refuse)
    toolbox.compile_c(sources, tmp_path / "two")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    for again in ((changed, ()), (sources, ("-O0",))):
        with pytest.raises(AssertionError, match="compiled again"):
            toolbox.compile_c(again[0], tmp_path / "three", flags=again[1])


def test_a_header_that_was_not_declared_is_an_error_of_the_compiler(
    sources: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(ToolError, match=r"main\.c:2:10: fatal error: word\.h"):
        toolbox.compile_c(sources[:1], tmp_path / "program")

    assert not (tmp_path / "program").exists()


def test_sources_that_are_missing_or_share_a_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"C source not found: .*nowhere"):
        toolbox.compile_c([tmp_path / "nowhere.c"], tmp_path / "program")
    with pytest.raises(InputError, match="two C sources with one name"):
        toolbox.compile_c([tmp_path / "a" / "x.c", tmp_path / "b" / "x.c"], tmp_path / "program")


def write_package(folder: Path) -> Path:
    package = folder / "usr/lib/package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "module.py").write_text(MODULE)
    (package / "data.txt").write_text("data")
    return folder


def test_bytecode_takes_the_place_of_sources_and_runs(tool: Tool, tmp_path: Path) -> None:
    folder = write_package(tmp_path / "tree")

    toolbox.compile_pyc(folder)

    package = folder / "usr/lib/package"
    assert sorted(path.name for path in package.iterdir()) == [
        "__init__.pyc",
        "data.txt",
        "module.pyc",
    ]
    code = f"import sys; sys.path.insert(0, {str(package.parent)!r}); from package import module; "
    ask = "print(module.__doc__, module.where.__code__.co_filename, module.where() != '')"
    assert tool("python3.13", "-c", code + ask).stdout == b"None usr/lib/package/module.py True\n"


def test_bytecode_is_the_same_wherever_it_is_made(tmp_path: Path) -> None:
    folders = [write_package(tmp_path / name) for name in ("a", "some/where/else")]

    for folder in folders:
        toolbox.compile_pyc(folder)

    one, two = ({p.name: p.read_bytes() for p in f.rglob("*.pyc")} for f in folders)
    assert one == two
    assert not any(bytes(tmp_path) in data for data in one.values())


def test_a_mistake_in_python_is_named_with_its_line(tmp_path: Path) -> None:
    folder = write_package(tmp_path / "tree")
    (folder / "wrong.py").write_text("x = (\n")

    with pytest.raises(ToolError, match=r'wrong\.py", line 1'):
        toolbox.compile_pyc(folder)


def test_a_folder_without_python_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("data")

    toolbox.compile_pyc(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_the_compiler_says_its_version(tool: Tool) -> None:
    assert b"14." in process.run([*toolbox.tool("aarch64-linux-gnu-gcc"), "--version"]).stdout
