"""How hard payloads may be compressed, by name; see `coding`."""

from typing import Final, Literal

Level = Literal["fast", "release"]

LEVELS: Final[tuple[Level, ...]] = ("fast", "release")
