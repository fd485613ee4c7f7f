"""U-Boot script images."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.image.uimage import script_image
from edge.process import Completed
from edge_signing.errors import FormatError

VECTORS = Path(__file__).parent.parent.parent / "vectors"


def test_the_bytes_of_a_script_image_are_golden() -> None:
    image = script_image(b"echo hello\n", name="edge")

    assert image == (VECTORS / "boot_script.scr").read_bytes()
    assert image.hex() == (
        "27051956131a9510000000000000001300000000000000003db55e6f0516060065646765"
        + "00" * 28
        + "0000000b00000000"
        + b"echo hello\n".hex()
    )


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(FormatError):
        script_image(b"", name="n" * 33)


@pytest.mark.tools
def test_mkimage_makes_and_lists_the_same(tool: Callable[..., Completed], tmp_path: Path) -> None:
    script = tmp_path / "boot.cmd"
    script.write_bytes(b"echo hello\n" * 300)
    image = tmp_path / "boot.scr"
    image.write_bytes(script_image(script.read_bytes()))
    kind = ["-A", "arm64", "-O", "linux", "-T", "script", "-C", "none", "-n", "edge"]

    listed = tool("mkimage", "-l", image).stdout.decode()
    tool("mkimage", *kind, "-d", script, tmp_path / "theirs.scr")

    assert "AArch64 Linux Script (uncompressed)" in listed
    theirs = (tmp_path / "theirs.scr").read_bytes()
    ours = image.read_bytes()
    assert (theirs[12:], theirs[:4]) == (ours[12:], ours[:4])  # but for the date and its sum
