"""A time of the day that an order names: `02:00-04:00`, in the local time of whoever reads it."""

import re
from dataclasses import dataclass
from typing import Final

from edge_signing.errors import FormatError
from edge_signing.fields import Fields

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Hours:
    """A time of the day, every day; one that ends before it begins goes over midnight.

    Attributes:
        begin_min: Minutes after midnight.
        end_min: Minutes after midnight, not part of it.

    Raises:
        FormatError: It ends as it begins, so that it would never be.
    """

    begin_min: int
    end_min: int

    def __post_init__(self) -> None:
        if self.begin_min == self.end_min:
            raise FormatError(f"the hours {self} are none: they end as they begin")

    def __str__(self) -> str:
        return f"{clock_time(self.begin_min)}-{clock_time(self.end_min)}"

    def object(self) -> dict[str, object]:
        """Return it as a part of a message."""
        return {"from": clock_time(self.begin_min), "to": clock_time(self.end_min)}

    @classmethod
    def read(cls, fields: Fields) -> "Hours":
        """Return what a part of a message says.

        Raises:
            FormatError: It is no time of the day.
        """
        hours = cls(minute(fields, "from"), minute(fields, "to"))
        fields.end()
        return hours

    @classmethod
    def parse(cls, text: str) -> "Hours":
        """Return what a person wrote: `02:00-04:00`.

        Raises:
            FormatError: It is no time of the day.
        """
        begin, _line, end = text.partition("-")
        return cls.read(Fields({"from": begin, "to": end}, f"hours {text!r}"))


def clock_time(minutes: int) -> str:
    """Return minutes after midnight as a clock shows them."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def minute(fields: Fields, name: str) -> int:
    """Take a time as a clock shows it, and return the minutes after midnight."""
    hours, minutes = fields.text(name, _TIME).split(":")
    return int(hours) * 60 + int(minutes)
