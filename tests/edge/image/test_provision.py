"""The file system of a data partition before the first start."""

from pathlib import Path

import pytest

from edge import process, toolbox
from edge.errors import InputError, RefusedError
from edge.image import disk as disks
from edge.image import gpt, provision
from edge.image.extent import BLOCK_BYTES, Extent
from edge.image.plan import Layout, plan
from edge.image.provision import FILES, FIRST_BOOT, IDENTITY, Placed

pytestmark = pytest.mark.tools

MIB = 1 << 20
SOME = (Placed(FIRST_BOOT / "hostname", b"gateway-7\n"), Placed(FIRST_BOOT / "token", b"t" * 99))


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    folder = tmp_path / "identity"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(f"this is {name}\n")
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    layout = plan(Layout(boot_mib=4, rootfs_mib=4, firmware_mib=4, data_mib=64), seed="test")
    disks.write_disk(path, layout, {})
    return path


def debugfs(image: Path, command: str) -> str:
    """Ask debugfs about a file system that e2fsck finds nothing wrong with."""
    process.run([*toolbox.tool("e2fsck"), "-f", "-n", image])
    return process.run([*toolbox.tool("debugfs"), "-R", command, image]).stdout.decode()


def data_of(disk: Path) -> Path:
    """Return the data partition of a disk as a file."""
    image = disk.with_name("data-again.img")
    with disk.open("rb") as stream:
        data = gpt.read(stream, disk_bytes=disk.stat().st_size).partition("data")
        stream.seek(data.offset_bytes)
        image.write_bytes(stream.read(data.size_bytes))
    return image


def on_a_used_card(path: Path, extents: tuple[Extent, ...], size_bytes: int, was: bytes) -> Path:
    """Return a partition that held something else before the extents were written."""
    path.write_bytes(was * size_bytes)
    with path.open("r+b") as stream:
        for one in extents:
            assert isinstance(one.content, bytes)
            stream.seek(one.offset_bytes)
            stream.write(one.content)
    return path


def test_the_identity_is_roots_alone_until_the_device_hands_it_over(
    disk: Path, identity: Path
) -> None:
    provision.put(disk, provision.identity_files(identity))

    image = data_of(disk)
    rows = [line.split() for line in debugfs(image, f"ls -l {IDENTITY}").splitlines()]
    found = {row[8]: (row[1], row[3], row[4]) for row in rows if row}
    assert {name: found[name] for name in FILES} == dict.fromkeys(FILES, ("100600", "0", "0"))
    assert found["."] == ("40700", "0", "0")
    assert debugfs(image, f"cat {IDENTITY}/epoch") == "this is epoch\n"


@pytest.mark.parametrize("was", [b"\x00", b"\xff", b"\xa5"])
@pytest.mark.parametrize("size_mib", [16, 64, 300])
def test_what_a_card_held_before_does_not_matter(tmp_path: Path, size_mib: int, was: bytes) -> None:
    extents = provision.file_system(SOME, most_bytes=size_mib * MIB)

    image = on_a_used_card(tmp_path / "data.img", extents, min(size_mib, 64) * MIB, was)

    assert debugfs(image, "cat first-boot/hostname") == "gateway-7\n"
    assert debugfs(image, "cat first-boot/token") == "t" * 99


def test_little_is_written_and_in_whole_blocks() -> None:
    extents = provision.file_system(SOME, most_bytes=64 * MIB)

    assert sum(one.length_bytes for one in extents) < 6 * MIB
    assert {one.offset_bytes % BLOCK_BYTES for one in extents} == {0}
    assert {one.length_bytes % BLOCK_BYTES for one in extents} == {0}


def test_the_same_files_make_the_same_bytes_and_others_do_not() -> None:
    first, again = (provision.file_system(SOME, most_bytes=64 * MIB) for _time in range(2))

    assert first == again
    assert first != provision.file_system(SOME[:1], most_bytes=64 * MIB)


def test_a_disk_that_was_used_is_refused(disk: Path) -> None:
    provision.put(disk, SOME)
    before = disk.read_bytes()

    with pytest.raises(RefusedError, match="in use"):
        provision.put(disk, SOME)

    assert disk.read_bytes() == before


def test_an_identity_that_is_not_whole_is_refused(identity: Path) -> None:
    (identity / "device.key").unlink()

    with pytest.raises(InputError, match=r"device\.key"):
        provision.identity_files(identity)


@pytest.mark.parametrize(
    ("most_bytes", "content"),
    [
        pytest.param(4 * MIB, b"", id="a small partition"),
        pytest.param(64 * MIB, bytes(5 * MIB), id="a large file"),
    ],
)
def test_what_does_not_fit_is_refused(most_bytes: int, content: bytes) -> None:
    with pytest.raises(InputError, match="too small"):
        provision.file_system([Placed(FIRST_BOOT / "x", content)], most_bytes=most_bytes)
