"""Programs of an image, as scripts, and somebody who looks until they have answered."""

import os
from collections.abc import Callable
from pathlib import Path


def put_program(path: Path, text: str) -> Path:
    """Write a shell script that can be run."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def answer(complaint: Callable[[], str | None]) -> str:
    """Return what is said in the end; between two looks a program has to end."""
    while (said := complaint()) is None:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    return said
