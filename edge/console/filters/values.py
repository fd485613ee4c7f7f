"""What is written after an operator, as the value of a field."""

import re
from typing import Final

from edge.console.filters import glob
from edge.console.filters.fields import FIELDS, NEVER, OPERATORS, Field, Kind, Operator
from edge.strict.text import suggestion

AGE: Final = re.compile(r"([0-9]{1,9})([smhdw])")
UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
YES: Final = ("yes", "true")
NO: Final = ("no", "false")
_GLOB: Final = re.compile(r"[*?]")

Value = str | int | bool | None


class WrongValueError(ValueError):
    """A value does not fit its field.

    Args:
        reason: What is wrong with it.
        hint: What to write instead.
    """

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


def check_operator(field: Field, operator: Operator) -> None:
    """Refuse an operator that a field does not have.

    Raises:
        WrongValueError: It is such a one.
    """
    known = OPERATORS[field.kind]
    if operator not in known:
        hint = f"it is compared by {' '.join(known)}"
        raise WrongValueError(f"{field.name!r} has no {operator.value!r}", hint)


def read(field: Field, operator: Operator, text: str, *, is_quoted: bool) -> Value:
    """Return what a text means as a value of a field.

    Raises:
        WrongValueError: It means nothing there.
    """
    match field.kind:
        case Kind.AGE:
            return _age(field, operator, text)
        case Kind.FLAG:
            return _flag(field, text)
        case _:
            if operator is Operator.LIKE:
                _check_pattern(text)
            else:
                _check_plain(field, text, is_quoted=is_quoted)
            return text


def _check_pattern(text: str) -> None:
    if text.count("*") > glob.STARS_MOST:
        raise WrongValueError(f"more than {glob.STARS_MOST} '*' in one pattern")


def _check_plain(field: Field, text: str, *, is_quoted: bool) -> None:
    if not is_quoted and _GLOB.search(text):
        raise WrongValueError(
            f"{text!r} is a pattern", f"write {field.name}~{text}, or the text in double quotes"
        )
    if field.choices and text not in field.choices:
        hint = suggestion(text, field.choices, what="it can be")
        raise WrongValueError(f"{field.name!r} is never {text!r}", hint)


def _age(field: Field, operator: Operator, text: str) -> int | None:
    if operator is Operator.EQUAL:
        if text.lower() != NEVER:
            raise WrongValueError(
                f"{field.name!r} can be equal to {NEVER!r} only, not to {text!r}",
                f"write {field.name}<{text} or {field.name}>{text}",
            )
        return None
    found = AGE.fullmatch(text)
    if not found:
        hint = "write an age as 90s, 30m, 12h, 2d or 6w"
        raise WrongValueError(f"{text!r} is no age", hint)
    return int(found[1]) * UNITS_S[found[2]]


def _flag(field: Field, text: str) -> bool:
    if text.lower() not in (*YES, *NO):
        raise WrongValueError(f"{field.name!r} is yes or no, not {text!r}")
    return text.lower() in YES


def unknown_field(name: str) -> WrongValueError:
    """Return the error for a field that there is not."""
    names = [*FIELDS, "attr.NAME"]
    return WrongValueError(f"there is no field {name!r}", suggestion(name, names, what="fields"))
