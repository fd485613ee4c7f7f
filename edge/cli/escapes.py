"""What a record may do to the terminal of who looks at it: show and move, and nothing else.

Sequences that set titles, clipboards or fonts, or that ask the terminal for an answer, are left
out: they may be of anybody.

Source: ECMA-48 §5.4 (control sequences), §8.3 (their functions).
"""

import re
from typing import Final

TERM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
# Colours, moves, erasing, scrolling, insertion; `?` only for the cursor and the other screen.
_HARMLESS: Final = re.compile(r"\x1b\[(?:[0-9;:]*[A-HJKLMPSTXZ`adfm@]|\?(?:25|1049|7)[hl])")
_WHOLE: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # control sequences
    r"|[PX^_\]](?:[^\x07\x1b\x9c]|\x1b(?!\\))*(?:\x07|\x1b\\|\x9c)"  # strings
    r"|[ -/]*[0-Z\\`-~])"  # all others
)
_TEXT: Final = "\t\n\r\b\x07"
_KEPT_MOST: Final = 4096


class Harmless:
    """Text as it comes in pieces; a sequence may begin in one and end in another."""

    def __init__(self) -> None:
        self._left = ""

    def take(self, text: str) -> str:
        """Return what may be shown of a piece."""
        text = self._left + text
        self._left = ""
        shown, at = [], 0
        while at < len(text):
            one = text[at]
            if one != "\x1b":
                shown.append(one if one.isprintable() or one in _TEXT else "")
                at += 1
                continue
            found = _WHOLE.match(text, at)
            if found is None and len(text) - at < _KEPT_MOST:
                self._left = text[at:]
                break
            if found is not None and _HARMLESS.fullmatch(found[0]):
                shown.append(found[0])
            at = found.end() if found is not None else at + 1
        return "".join(shown)
