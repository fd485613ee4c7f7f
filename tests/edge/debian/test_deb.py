"""Reading packages without installing them."""

from pathlib import Path

import pytest

from edge import process
from edge.debian import deb
from edge.errors import InputError


def make(folder: Path, compression: str = "xz") -> Path:
    work = folder / "work"
    (work / "DEBIAN").mkdir(parents=True)
    (work / "DEBIAN" / "control").write_text(
        "Package: app\nVersion: 1:2-3\nArchitecture: all\nMaintainer: T <t@example.org>\n"
        "Description: short\n long line\n .\n last\n"
    )
    (work / "usr/bin").mkdir(parents=True)
    (work / "usr/bin/app").write_bytes(b"#!/bin/sh\n" * 5000)
    (work / "usr/bin/app").chmod(0o755)
    (work / "usr/bin/link").symlink_to("app")
    path = folder / "app.deb"
    process.run(["dpkg-deb", "--root-owner-group", f"-Z{compression}", "-b", work, path])
    return path


def read_all(path: Path) -> dict[str, tuple[int, str, bytes | None]]:
    return {i.name: (i.mode, i.linkname, c.read() if c else None) for i, c in deb.members(path)}


@pytest.mark.parametrize("compression", ["xz", "gzip", "none", "zstd"])
def test_the_files_of_a_package_come_in_order_with_their_content(
    compression: str, tmp_path: Path
) -> None:
    path = make(tmp_path, compression)

    found = read_all(path)

    assert found["./usr/bin/app"] == (0o755, "", b"#!/bin/sh\n" * 5000)
    assert found["./usr/bin/link"][1:] == ("app", None)
    assert found["./usr/bin"][2] is None


def test_the_control_fields_keep_their_long_lines(tmp_path: Path) -> None:
    fields = deb.control(make(tmp_path))

    assert (fields["Package"], fields["Version"]) == ("app", "1:2-3")
    assert fields["Description"] == "short\nlong line\n.\nlast"


def test_a_package_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    data = path.read_bytes()

    for length in range(0, len(data) - 4, 7):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match="not a readable Debian package"):
            read_all(path)


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(b"hello\n" * 100)

    with pytest.raises(InputError, match="no ar archive"):
        deb.control(path)
