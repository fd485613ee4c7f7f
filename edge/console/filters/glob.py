"""Patterns with `*` and `?`; capital and small letters of ASCII are the same in them."""

import re
from typing import Final

STARS_MOST: Final = 16
_SMALL: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_STARS: Final = re.compile(r"\*+")
LIKE_ESCAPE: Final = "\\"
_LIKE: Final = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\", "*": "%", "?": "_"})


def folded(text: str) -> str:
    """Return a text with small letters for the capital ones of ASCII."""
    return text.translate(_SMALL)


def is_like(text: str, pattern: str) -> bool:
    """Whether a pattern fits the whole of a text; takes at most their lengths' product of steps."""
    text, pattern = folded(text), folded(pattern)
    at = place = 0
    star, resumed = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, resumed = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resumed += 1
            at, place = resumed, star + 1
        else:
            return False
    return pattern[place:].strip("*") == ""


def prefixes(pattern: str, letters_most: int) -> list[str]:
    """Return how texts that a pattern fits can begin, in order; empty if in any way.

    Args:
        pattern: The pattern.
        letters_most: Only so far that there are no more letters, each of which may be a capital.
    """
    found, letters = [""], 0
    for sign in folded(pattern):
        is_letter = "a" <= sign <= "z"
        letters += is_letter
        if sign in "*?" or letters > letters_most:
            break
        ways = (sign.upper(), sign) if is_letter else (sign,)
        found = [begun + way for begun in found for way in ways]
    return sorted(found) if found != [""] else []


def as_like(pattern: str) -> str:
    """Return a pattern for LIKE with `LIKE_ESCAPE`, against texts that are folded."""
    return _STARS.sub("*", folded(pattern)).translate(_LIKE)
