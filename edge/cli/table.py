"""Tables and sizes for people."""

from collections.abc import Collection, Sequence

_UNITS = ("KiB", "MiB", "GiB", "TiB")
_STEP = 1024


def human(size_bytes: int) -> str:
    """Return a size in the unit that suits it: `820 B`, `1.5 KiB`, `47.5 MiB`."""
    if size_bytes < _STEP:
        return f"{size_bytes} B"
    value = size_bytes / _STEP
    units = list(_UNITS)
    # What would be written as 1024.0 is one of the next unit.
    while round(value, 1) >= _STEP and units[1:]:
        value /= _STEP
        del units[0]
    return f"{value:.1f} {units[0]}"


def visible(text: str, *, keep: str = "") -> str:
    r"""Return a text of strangers in characters that play no tricks on a terminal: `\x1b`.

    Args:
        text: Whatever it is.
        keep: What stays as it is besides, like the ends of lines.
    """
    return "".join(one if one.isprintable() or one in keep else ascii(one)[1:-1] for one in text)


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()
) -> list[str]:
    """Return the lines of a table.

    Args:
        head: The names of the columns.
        rows: As many cells each as there are names.
        right: The numbers of the columns whose cells stand at the right, from 0.
    """
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return ["  ".join(_cells(line, widths, right)).rstrip() for line in lines]


def _cells(line: Sequence[str], widths: Sequence[int], right: Collection[int]) -> list[str]:
    return [
        cell.rjust(width) if column in right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
