"""Settings of U-Boot as they lie in flash, for the emulator.

Source: U-Boot 2025.01, include/env_internal.h `env_t` without redundancy; CONFIG_ENV_SIZE of
Debian's qemu_arm64 build.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from construct import CString, FixedSized, RepeatUntil, Struct

from edge_signing.formats.record import Record, crc32_sealed

ENVIRONMENT_BYTES: Final = 0x40000
_CRC_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class FlashEnvironment(Record):
    """`name=value` strings, ended by an empty one; zeros follow."""

    LAYOUT: ClassVar[Any] = crc32_sealed(
        FixedSized(
            ENVIRONMENT_BYTES - _CRC_BYTES,
            Struct(
                "strings" / RepeatUntil(lambda text, _all, _context: not text, CString("ascii"))
            ),
        )
    )

    strings: tuple[str, ...]


def flash_image(settings: Mapping[str, str]) -> bytes:
    """Return the bytes of the environment, as U-Boot reads it.

    Raises:
        FormatError: The settings do not fit, or are not ASCII.
    """
    return FlashEnvironment((*(f"{name}={value}" for name, value in settings.items()), "")).pack()
