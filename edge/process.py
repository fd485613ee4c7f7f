"""Run other programs: the one place that starts processes and waits for them."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from edge.errors import LinkError, ToolError

_PIPE_BYTES = 1 << 20
LAST_WORDS = 8  # lines of a failed program's output that go into the error


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program printed before it ended well."""

    stdout: bytes
    stderr: str


def run(
    argv: Sequence[str | Path],
    *,
    input_bytes: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float | None = None,
) -> Completed:
    """Run a program to its end and return what it printed.

    Args:
        argv: The program and its arguments.
        input_bytes: Its standard input; empty when None.
        env: Variables on top of our own.
        cwd: The folder to run it in.
        timeout_s: Seconds after which it is killed.

    Raises:
        ToolError: It is missing or ended with a status other than 0.
        LinkError: It ran longer than `timeout_s`.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=input_bytes if input_bytes is not None else b"",
            capture_output=True,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(f"{words[0]}: program not found", hint="run `edge doctor`") from error
    except subprocess.TimeoutExpired as error:
        raise LinkError(f"{name_of(words)}: no end after {timeout_s} s") from error
    stderr = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        raise ToolError(ending(words, done.returncode, stderr, done.stdout))
    return Completed(done.stdout, stderr)


@contextmanager
def fed(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Iterator[BinaryIO]:
    """Give the standard input of a program, which has ended well after the block.

    After an exception in the block the program is killed.

    Args:
        argv: The program and its arguments.
        env: Variables on top of our own.

    Raises:
        ToolError: It is missing, did not take all that it was given, or ended badly.
    """
    words = [str(word) for word in argv]
    with tempfile.TemporaryFile() as said:
        try:
            child = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                bufsize=_PIPE_BYTES,
                umask=0o022,  # mkfs.erofs 1.8 writes it into the image (with `fragments`)
            )
        except FileNotFoundError as error:
            raise ToolError(f"{words[0]}: program not found", hint="run `edge doctor`") from error
        whole = False
        try:
            with contextlib.suppress(BrokenPipeError):  # the program's own words say why
                yield cast("BinaryIO", child.stdin)
                cast("BinaryIO", child.stdin).close()
                whole = True
            status = child.wait()
        finally:
            _end(child)
        if status or not whole:
            said.seek(0)
            raise ToolError(ending(words, status, said.read().decode(errors="replace")))


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait()
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()


def ending(words: Sequence[str], status: int, stderr: str, stdout: bytes = b"") -> str:
    """Return one message about a program that ended badly, with its last words."""
    how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
    said = (stderr.strip() or stdout.decode(errors="replace").strip()).splitlines()[-LAST_WORDS:]
    return f"{name_of(words)}: {how}" + "".join(f"\n  {line}" for line in said)


def name_of(words: Sequence[str]) -> str:
    """Return the name of the program behind a loader such as `ld-linux.so --library-path`."""
    if "--library-path" in words[:3]:
        words = words[words.index("--library-path") + 2 :]
    return Path(words[0]).name


def start(
    argv: Sequence[str | Path], *, piped: bool, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program that goes on beside us; the caller ends it and waits for it.

    Args:
        argv: The program and its arguments.
        piped: Connect its input and its joined outputs to us by pipes; else it has ours.
        env: Variables on top of our own.

    Raises:
        ToolError: It is missing.
    """
    words = [str(word) for word in argv]
    pipe = subprocess.PIPE if piped else None
    try:
        return subprocess.Popen(
            words,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.STDOUT if piped else None,
            env={**os.environ, **(env or {})},
            start_new_session=piped,
            bufsize=0,
        )
    except FileNotFoundError as error:
        raise ToolError(f"{words[0]}: program not found", hint="run `edge doctor`") from error
