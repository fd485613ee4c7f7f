"""What runs in a session: a shell at a pseudo-terminal, or one command without one.

It is another user than the service, so that it can neither end nor change what records it. When
the session ends, all that this user runs is killed.
"""

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import termios
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_agent.errors import AgentError
from edge_agent.terminal.session import Start
from edge_signing.terminal.frames import Kind, Size

# No service has it: theirs are below 60000, that of the logs is 65533.
USER: Final = 65_532
TYPED_MOST_BYTES: Final = 64 << 10
_NOT_RUN: Final = 127


class ShellError(AgentError):
    """What a session is to run can not be run, or takes nothing more."""


@dataclass(slots=True)
class Shell:
    """Something that runs.

    Attributes:
        outputs: What it prints, by descriptor; they never block.
        ended: Can be read when it has ended.
        terminal: Of a shell; None for one command.
    """

    process: "subprocess.Popen[bytes]"  # noqa: TID251  # see `_run`
    outputs: dict[int, Kind]
    ended: int
    terminal: int | None = None
    user: int | None = None
    _typed: bytes = field(default=b"", repr=False)

    @property
    def has_typed(self) -> bool:
        """Whether it has to be given something that was typed."""
        return bool(self._typed)

    def take(self, data: bytes) -> None:
        """Keep what was typed, until `give`.

        Raises:
            ShellError: It was given too much that it does not read.
        """
        if self.terminal is None:
            return
        self._typed += data
        if len(self._typed) > TYPED_MOST_BYTES:
            raise ShellError("what was typed is not read")

    def give(self) -> None:
        """Give it what was typed, as far as it takes it."""
        if self.terminal is None:
            return
        try:
            self._typed = self._typed[os.write(self.terminal, self._typed) :]
        except BlockingIOError:
            return
        except OSError:  # it has gone
            self._typed = b""

    def read(self, descriptor: int, most_bytes: int) -> bytes | None:
        """Return what it printed; empty if that is nothing now, None if nothing will come."""
        try:
            return os.read(descriptor, most_bytes) or None
        except BlockingIOError:
            return b""
        except OSError:  # the end of a pseudo-terminal
            return None

    def drop(self, descriptor: int) -> None:
        """Look no longer at an output that has ended."""
        del self.outputs[descriptor]
        if descriptor != self.terminal:
            os.close(descriptor)

    def resize(self, size: Size) -> None:
        """Tell it that the window has another size."""
        if self.terminal is not None:
            with contextlib.suppress(OSError):
                _set_size(self.terminal, size)

    def status(self) -> int:
        """Return how it ended: 128 and its number for a signal."""
        status = self.process.wait()
        return 128 - status if status < 0 else status

    def end(self) -> None:
        """Kill it with all that it started, and give all back."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        left = {*self.outputs, self.ended, *(() if self.terminal is None else (self.terminal,))}
        for one in left:
            os.close(one)
        self.outputs.clear()
        if self.user is not None:
            _kill_all_of(self.user)
        self.process.wait()


def start(wanted: Start, command: Sequence[str], user: int | None) -> Shell:
    """Run what a grant allows.

    Args:
        wanted: How large the window is; one command, or none for a shell.
        command: The shell of the image.
        user: As whom; None for the own user.

    Raises:
        ShellError: It can not be run.
    """
    try:
        return _once(wanted, command, user) if wanted.command else _shell(wanted, command, user)
    except OSError as error:
        raise ShellError(f"{command[0]}: {error.strerror}") from error


def _shell(wanted: Start, command: Sequence[str], user: int | None) -> Shell:
    ours, theirs = pty.openpty()
    try:
        _set_size(ours, wanted.size)
        process = _run(command, user, wanted.size.term, (theirs, theirs, theirs), is_shell=True)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    os.set_blocking(ours, False)
    return Shell(process, {ours: Kind.OUTPUT}, os.pidfd_open(process.pid), ours, user)


def _once(wanted: Start, command: Sequence[str], user: int | None) -> Shell:
    pipes = [os.pipe() for _stream in range(2)]
    empty = os.open(os.devnull, os.O_RDONLY)
    words = [*command, "-c", wanted.command]
    try:
        process = _run(words, user, wanted.size.term, (empty, pipes[0][1], pipes[1][1]))
    except BaseException:
        for ours, _theirs in pipes:
            os.close(ours)
        raise
    finally:
        for one in (empty, pipes[0][1], pipes[1][1]):
            os.close(one)
    for ours, _theirs in pipes:
        os.set_blocking(ours, False)
    outputs = {pipes[0][0]: Kind.OUTPUT, pipes[1][0]: Kind.ERRORS}
    return Shell(process, outputs, os.pidfd_open(process.pid), None, user)


def _run(
    words: Sequence[str],
    user: int | None,
    term: str,
    streams: tuple[int, int, int],
    *,
    is_shell: bool = False,
) -> "subprocess.Popen[bytes]":  # noqa: TID251  # a program of the verified image
    def control() -> None:
        # In the new session, so that Ctrl-C reaches what runs.
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    return subprocess.Popen(  # noqa: S603, TID251
        list(words),
        stdin=streams[0],
        stdout=streams[1],
        stderr=streams[2],
        env=_environment(term),
        cwd="/",
        start_new_session=True,
        preexec_fn=control if is_shell else None,  # there is one thread
        user=user,
        group=user,
        extra_groups=None if user is None else (),
    )


def _environment(term: str) -> dict[str, str]:
    return {"HOME": "/tmp", "PATH": "/usr/sbin:/usr/bin", "PS1": "support$ ", "TERM": term}  # noqa: S108


def _set_size(descriptor: int, size: Size) -> None:
    termios.tcsetwinsize(descriptor, (size.rows, size.columns))


def _kill_all_of(user: int) -> None:
    """Kill all processes of a user, those too that have left the session."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            os.kill(-1, signal.SIGKILL)
        except OSError:
            os._exit(_NOT_RUN)  # there was none, or it is not ours to do
        os._exit(0)
    os.waitpid(child, 0)
