"""The attributes that devices say of themselves. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from edge.console.ddi import words
from edge_signing.errors import FormatError

Mode = Literal["merge", "replace", "remove"]
MODES: Final[tuple[Mode, ...]] = ("merge", "replace", "remove")
MOST: Final = 100
LENGTH_MOST: Final = 128
# What is known of every device, if such a device says it under these names.
KNOWN: Final = ("board", "product", "version")
_KNOWN_VALUE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")


@dataclass(frozen=True, slots=True)
class ConfigData:
    """What a device says.

    Attributes:
        mode: Whether the other attributes stay, or go, or these do.
    """

    mode: Mode
    data: Mapping[str, str]

    @property
    def known(self) -> dict[str, str]:
        """What of it is known of every device; nothing of what could not be shown as such."""
        if self.mode == "remove":
            return {}
        found = {name: self.data[name] for name in KNOWN if name in self.data}
        return {name: value for name, value in found.items() if _KNOWN_VALUE.fullmatch(value)}

    def after(self, before: Mapping[str, str]) -> dict[str, str]:
        """Return the attributes of a device that had these before."""
        match self.mode:
            case "merge":
                return {**before, **self.data}
            case "replace":
                return dict(self.data)
            case "remove":
                return {name: value for name, value in before.items() if name not in self.data}


def read(body: bytes) -> ConfigData:
    """Return what a body says.

    Raises:
        FormatError: It is something else, or a name or value is too long.
    """
    said = words.opened(body)
    mode = words.text(said, "mode").lower() or "merge"
    for known in MODES:
        if known == mode:
            return ConfigData(known, dict(map(_pair, words.part(said, "data").items())))
    raise FormatError(f"mode: not one of {', '.join(MODES)}")


def _pair(pair: tuple[str, Any]) -> tuple[str, str]:
    name, value = pair
    match value:
        case bool():
            said = str(value).lower()
        case str() | int() | float():
            said = str(value)
        case _:
            raise FormatError("data: a value is no text")
    if not 1 <= len(name) <= LENGTH_MOST or len(said) > LENGTH_MOST:
        raise FormatError(f"data: a name or value has not 1 to {LENGTH_MOST} characters")
    return words.line(name), words.line(said)
