"""Programs of lrzsz at the other end of a pseudo terminal."""

import os
import subprocess
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edge import toolbox


@contextmanager
def at_the_other_end(
    program: str, words: Sequence[str], folder: Path
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Start a program on a raw line in a folder; give our end of it and the process."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    command = [*toolbox.tool(program), *words]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, cwd=folder
    ) as process:
        # Their end stays open here too: else their last answer is lost when they end.
        try:
            yield ours, process
        finally:
            os.close(ours)
            os.close(theirs)
            if process.poll() is None:
                process.kill()
