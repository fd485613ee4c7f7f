"""The errors of pydantic in words that a person can act on."""

from collections.abc import Callable, Mapping
from typing import Any

from edge.strict.text import suggestion

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_SHOWN_AT_MOST = 40
# What YAML 1.1 took for booleans.
_OLD_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}

Words = tuple[str, str | None]


def worded(kind: str, value: object, context: Mapping[str, Any]) -> Words:
    """Return message and hint for an error of pydantic.

    Args:
        kind: The type of the error, as pydantic names it.
        value: What was written.
        context: The limits that pydantic names beside the error.
    """
    if kind in _TYPES:
        return _not_of_type(value, _TYPES[kind])
    if kind in _LIMITS:
        words, name = _LIMITS[kind]
        return f"{shown(value)} is too {_side(kind)}: it has to be {words} {context[name]}", None
    if kind == "multiple_of":
        return f"{shown(value)} is not a multiple of {context['multiple_of']}", None
    special = _SPECIAL.get(kind)
    return special(value, context) if special else (f"{shown(value)} does not fit here", None)


def shown(value: object) -> str:
    """Return a value as YAML words, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_AT_MOST else f"{text[: _SHOWN_AT_MOST - 3]}..."


def _not_of_type(value: object, wanted: str) -> Words:
    hint = None
    if wanted == "text" and isinstance(value, int | float):
        hint = f'write "{shown(value)}" in quotes'
    if wanted == "true or false" and isinstance(value, str) and value.lower() in _OLD_BOOLEANS:
        hint = f"write {_OLD_BOOLEANS[value.lower()]}"
    if wanted == "a list" and not isinstance(value, dict | list | None):
        hint = f"write [{value}] for a list of one"
    if value is None:
        return f"a value is missing here: {wanted}", "remove the key, or write its value"
    return f"{shown(value)} is not {wanted}", hint


def _side(kind: str) -> str:
    return "small" if kind.startswith("greater") else "large"


def _choice(value: object, context: Mapping[str, Any]) -> Words:
    names = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
    if not isinstance(value, str):
        return f"{shown(value)} is not one of {', '.join(names)}", None
    return f"{shown(value)} is not one of {', '.join(names)}", suggestion(
        value, names, what="choices"
    )


def _too_short(value: object, context: Mapping[str, Any]) -> Words:
    what = "the text is" if isinstance(value, str) else "the list is"
    return f"{what} empty" if not value else f"{what} too short", None


def _too_long(value: object, context: Mapping[str, Any]) -> Words:
    unit = "letters" if isinstance(value, str) else "values"
    return f"more than {context['max_length']} {unit}", None


def _fraction(value: object, context: Mapping[str, Any]) -> Words:
    return _not_of_type(value, "a whole number")


_SPECIAL: dict[str, Callable[[object, Mapping[str, Any]], Words]] = {
    "enum": _choice,
    "literal_error": _choice,
    "string_too_short": _too_short,
    "too_short": _too_short,
    "string_too_long": _too_long,
    "too_long": _too_long,
    "int_from_float": _fraction,
}
