"""The root file system from a stream of tar."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pytest

from edge.errors import ToolError
from edge.image import erofs
from edge.process import Completed

UUID_1 = UUID(int=1)


def write_tar(stream: BinaryIO) -> None:
    with tarfile.open(fileobj=stream, mode="w|") as tar:
        for name, content in (("etc/one", b"1" * 9000), ("etc/two", b"2")):
            item = tarfile.TarInfo(name)
            item.size, item.uid, item.gid = len(content), 10001, 10002
            tar.addfile(item, io.BytesIO(content))
        link = tarfile.TarInfo("etc/hard")
        link.type, link.linkname = tarfile.LNKTYPE, "etc/one"
        tar.addfile(link)


@pytest.mark.tools
@pytest.mark.parametrize("compress", ["none", "lz4hc", "zstd", "xz"])
def test_the_image_is_sound_and_the_same_again(
    tool: Callable[..., Completed], tmp_path: Path, compress: erofs.Compression
) -> None:
    images = [tmp_path / "one.erofs", tmp_path / "two.erofs"]

    for image in images:
        erofs.make(write_tar, image, uuid=UUID_1, compress=compress)

    tool("fsck.erofs", images[0])
    assert images[0].read_bytes() == images[1].read_bytes()
    assert images[0].stat().st_size % 4096 == 0
    assert b"Links: 2" in tool("dump.erofs", "--path=/etc/hard", images[0]).stdout
    assert b"Uid: 10001   Gid: 10002" in tool("dump.erofs", "--path=/etc/two", images[0]).stdout


@pytest.mark.tools
@pytest.mark.usefixtures("tool")
def test_a_bad_archive_leaves_no_image(tmp_path: Path) -> None:
    def write_bad(stream: BinaryIO) -> None:
        stream.write(b"no archive" * 100)

    with pytest.raises(ToolError, match="erofs"):
        erofs.make(write_bad, tmp_path / "root.erofs", uuid=UUID_1)

    assert list(tmp_path.iterdir()) == []
