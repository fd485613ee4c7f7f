"""Kernel modules that hold nothing but what they say about themselves."""

import struct


def module(**values: str | list[str]) -> bytes:
    """Return an ELF file with a .modinfo section and nothing else."""
    each = [(k, v) for k, vs in values.items() for v in ([vs] if isinstance(vs, str) else vs)]
    info = b"".join(f"{key}={value}".encode() + b"\0" for key, value in each)
    names = b"\0.shstrtab\0.modinfo\0"
    sections = [(0, 0, 0), (1, 64, len(names)), (11, 64 + len(names), len(info))]
    table = b"".join(
        struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, start, length, 0, 0, 1, 0)
        for name, start, length in sections
    )
    header = struct.pack(
        "<4sBB10xHHIQQQIHHHHHH",
        *(b"\x7fELF", 2, 1, 1, 183, 1, 0, 0, 64 + len(names) + len(info), 0),
        *(64, 0, 0, 64, len(sections), 1),
    )
    return header + names + info + table
