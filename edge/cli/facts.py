"""What the console says of one thing, for people: a name and a text a line."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime


def lines(found: Mapping[str, object], *, width: int) -> Iterator[str]:
    """Give a line for each fact that is there, its name right in `width` columns."""
    for name, value in found.items():
        if value is False or value not in ("", 0, None, [], {}):
            yield f"{name.removesuffix('_s'):>{width}}  {_text(name, value)}"


def _text(name: str, value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return " ".join(f"{key}={one}" for key, one in value.items())
        case list():
            return " ".join(str(one) for one in value)
        case int() if name.endswith("_s"):
            return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
        case _:
            return str(value)
