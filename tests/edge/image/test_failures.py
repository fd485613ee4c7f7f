"""What the system says, as errors of ours."""

import errno
import os
from pathlib import Path

import pytest

from edge.errors import EdgeError, InputError, ToolError
from edge.image.failures import FULL_HINT, told


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_says_what_to_do(number: int) -> None:
    with pytest.raises(EdgeError, match=r"^out: ") as caught, told(Path("out")):
        raise OSError(number, os.strerror(number))

    assert caught.value.hint == FULL_HINT


def test_the_file_that_the_system_names_is_told() -> None:
    with pytest.raises(EdgeError, match=r"^/nowhere/x: No such file"), told(Path("a")):
        Path("/nowhere/x").read_bytes()


@pytest.mark.parametrize(
    "said", ["mkfs.erofs: status 1\n  No space left on device", "mkfs.erofs: killed by SIGXFSZ"]
)
def test_a_tool_that_finds_the_disk_full_is_told_so(said: str) -> None:
    with pytest.raises(EdgeError, match="out: the disk is full") as caught, told(Path("out")):
        raise ToolError(said)

    assert caught.value.hint == FULL_HINT
    assert said in str(caught.value)


def test_errors_of_ours_pass_as_they_are() -> None:
    error = InputError("x", hint="y")

    with pytest.raises(InputError) as caught, told(Path("out")):
        raise error

    assert caught.value is error
