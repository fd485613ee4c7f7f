"""The order of versions, as texts whose order by bytes is that of the versions.

So a database compares them with an index. A version is a row of numbers and words:

- numbers count as numbers: 1.9 < 1.10; a missing one is 0: 1.2 = 1.2.0;
- dev, alpha (a1), beta (b1), pre (preview), rc come before what they lead to: 1.2-rc.1 < 1.2;
- other words, and numbers after `-` or `+`, come after it, and before the next number:
  1.2 < 1.2-5-gabc < 1.2.1, 1.0.2 < 1.0.2k < 1.0.3.
"""

import re
from typing import Final

_PART: Final = re.compile(r"[0-9]+|[A-Za-z]+")
_PREFIX: Final = re.compile(r"[vV](?=[0-9])")
_EARLY: Final = {
    "dev": "0",
    "alpha": "1",
    "beta": "2",
    "pre": "3",
    "preview": "3",
    "rc": "4",
}
_EARLY_BEFORE_NUMBER: Final = {"a": "1", "b": "2", "c": "4"}
_END: Final = "5"
_WORD: Final = "6"
_LATER_NUMBER: Final = "7"
_NUMBER: Final = "8"
_ZERO: Final = f"{_NUMBER}00"
_WORD_END: Final = "!"  # before all letters


def key(version: str) -> str:
    """Return a text that sorts as the version; empty for an empty one."""
    if not version:
        return ""
    version = _PREFIX.sub("", version, count=1) if _PREFIX.match(version) else version
    parts: list[str] = []
    before = 0
    for found in _PART.finditer(version):
        if found[0][0].isdigit():
            parts.append(_number(found[0], version[before : found.start()], parts))
        else:
            parts.append(_word(found[0].lower(), version[found.end() : found.end() + 1]))
        before = found.end()
    return "".join([*_without_zeros(parts), _END])


def _number(digits: str, between: str, parts: list[str]) -> str:
    digits = digits.lstrip("0")
    is_early = bool(parts) and parts[-1] in _EARLY.values()
    is_later = bool(parts) and not is_early and ("-" in between or "+" in between)
    return f"{_LATER_NUMBER if is_later else _NUMBER}{len(digits):02}{digits}"


def _word(word: str, after: str) -> str:
    early = _EARLY.get(word)
    if early is None and "0" <= after <= "9":
        early = _EARLY_BEFORE_NUMBER.get(word)
    return early or f"{_WORD}{word}{_WORD_END}"


def _without_zeros(parts: list[str]) -> list[str]:
    """Drop numbers that are 0 where no number follows: 1.2.0-rc is 1.2-rc."""
    kept: list[str] = []
    for part in reversed(parts):
        if part != _ZERO or (kept and kept[-1].startswith(_NUMBER)):
            kept.append(part)
    return kept[::-1]
