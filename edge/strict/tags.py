"""What a tag of YAML's own says of a value: `!!str 1` is text, `!!binary` is base64.

Source: YAML 1.2.2, section 10 (the schemas' tags); YAML 1.1, type binary. Any other tag has no
meaning that every reader knows, and is refused.
"""

import base64
import binascii
from collections.abc import Callable

from edge.strict.scalars import Ambiguous, Scalar, meaning

_PREFIX = "tag:yaml.org,2002:"
NOT_SPECIFIC = "!"
MAPPING, SEQUENCE = f"{_PREFIX}map", f"{_PREFIX}seq"


def shown(tag: str) -> str:
    """Return a tag as it is written."""
    return f"!!{tag.removeprefix(_PREFIX)}" if tag.startswith(_PREFIX) else tag


def unknown(tag: str) -> Ambiguous:
    """Return why a tag is refused."""
    return Ambiguous(f"the tag {shown(tag)!r} is not read", "remove the tag")


def tagged(tag: str, word: str) -> Scalar | Ambiguous:
    """Return the value of a word with a tag, or why it is refused."""
    if tag in (NOT_SPECIFIC, f"{_PREFIX}str"):
        return word
    if tag == f"{_PREFIX}binary":
        return _decoded(word)
    fits = _KINDS.get(tag.removeprefix(_PREFIX)) if tag.startswith(_PREFIX) else None
    if fits is None:
        return unknown(tag)
    value = meaning(word)
    if isinstance(value, Ambiguous) or fits(value):
        return value
    return Ambiguous(f"{word!r} is not what the tag {shown(tag)!r} says", "remove the tag")


def _decoded(word: str) -> str | Ambiguous:
    try:
        return base64.b64decode("".join(word.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return Ambiguous(
            "this is not base64 of text in UTF-8", "put other bytes in a file, and name it"
        )


def _is_whole(value: Scalar) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_KINDS: dict[str, Callable[[Scalar], bool]] = {
    "int": _is_whole,
    "float": lambda value: _is_whole(value) or isinstance(value, float),
    "bool": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
