"""Read Debian packages (`.deb`) without installing them.

Source: deb(5), deb-control(5). A package is an `ar` archive with `control.tar.*` and `data.tar.*`.
"""

import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

import construct

from edge import process
from edge.errors import InputError

_DAMAGE = (lzma.LZMAError, zlib.error, tarfile.TarError, EOFError, OSError, UnicodeDecodeError)
_PIECE_BYTES = 1 << 16
_MAGIC = b"!<arch>\n"
_HEADER = construct.Struct(
    "name" / construct.Bytes(16),
    "unused" / construct.Bytes(32),
    "size_bytes" / construct.Bytes(10),
    "end" / construct.Const(b"`\n"),
)


def members(deb: Path) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
    """Yield the files of a package in their order, each with its content if it is a regular file.

    A content is readable only until the next member is asked for.

    Raises:
        InputError: The file is no Debian package, or damaged.
    """
    try:
        with _part(deb, "data.tar") as stream:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for info in archive:
                    content = archive.extractfile(info) if info.isreg() else None
                    yield info, io.BufferedReader(_Content(deb, content)) if content else None
            # The check sum of the compression comes after the end of the archive.
            while stream.read(_PIECE_BYTES):
                pass
    except _DAMAGE as error:
        raise _damaged(deb, error) from error


def control(deb: Path) -> dict[str, str]:
    """Return the fields of a package's control file; the lines of long ones stay apart.

    Raises:
        InputError: The file is no Debian package, or damaged.
    """
    try:
        with _part(deb, "control.tar") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for info in tar:
                if info.name.removeprefix("./") == "control":
                    content = tar.extractfile(info)
                    return _fields(content.read().decode() if content else "")
    except _DAMAGE as error:
        raise _damaged(deb, error) from error
    raise _damaged(deb, "no control file")


def _damaged(deb: Path, why: object) -> InputError:
    return InputError(f"{deb}: not a readable Debian package: {why}")


def _fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            fields[key] += f"\n{line[1:]}"
        elif line:
            key, _, value = line.partition(":")
            fields[key] = value.strip()
    return fields


@contextmanager
def _part(deb: Path, wanted: str) -> Iterator[IO[bytes]]:
    """Give the unpacked tar stream of one part of the package."""
    with deb.open("rb") as stream:
        name, size_bytes = _find(deb, stream, wanted)
        part = _Window(stream, size_bytes)
        match name.removeprefix(wanted):
            case "":
                yield io.BufferedReader(part)
            case ".xz" | ".lzma":
                with lzma.open(io.BufferedReader(part)) as plain:
                    yield plain
            case ".gz":
                with gzip.open(io.BufferedReader(part)) as plain_gz:
                    yield cast("IO[bytes]", plain_gz)
            case ".zst" if wanted == "data.tar":
                # Not in Debian's archive; Ubuntu's dpkg-deb packs so, and then can unpack it.
                yield io.BytesIO(process.run(["dpkg-deb", "--fsys-tarfile", deb]).stdout)
            case _:
                raise InputError(f"{deb}: {name}: this compression is not supported")


def _find(deb: Path, stream: BinaryIO, wanted: str) -> tuple[str, int]:
    """Return name and size of the part, with `stream` at its start."""
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise _damaged(deb, "no ar archive")
    while raw := stream.read(_HEADER.sizeof()):
        try:
            header = _HEADER.parse(raw)
            name = header.name.decode("ascii").strip().rstrip("/")
            size_bytes = int(header.size_bytes)
        except (construct.ConstructError, ValueError) as error:
            raise _damaged(deb, "bad ar header") from error
        if name.startswith(wanted):
            return name, size_bytes
        stream.seek(size_bytes + size_bytes % 2, io.SEEK_CUR)
    raise _damaged(deb, f"no {wanted}")


class _Window(io.RawIOBase):
    """The next `size_bytes` of a file, as a file of their own."""

    def __init__(self, stream: BinaryIO, size_bytes: int) -> None:
        self._stream = stream
        self._left_bytes = size_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        data = self._stream.read(min(len(buffer), self._left_bytes))
        buffer[: len(data)] = data
        self._left_bytes -= len(data)
        return len(data)


class _Content(io.RawIOBase):
    """The content of one file; damage that shows only when it is read is an error of ours too."""

    def __init__(self, deb: Path, stream: IO[bytes]) -> None:
        self._deb = deb
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        try:
            data = self._stream.read(len(buffer))
        except _DAMAGE as error:
            raise _damaged(self._deb, error) from error
        buffer[: len(data)] = data
        return len(data)
