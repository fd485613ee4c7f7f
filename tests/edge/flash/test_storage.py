"""Storage on real files and loop devices: nobody else writes at the same time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge import process
from edge.errors import RefusedError, ThingNotFoundError
from edge.flash.sources.buffers import CHUNK_BYTES, Buffers
from edge.flash.transports.storage import OpenStorage

SIZE = 8 << 20


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[str]:
    """A loop device; needs root."""
    file = tmp_path / "disk"
    file.write_bytes(b"\xaa" * SIZE)
    device = process.run(["losetup", "--find", "--show", file]).stdout.decode().strip()
    process.run(["blockdev", "--setrw", device])  # as the last user may have left it
    yield device
    process.run(["losetup", "--detach", device])


def _written(storage: OpenStorage, offset_bytes: int, byte: int) -> None:
    memory = Buffers(1).take()
    memory[:] = bytes([byte]) * CHUNK_BYTES
    storage.write(offset_bytes, memory)


def _read(storage: OpenStorage, offset_bytes: int) -> bytes:
    memory = Buffers(1).take()
    storage.read(offset_bytes, memory)
    return bytes(memory)


@pytest.mark.parametrize("folder", ["tmp_path", "memory"])
def test_a_file_keeps_what_is_written(
    folder: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place = tmp_path if folder == "tmp_path" else Path("/dev/shm")
    file = place / f"edge-test-{os.getpid()}.img"
    request.addfinalizer(lambda: file.unlink(missing_ok=True))

    with closing(OpenStorage(str(file), size_bytes=SIZE)) as storage:
        _written(storage, CHUNK_BYTES, 7)
        storage.sync()
        found = _read(storage, CHUNK_BYTES)
        is_forgotten = storage.discard()
        forgotten = _read(storage, CHUNK_BYTES)

    assert found == bytes([7]) * CHUNK_BYTES
    assert is_forgotten
    assert not any(forgotten)
    assert file.stat().st_size == SIZE


def test_a_file_that_another_program_writes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "card.img"
    with file.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        with pytest.raises(RefusedError, match="another program writes it"):
            OpenStorage(str(file), size_bytes=SIZE)


def test_a_device_is_no_file_and_a_file_no_device(tmp_path: Path) -> None:
    (tmp_path / "card.img").touch()

    with pytest.raises(RefusedError, match="no disk"):
        OpenStorage(str(tmp_path / "card.img"))
    with pytest.raises(RefusedError, match="not a plain file"):
        OpenStorage("/dev/null", size_bytes=SIZE)
    with pytest.raises(ThingNotFoundError):
        OpenStorage(str(tmp_path / "none"))


def test_what_is_read_back_is_not_what_is_cached(loop: str, tmp_path: Path) -> None:
    with closing(OpenStorage(loop)) as storage:
        _written(storage, 0, 7)
        storage.sync()
        with (tmp_path / "disk").open("r+b") as medium:
            medium.write(b"\x55")
        assert storage.size_bytes == SIZE
        assert _read(storage, 0)[0] == 0x55


def test_a_disk_that_is_held_is_refused(loop: str) -> None:
    with (
        closing(OpenStorage(loop)),
        pytest.raises(RefusedError, match="another program holds it"),
    ):
        OpenStorage(loop)


def test_a_mounted_disk_is_refused_by_the_kernel_too(loop: str, tmp_path: Path) -> None:
    process.run(["mkfs.ext4", "-q", loop])
    (tmp_path / "mounted").mkdir()
    process.run(["mount", loop, tmp_path / "mounted"])
    try:
        with pytest.raises(RefusedError, match="another program holds it"):
            OpenStorage(loop)
    finally:
        process.run(["umount", tmp_path / "mounted"])


def test_a_disk_forgets_when_it_is_told_to(loop: str) -> None:
    with closing(OpenStorage(loop)) as storage:
        assert storage.discard()
        assert not any(_read(storage, 0))
        storage.finish(eject=False)


def test_a_read_only_disk_is_refused(loop: str) -> None:
    process.run(["blockdev", "--setro", loop])

    try:
        with pytest.raises(RefusedError, match="read-only"):
            OpenStorage(loop)
    finally:
        process.run(["blockdev", "--setrw", loop])  # or the next file behind it is, too
