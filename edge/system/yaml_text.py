"""Plain values as YAML, indented as Go's yaml.v2 does, with which LinuxKit writes.

Text is without quotes where no reader takes it for anything else.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from edge.strict import scalars

_INDENT = 2
_PLAIN = re.compile(r"[A-Za-z0-9_./$(][A-Za-z0-9_./$+@=,:;()%<>\[\] -]*|-[A-Za-z0-9.=-]+", re.ASCII)
_COMMENT = re.compile(r"\s#|: |:$|\s$")
_OLD_WORDS = frozenset(("y", "n", "yes", "no", "on", "off"))


def yaml_text(value: dict[str, Any]) -> str:
    """Return a mapping as a YAML document."""
    return "".join(f"{line}\n" for line in _mapping(value, 0))


def _mapping(value: dict[str, Any], indent: int) -> Iterator[str]:
    for key, inner in value.items():
        yield from _entry(f"{' ' * indent}{_scalar(key)}:", inner, indent)


def _entry(start: str, inner: Any, indent: int) -> Iterator[str]:
    deeper = indent + _INDENT
    if isinstance(inner, dict) and inner:
        yield start
        yield from _mapping(inner, deeper)
    elif isinstance(inner, list) and inner:
        yield start
        for item in inner:
            yield from _item(item, indent)
    elif isinstance(inner, str) and _is_block(inner):
        lines = inner.split("\n")
        last = {"": ""}.get(lines[-1], "-")
        yield f"{start} |{last}"
        body = lines[:-1] if not lines[-1] else lines
        yield from (f"{' ' * deeper}{line}" if line else "" for line in body)
    else:
        yield f"{start} {_scalar(inner)}"


def _item(item: Any, indent: int) -> Iterator[str]:
    if isinstance(item, list) and item:
        yield f"{' ' * indent}-"
        for inner in item:
            yield from _item(inner, indent + 2)
        return
    if not isinstance(item, dict) or not item:
        yield from _entry(f"{' ' * indent}-", item, indent)
        return
    lines = _mapping(item, indent + 2)
    yield f"{' ' * indent}- {next(lines).lstrip(' ')}"
    yield from lines


def _is_block(text: str) -> bool:
    """Say whether text of several lines stays the same in a literal block."""
    if "\n" not in text or text.endswith("\n\n") or text[0] in " \n\t":
        return False
    return all(letter == "\n" or letter.isprintable() for letter in text)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    is_text = isinstance(scalars.meaning(value), str) and value.lower() not in _OLD_WORDS
    if is_text and _PLAIN.fullmatch(value) and not _COMMENT.search(value):
        return str(value)
    return _quoted(value)


def _quoted(text: str) -> str:
    """Return text in double quotes, with what cannot be printed as escapes that YAML knows."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)
