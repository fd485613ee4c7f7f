"""Time zones by name, as the one line that a device without a time zone database understands.

Source: RFC 9636, section 3.3 (the footer of a TZif file is a POSIX TZ string).
"""

import re
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge.errors import InputError
from edge.strict.text import suggestion

_NAME: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")
_FOOTER: Final = re.compile(rb"TZif[2-9].*\n([-A-Za-z0-9<>+,.:/]{3,64})\n", re.DOTALL)


def posix(name: str) -> str:
    """Return the POSIX TZ string of a zone, such as `CET-1CEST,M3.5.0,M10.5.0/3`.

    Raises:
        InputError: There is no such zone, or its rules have no such form.
    """
    file = next(_files(name), None) if _NAME.fullmatch(name) else None
    if file is None:
        known = zoneinfo.available_timezones()
        hint = suggestion(name, known) if known else "this machine has no time zones: install them"
        raise InputError(
            f"there is no time zone {name!r}", hint=hint if len(hint) < 200 else "like Europe/Paris"
        )
    found = _FOOTER.fullmatch(file.read_bytes())
    if not found:
        raise InputError(f"the rules of the time zone {name!r} can not be told to a device")
    return found[1].decode()


def _files(name: str) -> Iterator[Path]:
    for folder in zoneinfo.TZPATH:
        if (file := Path(folder) / name).is_file():
            yield file
