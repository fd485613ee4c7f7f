"""cpio archives for the initramfs."""

import io
import stat
from pathlib import Path, PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from edge.image import cpio
from edge.image.cpio import CpioEntry, Header

HEADER_BYTES = 110

names = st.text("abcdef.-", min_size=1, max_size=12).filter(lambda name: name.strip("."))
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
trees = st.dictionaries(paths, st.binary(max_size=600), max_size=6)


def archive(*entries: CpioEntry) -> bytes:
    stream = io.BytesIO()
    cpio.write(stream, entries)
    return stream.getvalue()


def members(data: bytes) -> list[tuple[str, Header, bytes]]:
    """Return path, header and content of each member up to the trailer."""
    found: list[tuple[str, Header, bytes]] = []
    at = 0
    while True:
        header = Header.unpack(data[at : at + HEADER_BYTES])
        name = data[at + HEADER_BYTES : at + HEADER_BYTES + header.name_bytes - 1].decode()
        at += (HEADER_BYTES + header.name_bytes + 3) & ~3
        content = data[at : at + header.length_bytes]
        at += (header.length_bytes + 3) & ~3
        if name == "TRAILER!!!":
            return found
        found.append((name, header, content))


def test_the_bytes_of_an_archive_are_golden() -> None:
    data = archive(cpio.file("init", b"#!/bin/sh\n", mode=0o755))

    assert data.startswith(
        b"070701" + b"00000001" + b"000081ED" + b"00000000" * 2 + b"00000001" + b"00000000"
        b"0000000A" + b"00000000" * 4 + b"00000005" + b"00000000" + b"init\0\0"
        b"#!/bin/sh\n\0\0"
        b"070701" + b"00000000" * 4 + b"00000001" + b"00000000" * 6 + b"0000000B" + b"00000000"
        b"TRAILER!!!\0"
    )
    assert len(data) == 512


def test_every_kind_of_entry_keeps_what_it_is() -> None:
    data = archive(
        cpio.folder("dev", mode=0o700),
        cpio.character_device("dev/console", 5, 1),
        cpio.symlink("bin", "usr/bin"),
        CpioEntry("owned", stat.S_IFREG | 0o640, b"x", uid=7, gid=8),
    )

    folder, device, link, owned = members(data)
    assert (folder[0], folder[1].mode, folder[1].links) == ("dev", 0o40700, 2)
    assert (device[1].mode, device[1].node_major, device[1].node_minor) == (0o20600, 5, 1)
    assert (link[1].mode, link[2]) == (0o120777, b"usr/bin")
    assert (owned[1].uid, owned[1].gid) == (7, 8)


@given(trees)
def test_what_is_written_can_be_read(tree: dict[str, bytes]) -> None:
    data = archive(*(cpio.file(path, content) for path, content in tree.items()))

    found = members(data)
    assert {name: body for name, head, body in found if stat.S_ISREG(head.mode)} == tree
    assert all(head.mtime_s == 0 for _name, head, _body in found)
    assert len({head.inode for _name, head, _body in found}) == len(found)
    assert len(data) % 512 == 0


def test_parents_that_are_not_given_come_before_what_is_in_them() -> None:
    found = [name for name, _header, _body in members(archive(cpio.file("a/b/c", b"")))]

    assert found == ["a", "a/b", "a/b/c"]
    assert [str(parent) for parent in PurePosixPath("a/b/c").parents[:-1]] == ["a/b", "a"]


def test_a_parent_that_is_given_is_not_made_again() -> None:
    found = members(archive(cpio.folder("a", mode=0o711), cpio.file("a/b", b"")))

    assert [(name, header.mode) for name, header, _body in found] == [
        ("a", 0o40711),
        ("a/b", 0o100644),
    ]


def test_contents_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "busybox"
    path.write_bytes(b"B" * 3_000_001)

    assert archive(cpio.file("busybox", path)) == archive(cpio.file("busybox", path.read_bytes()))
