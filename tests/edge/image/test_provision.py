"""An identity on a disk before its first start."""

from pathlib import Path

import pytest

from edge import process, toolbox
from edge.errors import InputError, RefusedError, ThingNotFoundError
from edge.image import disk as disks
from edge.image import gpt, provision
from edge.image.plan import Layout, plan
from edge.image.provision import FILES, Owner

pytestmark = pytest.mark.tools

OWNER = Owner(12345, 54321)


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


def debugfs(disk: Path, command: str) -> str:
    """Ask debugfs about the data partition of a disk."""
    image = disk.with_name("data-again.img")
    with disk.open("rb") as stream:
        data = gpt.read(stream, disk_bytes=disk.stat().st_size).partition("data")
        stream.seek(data.offset_bytes)
        image.write_bytes(stream.read(data.size_bytes))
    process.run([*toolbox.tool("e2fsck"), "-f", "-n", image])
    return process.run([*toolbox.tool("debugfs"), "-R", command, image]).stdout.decode()


def test_the_identity_is_the_agents_alone(disk: Path, identity: Path) -> None:
    provision.put_identity(disk, identity, OWNER)

    rows = [line.split() for line in debugfs(disk, "ls -l agent/identity").splitlines()]
    found = {row[8]: (row[1], row[3], row[4]) for row in rows if row}
    assert {name: found[name] for name in FILES} == dict.fromkeys(
        FILES, ("100600", "12345", "54321")
    )
    assert found["."] == ("40700", "12345", "54321")
    assert debugfs(disk, "cat agent/identity/epoch") == "this is epoch\n"


def test_a_disk_that_was_used_is_refused(disk: Path, identity: Path) -> None:
    provision.put_identity(disk, identity, OWNER)
    before = disk.read_bytes()

    with pytest.raises(RefusedError, match="in use"):
        provision.put_identity(disk, identity, OWNER)

    assert disk.read_bytes() == before


def test_an_identity_that_is_not_whole_is_refused(disk: Path, identity: Path) -> None:
    (identity / "device.key").unlink()

    with pytest.raises(InputError, match=r"device\.key"):
        provision.put_identity(disk, identity, OWNER)


def test_a_build_without_an_agent_has_nobody_to_own_it(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"format": 1, "privileges": []}')

    with pytest.raises(ThingNotFoundError, match="agent"):
        provision.owner_of_agent(tmp_path)
