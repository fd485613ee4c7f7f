"""From text to a tree: `state=accepted and not (version<1.2 or tag:spare)`.

    filter  = [ either ]
    either  = both { "or" both }
    both    = one { "and" one }
    one     = "not" one | "(" either ")" | test
    test    = field operator value | field [ "not" ] "in" "(" value { "," value } ")" | flag

Operators are `= != < <= > >= ~ !~` and `:`, which is `=`. Words and/or/not/in are read in any case.
"""

import re
from collections.abc import Callable
from typing import Final

from edge.console.filters import values
from edge.console.filters.errors import FilterError
from edge.console.filters.fields import (
    ATTRIBUTE,
    ATTRIBUTE_PREFIX,
    FIELDS,
    SERVICE,
    SERVICE_PREFIX,
    Field,
    Kind,
    Operator,
)
from edge.console.filters.terms import EVERYTHING, Both, Compare, Either, Not, Term
from edge.console.filters.tokens import Sort, Token, tokens
from edge.console.filters.values import WrongValueError
from edge_signing.running import SERVICE as _SERVICE

# What may be at a place, for completion.
FIELD: Final = "field"
OPERATOR: Final = "operator"
VALUE: Final = "value"
_JOINS: Final = ("and", "or")
_WORDS: Final = ("and", "or", "not", "in")
_OPERATORS: Final = {
    **{one.value: (one, False) for one in Operator},
    ":": (Operator.EQUAL, False),
    "!=": (Operator.EQUAL, True),
    "!~": (Operator.LIKE, True),
}
_ATTRIBUTE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
DEPTH_MOST: Final = 32
TESTS_MOST: Final = 200


def parse(text: str) -> Term:
    """Return the tree of a filter; an empty one is all devices.

    Raises:
        FilterError: It can not be understood.
    """
    return _Parser(text).whole()


class _Parser:
    """Reads the tokens of one text from left to right.

    Attributes:
        field: The one of the last test that was begun, for completion.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._now = next(self._tokens)
        self._tests = 0
        self._depth = 0
        self.field: Field | None = None

    def whole(self) -> Term:
        if self._is_end():
            return EVERYTHING
        found = self._either()
        if not self._is_end():
            raise self._wrong(f"{self._shown()} is not expected here", _JOINS)
        return found

    def _either(self) -> Term:
        parts = self._joined("or", self._both)
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Term:
        parts = self._joined("and", self._one)
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _joined(self, word: str, part: Callable[[], Term]) -> list[Term]:
        parts = [part()]
        while self._is_word(word):
            self._next()
            parts.append(part())
        return parts

    def _one(self) -> Term:
        if self._is_word("not"):
            self._next()
            return self._deeper(lambda: Not(self._one()))
        if self._is_sign("("):
            opened = self._next()
            found = self._deeper(self._either)
            if not self._is_sign(")"):
                reason = f"{self._shown()} is not expected here: the ( of column "
                reason += f"{opened.start + 1} is open"
                raise self._wrong(reason, (*_JOINS, ")"))
            self._next()
            return found
        return self._test()

    def _deeper(self, read: Callable[[], Term]) -> Term:
        self._depth += 1
        if self._depth > DEPTH_MOST:
            raise self._wrong(f"more than {DEPTH_MOST} levels of ( and not")
        found = read()
        self._depth -= 1
        return found

    def _test(self) -> Term:
        name = self._now
        field, attribute = self._field()
        self.field = field
        self._next()
        if self._is_word("not"):
            self._next()
            if not self._is_word("in"):
                raise self._wrong(f"{self._shown()} is not expected here", ("in",))
            return Not(self._list(field, attribute))
        if self._is_word("in"):
            return self._list(field, attribute)
        if self._now.sort is Sort.SIGN and self._now.value in _OPERATORS:
            return self._compare(field, attribute)
        if field.kind is Kind.FLAG:
            self._count(name)
            return Compare(field, Operator.EQUAL, True)
        reason = f"an operator is missing after {name.value!r}"
        raise self._wrong(reason, (OPERATOR,))

    def _field(self) -> tuple[Field, str]:
        name = self._now
        if name.sort is not Sort.WORD or name.value.lower() in _WORDS:
            reason = f"{self._shown()} is not expected here: a field is"
            raise self._wrong(reason, (FIELD, "not", "("))
        if name.value.startswith(ATTRIBUTE_PREFIX):
            attribute = name.value.removeprefix(ATTRIBUTE_PREFIX)
            if not _ATTRIBUTE.fullmatch(attribute):
                raise self._wrong(f"{attribute!r} can not name an attribute")
            return ATTRIBUTE, attribute
        if name.value.startswith(SERVICE_PREFIX):
            service = name.value.removeprefix(SERVICE_PREFIX)
            if not _SERVICE.fullmatch(service):
                raise self._wrong(f"{service!r} can not name a service")
            return SERVICE, service
        field = FIELDS.get(name.value.lower())
        if field is None:
            raise self._refused(values.unknown_field(name.value))
        return field, ""

    def _compare(self, field: Field, attribute: str) -> Term:
        operator, is_not = _OPERATORS[self._now.value]
        try:
            values.check_operator(field, operator)
        except WrongValueError as error:
            raise self._refused(error) from error
        self._next()
        found = self._value(field, attribute, operator)
        return Not(found) if is_not else found

    def _list(self, field: Field, attribute: str) -> Term:
        self._next()
        if not self._is_sign("("):
            raise self._wrong(f"{self._shown()} is not expected here: a list is", ("(",))
        found: list[Term] = []
        while not found or self._is_sign(","):
            self._next()
            found.append(self._value(field, attribute, Operator.EQUAL))
        if not self._is_sign(")"):
            raise self._wrong(f"{self._shown()} is not expected here: the list is open", (",", ")"))
        self._next()
        return Either(tuple(found))

    def _value(self, field: Field, attribute: str, operator: Operator) -> Term:
        token = self._now
        is_quoted = token.sort is Sort.QUOTED
        if token.sort not in (Sort.WORD, Sort.QUOTED):
            raise self._wrong(f"{self._shown()} is not expected here: a value is", (VALUE,))
        try:
            value = values.read(field, operator, token.value, is_quoted=is_quoted)
        except WrongValueError as error:
            raise self._refused(error) from error
        if field is SERVICE:  # its releases are called web+1.1.0
            value = str(value).removeprefix(f"{attribute}+")
        self._count(token)
        self._next()
        return Compare(field, operator, value, attribute)

    def _count(self, token: Token) -> None:
        self._tests += 1
        if self._tests > TESTS_MOST:
            reason = f"more than {TESTS_MOST} tests"
            raise FilterError(reason, text=self._text, start=token.start, end=token.end)

    def _next(self) -> Token:
        before, self._now = self._now, next(self._tokens)
        return before

    def _is_end(self) -> bool:
        return self._now.sort is Sort.END

    def _is_word(self, word: str) -> bool:
        return self._now.sort is Sort.WORD and self._now.value.lower() == word

    def _is_sign(self, sign: str) -> bool:
        return self._now.sort is Sort.SIGN and self._now.value == sign

    def _shown(self) -> str:
        return "the end" if self._is_end() else repr(self._now.value)

    def _refused(self, error: WrongValueError) -> FilterError:
        return self._wrong(error.reason, hint=error.hint)

    def _wrong(
        self, reason: str, expects: tuple[str, ...] = (), *, hint: str | None = None
    ) -> FilterError:
        start, end = self._now.start, self._now.end
        return FilterError(
            reason, text=self._text, start=start, end=end, hint=hint, expects=expects
        )


def expected(text: str) -> tuple[tuple[str, ...], Field | None]:
    """Return what may follow a text, and the field of its last test; nothing after a mistake."""
    try:
        parser = _Parser(text)
    except FilterError:
        return (), None
    try:
        parser.whole()
    except FilterError as error:
        return (error.expects if error.start == len(text) else ()), parser.field
    if not text.strip():
        return (FIELD, "not", "("), None
    return _JOINS, parser.field
