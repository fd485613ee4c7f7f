"""Binary layouts with types: the only place where construct and its untyped values are met.

A layout is a frozen dataclass that derives from `Record` and declares its bytes once, as a
construct in `LAYOUT` whose names are those of the fields. Only `FormatError` comes out.
"""

import dataclasses
import io
import zlib
from typing import Any, ClassVar, Self

import construct

from edge_signing.errors import FormatError


class Record:
    """A value with a fixed layout in bytes."""

    __slots__ = ()
    LAYOUT: ClassVar[Any]

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the value that all of `data` stands for.

        Raises:
            FormatError: It is too short, too long, or not in this layout.
        """
        stream = io.BytesIO(data)
        try:
            parsed = cls.LAYOUT.parse_stream(stream)
        except construct.ConstructError as error:
            raise FormatError(f"{cls.__name__}: {_reason(error)}") from error
        if stream.tell() != len(data):
            raise FormatError(f"{cls.__name__}: {len(data) - stream.tell()} bytes too many")
        names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: _plain(parsed[name]) for name in names})

    def pack(self) -> bytes:
        """Return the bytes of this value.

        Raises:
            FormatError: A field does not fit into its place.
        """
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        try:
            return bytes(self.LAYOUT.build({name: getattr(self, name) for name in names}))
        except construct.ConstructError as error:
            raise FormatError(f"{type(self).__name__}: {_reason(error)}") from error


def crc32_sealed(body: Any) -> Any:
    """Return the layout of `body` with its CRC-32 (little endian) ahead of it.

    Args:
        body: A construct; all bytes up to the end of the data are its, and are in the sum.
    """

    def opened(sealed: Any, _context: Any) -> Any:
        if zlib.crc32(sealed.data) != sealed.crc32:
            raise construct.ChecksumError(
                f"CRC is {sealed.crc32:08x}, that of the data is {zlib.crc32(sealed.data):08x}"
            )
        stream = io.BytesIO(sealed.data)
        parsed = body.parse_stream(stream)
        if stream.tell() != len(sealed.data):
            left = len(sealed.data) - stream.tell()
            raise construct.TerminatedError(f"{left} bytes too many")
        return parsed

    def closed(value: Any, _context: Any) -> dict[str, Any]:
        data = body.build(value)
        return {"crc32": zlib.crc32(data), "data": data}

    layout = construct.Struct("crc32" / construct.Int32ul, "data" / construct.GreedyBytes)
    return construct.ExprAdapter(layout, opened, closed)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _reason(error: construct.ConstructError) -> str:
    """Return the last line of construct's message, which comes after the path of the field."""
    lines = [line for line in str(error).splitlines() if line and not line.startswith("Error in")]
    return lines[-1].strip() if lines else type(error).__name__
