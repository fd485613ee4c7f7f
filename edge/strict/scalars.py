"""What an unquoted word of YAML means here: YAML 1.2, less all that other readers read otherwise.

Source: YAML 1.2.2, section 10.3.2 (core schema), and YAML 1.1, sections bool and int.
"""

import math
import re
from dataclasses import dataclass
from typing import TypeAlias

_WORD_AT_MOST = 20  # letters: longer is larger than any number that a file may hold
_NUMBER_AT_MOST = 2**64 - 1
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)", re.ASCII)
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
# YAML 1.1 has a dot in every fraction and a sign in every exponent.
_OLD_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+][0-9]+)?", re.ASCII)
_OCTAL = re.compile(r"[-+]?0o?[0-7]+", re.ASCII)
_OTHERWISE = re.compile(r"[-+]?(0[0-9]+|0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*_[0-9_]*)", re.ASCII)
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN)")

Scalar: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A word that two readers of YAML read as two things; refused."""

    message: str
    hint: str


def meaning(word: str) -> Scalar | Ambiguous:
    """Return the value of an unquoted word, or why it is refused."""
    if word in _NULL:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    return _number(word)


def _number(word: str) -> Scalar | Ambiguous:
    if _INTEGER.fullmatch(word) or _HEXADECIMAL.fullmatch(word):
        return _whole(word)
    if _OCTAL.fullmatch(word):
        return Ambiguous(
            f"{word!r} is an octal number for some readers of YAML",
            f'a file mode is text: write "{word.replace("o", "")}" in quotes',
        )
    if _OTHERWISE.fullmatch(word) or (_FLOAT.fullmatch(word) and not _OLD_FLOAT.fullmatch(word)):
        return Ambiguous(
            f"{word!r} is a number for some readers of YAML and text for others",
            f'write the plain number, or "{word}" in quotes if text is meant',
        )
    if _NO_NUMBER.fullmatch(word):
        return Ambiguous(f"{word!r} is no number that can be used", "write a plain number")
    return _fraction(word) if _FLOAT.fullmatch(word) else word


def _whole(word: str) -> int | Ambiguous:
    number = int(word, 16 if "x" in word else 10) if len(word) <= _WORD_AT_MOST else None
    return _too_long(word) if number is None or abs(number) > _NUMBER_AT_MOST else number


def _fraction(word: str) -> float | Ambiguous:
    value = float(word)
    return value if math.isfinite(value) else _too_long(word)


def _too_long(word: str) -> Ambiguous:
    shown = word if len(word) <= 24 else f"{word[:20]}..."
    return Ambiguous(f"the number {shown} is too large", f'write "{shown}" in quotes if it is text')
