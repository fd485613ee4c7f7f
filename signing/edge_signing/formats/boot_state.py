"""The boot state: which slot the boot loader tries next, and how often it may.

It is kept twice in the partition `bootstate`, at the offsets `COPY_OFFSETS_BYTES`; the valid copy
with the higher `seq` counts, and only the other one is ever written. One copy is a U-Boot
environment of 4096 bytes without a redundancy flag: CRC-32 (little endian) of the rest, then
`name=value` strings that each end in a NUL, an empty string, and zeros.

Source: U-Boot 2025.01, include/env_internal.h `env_t` and lib/hashtable.c `hexport_r` (names are
sorted; `setexpr` stores numbers in hex without `0x`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, cast

from construct import CString, Default, ExprValidator, FixedSized, GreedyBytes, RepeatUntil, Struct

from edge_signing.errors import FormatError
from edge_signing.formats.record import Record, crc32_sealed

Slot = Literal["a", "b"]

SLOTS: Final[tuple[Slot, Slot]] = ("a", "b")
COPY_BYTES: Final = 4096
COPY_OFFSETS_BYTES: Final = (0, 0x10_0000)
CRC_BYTES: Final = 4

COMMITTED_LEFT: Final = 9
ARMED_LEFT: Final = 3
EMPTY_LEFT: Final = 0

_NAMES: Final = ("BOOT_A_LEFT", "BOOT_B_LEFT", "BOOT_ORDER", "BOOT_SEQ")
_SEQ: Final = re.compile(r"[1-9a-f][0-9a-f]{0,7}")
_LEFT: Final = re.compile(r"[0-9]")
_LAST_SEQ: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Environment(Record):
    """A U-Boot environment of 4096 bytes: its `name=value` strings, ended by an empty one."""

    LAYOUT: ClassVar[Any] = crc32_sealed(
        FixedSized(
            COPY_BYTES - CRC_BYTES,
            Struct(
                "strings"
                / RepeatUntil(lambda string, _all, _context: not string, CString("ascii")),
                "padding"
                / Default(ExprValidator(GreedyBytes, lambda data, _context: not any(data)), b""),
            ),
        )
    )

    strings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BootState:
    """What one copy says.

    Attributes:
        seq: Grows by one with every write; 32 bits, and never 0, which the boot script takes for
            no valid copy.
        order: The slots to try, first choice first.
        left: Starts that each slot still has; 0 to 9.
    """

    seq: int
    order: tuple[Slot, ...]
    left: Mapping[Slot, int]

    def __post_init__(self) -> None:
        if not 1 <= self.seq <= _LAST_SEQ:
            raise FormatError(f"boot state: BOOT_SEQ {self.seq} is not 1 to ffffffff")
        if not self.order or len(set(self.order)) != len(self.order):
            raise FormatError(f"boot state: BOOT_ORDER '{' '.join(self.order)}' is no order")
        if not set(self.order) <= set(SLOTS) or set(self.left) != set(SLOTS):
            raise FormatError("boot state: the slots are a and b")
        if not all(0 <= left <= COMMITTED_LEFT for left in self.left.values()):
            raise FormatError(f"boot state: starts left {dict(self.left)} are not 0 to 9")

    @classmethod
    def unpack(cls, copy: bytes) -> "BootState":
        """Return what `copy` says.

        Raises:
            FormatError: Its length, CRC, names or values are wrong.
        """
        values = _values(Environment.unpack(copy).strings)
        return cls(
            seq=int(_matching(_SEQ, values, "BOOT_SEQ"), 16),
            order=cast("tuple[Slot, ...]", tuple(values["BOOT_ORDER"].split(" "))),
            left={
                "a": int(_matching(_LEFT, values, "BOOT_A_LEFT")),
                "b": int(_matching(_LEFT, values, "BOOT_B_LEFT")),
            },
        )

    def pack(self) -> bytes:
        """Return the 4096 bytes of a copy, the same that U-Boot would write."""
        values = {
            "BOOT_A_LEFT": f"{self.left['a']}",
            "BOOT_B_LEFT": f"{self.left['b']}",
            "BOOT_ORDER": " ".join(self.order),
            "BOOT_SEQ": f"{self.seq:x}",
        }
        return Environment((*(f"{name}={value}" for name, value in values.items()), "")).pack()


def newest_index(copies: Sequence[bytes]) -> int:
    """Return the place of the valid copy that counts; of two with one `seq`, the first.

    Raises:
        FormatError: No copy is valid.
    """
    seqs: dict[int, int] = {}
    reasons: list[str] = []
    for index, copy in enumerate(copies):
        try:
            seqs[index] = BootState.unpack(copy).seq
        except FormatError as error:
            reasons.append(str(error))
    if not seqs:
        raise FormatError(f"boot state: no copy is valid ({'; '.join(reasons)})")
    return max(seqs, key=lambda index: (seqs[index], -index))


def newest(copies: Sequence[bytes]) -> BootState:
    """Return the valid copy with the highest `seq`.

    Raises:
        FormatError: No copy is valid.
    """
    return BootState.unpack(copies[newest_index(copies)])


def factory_copies() -> tuple[bytes, bytes]:
    """Return the two copies of a new disk: slot a is committed, slot b is empty.

    The first copy is the newer one, so that the boot script finds no two copies of one age.
    """
    left: dict[Slot, int] = {"a": COMMITTED_LEFT, "b": EMPTY_LEFT}
    first, second = (BootState(seq=seq, order=("a",), left=left).pack() for seq in (2, 1))
    return first, second


def _values(strings: Sequence[str]) -> dict[str, str]:
    pairs = [string.partition("=") for string in strings if string]
    names = [name for name, _equals, _value in pairs]
    if sorted(names) != sorted(_NAMES):
        raise FormatError(f"boot state: variables are {', '.join(names) or 'none'}")
    return {name: value for name, _equals, value in pairs}


def _matching(pattern: re.Pattern[str], values: Mapping[str, str], name: str) -> str:
    if not pattern.fullmatch(values[name]):
        raise FormatError(f"boot state: {name} '{values[name]}' is not a number of it")
    return values[name]
