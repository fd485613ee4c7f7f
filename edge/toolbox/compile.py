"""Compile for the device: C programs to arm64, Python to bytecode. Same input, same bytes.

No path of this machine gets into a result. What was compiled once is kept by a hash of the
sources, the options and the exact packages of the tool tree.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edge import atomic, paths, process
from edge.errors import InputError, ToolError
from edge.progress import SILENT, Progress
from edge.toolbox import tree
from edge.toolbox.tools import tool

COMPILER = "aarch64-linux-gnu-gcc"
PYTHON = "python3.13"
# The name of the file where the sources are compiled never shows, nor does a time.
_ALWAYS = (
    "-std=gnu17",
    "-Os",
    "-fno-lto",
    "-fno-use-linker-plugin",
    "-frandom-seed=edge",
    "-Wdate-time",
    "-Wl,--build-id=none",
    "-s",
)
_HEADERS = (".h", ".inc")


def compile_c(
    sources: Sequence[Path],
    output: Path,
    *,
    static: bool = True,
    flags: Sequence[str] = (),
    progress: Progress = SILENT,
) -> None:
    """Compile C sources to one arm64 program at `output`, which is whole or not there.

    Args:
        sources: The `.c` files and all headers of their own; names must differ.
        output: The program.
        static: Put the C library into the program.
        flags: More options for the compiler, such as `-Wall`.
        progress: Where work is told; nothing is told when the result was kept.

    Raises:
        InputError: A source is not there, or two have one name.
        ToolError: The compiler refuses the sources, or is not there.
    """
    names = [source.name for source in sources]
    if len(set(names)) != len(names):
        raise InputError(f"two C sources with one name: {', '.join(sorted(names))}")
    if missing := [str(source) for source in sources if not source.is_file()]:
        raise InputError(f"C source not found: {', '.join(missing)}")
    options = [*_ALWAYS, *(["-static"] if static else []), *flags]
    kept = paths.cache_folder() / "compiled" / _key(sources, options)
    if not kept.is_file():
        units = [name for name in names if not name.endswith(_HEADERS)]
        with progress.task(f"compile {output.name}", total=1, unit="programs") as task:
            _compile(sources, units, options, kept)
            task.advance()
    with kept.open("rb") as source, atomic.file(output, mode=0o755) as target:
        shutil.copyfileobj(source, target)


def compile_pyc(folder: Path) -> None:
    """Replace all `.py` files below a folder by `.pyc` files of the device's Python beside them.

    They are made with -OO, name no path outside the folder, and are never checked against sources.

    Raises:
        ToolError: A file is not valid Python; the folder is then partly compiled.
    """
    words = ["-q", "-b", "-f", "-o", "2", "--invalidation-mode", "unchecked-hash"]
    command = [*tool(PYTHON), "-m", "compileall", *words, "-s", str(folder), str(folder)]
    process.run(command, env={"PYTHONHASHSEED": "0"})
    for source in sorted(folder.rglob("*.py")):
        if not source.with_suffix(".pyc").is_file():
            raise ToolError(f"{source}: not compiled")
        source.unlink()


def _key(sources: Sequence[Path], options: Sequence[str]) -> str:
    tool(COMPILER)
    parts = [tree.stamp(), *options]
    for source in sorted(sources, key=lambda source: source.name):
        parts += [source.name, hashlib.sha256(source.read_bytes()).hexdigest()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _compile(
    sources: Sequence[Path], units: Sequence[str], options: Sequence[str], output: Path
) -> None:
    # Only what was declared is in the folder, so an undeclared header is an error.
    with tempfile.TemporaryDirectory(prefix="edge-c-") as name:
        work = Path(name)
        for source in sources:
            shutil.copyfile(source, work / source.name)
        where = f"-ffile-prefix-map={work}=."
        process.run([*tool(COMPILER), where, *options, "-o", "program", *sorted(units)], cwd=work)
        with (work / "program").open("rb") as program, atomic.file(output) as target:
            shutil.copyfileobj(program, target)
