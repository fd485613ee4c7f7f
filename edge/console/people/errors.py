"""Why somebody is not let in: never so exactly that he learns who is known here."""

from edge.errors import EdgeError


class NotLetInError(EdgeError):
    """Name and password, or a link, let nobody in."""


class TooOftenError(EdgeError):
    """Too many attempts.

    Attributes:
        wait_s: After how many seconds another one is looked at.
    """

    def __init__(self, wait_s: int) -> None:
        super().__init__("too many attempts", hint=f"try again in {wait_s} s")
        self.wait_s = wait_s
