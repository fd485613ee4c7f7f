"""A filter that was understood, as a tree."""

from dataclasses import dataclass

from edge.console.filters.fields import Field, Operator


@dataclass(frozen=True, slots=True)
class Compare:
    """One field against one value.

    Attributes:
        attribute: Its name if the field is an attribute or a service, else empty.
        value: A text or glob; seconds of an age, None for never; a flag.
    """

    field: Field
    operator: Operator
    value: str | int | bool | None
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Both:
    """All of the parts; each device if there is none."""

    parts: tuple["Term", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the parts at least."""

    parts: tuple["Term", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What the part is not."""

    part: "Term"


Term = Compare | Both | Either | Not
EVERYTHING = Both(())
