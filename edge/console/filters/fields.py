"""The fields that filters know, and what may be said of each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.console.devices import states


class Operator(StrEnum):
    """How a field is compared."""

    EQUAL = "="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    LIKE = "~"


class Kind(StrEnum):
    """What the values of a field are."""

    TEXT = "text"
    VERSION = "version"
    AGE = "age"
    FLAG = "flag"
    SET = "set"
    ATTRIBUTE = "attribute"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Field:
    """A field by its name.

    Attributes:
        what: It in a few words, for help and for completion.
        choices: All values that it can have; empty if they are many.
    """

    name: str
    kind: Kind
    what: str
    choices: tuple[str, ...] = ()


# One field for each attribute of devices, `attr.site`, and for each service, `service.web`.
ATTRIBUTE_PREFIX: Final = "attr."
SERVICE_PREFIX: Final = "service."
NEVER: Final = "never"

FIELDS: Final = {
    one.name: one
    for one in (
        Field("id", Kind.TEXT, "name of the device"),
        Field("state", Kind.TEXT, "where it is in its life", states.NAMES),
        Field("board", Kind.TEXT, "board that it is"),
        Field("product", Kind.TEXT, "product that it runs"),
        Field("version", Kind.VERSION, "version that it runs"),
        Field("slot", Kind.TEXT, "slot that it runs from", ("a", "b")),
        Field("phase", Kind.TEXT, "what its agent does"),
        Field("reason", Kind.TEXT, "why nothing goes on, or what failed last"),
        Field("online", Kind.FLAG, "whether it is connected now", ("yes", "no")),
        Field("seen", Kind.AGE, "how long ago it was heard"),
        Field("enrolled", Kind.AGE, "how long ago it was let in"),
        Field("tag", Kind.SET, "tags that it has"),
        Field("group", Kind.SET, "groups that it is in"),
        Field("service", Kind.SET, "services that it updates in place"),
        Field("line", Kind.SET, "factory line that made it"),
        Field("station", Kind.SET, "station of that line"),
        Field("order", Kind.SET, "order that it was made for"),
    )
}
ATTRIBUTE: Final = Field("attr", Kind.ATTRIBUTE, "what it, or a person, says of it: attr.NAME")
SERVICE: Final = Field("service.", Kind.SERVICE, "version that it runs of one: service.NAME")

_ORDER: Final = (Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST)
OPERATORS: Final[dict[Kind, tuple[Operator, ...]]] = {
    Kind.TEXT: (Operator.EQUAL, Operator.LIKE),
    Kind.VERSION: (Operator.EQUAL, *_ORDER, Operator.LIKE),
    Kind.AGE: (*_ORDER, Operator.EQUAL),
    Kind.FLAG: (Operator.EQUAL,),
    Kind.SET: (Operator.EQUAL, Operator.LIKE),
    Kind.ATTRIBUTE: (Operator.EQUAL, Operator.LIKE),
    Kind.SERVICE: (Operator.EQUAL, *_ORDER, Operator.LIKE),
}
