"""What is wrong with a filter, and where."""

from edge.errors import InputError


class FilterError(InputError):
    """A filter can not be understood.

    Args:
        text: The whole filter.
        start: Where the mistake begins, counted in letters from 0.
        end: The letter behind it.
        expects: What could be there, for completion: names of `edge.console.filters.parse`.
    """

    def __init__(
        self,
        reason: str,
        *,
        text: str,
        start: int,
        end: int,
        hint: str | None = None,
        expects: tuple[str, ...] = (),
    ) -> None:
        self.reason, self.text, self.start, self.end = reason, text, start, end
        self.expects = expects
        super().__init__(f"{self.line}:{self.column}: {reason}\n{self.marked}", hint=hint)

    @property
    def line(self) -> int:
        """The line of the mistake, from 1."""
        return self.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """The column of the mistake, from 1."""
        return self.start - self.text.rfind("\n", 0, self.start)

    @property
    def marked(self) -> str:
        """The line of the mistake, and marks below it."""
        begin = self.start - self.column + 1
        line = self.text[begin:].partition("\n")[0].replace("\t", " ")
        length = min(max(self.end - self.start, 1), max(len(line) - self.column + 1, 1))
        return f"  {line}\n  {' ' * (self.column - 1)}{'^' * length}"
