"""What becomes of a record that a line tells a console; nothing else of the console is needed."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a record.

    `new`: the first of its device. `same`: it was here. `newer`: it counts in place of the one
    before. `older`: one that is here counts. `conflict`: it is stored and shown, and changes
    nothing. `refused`: it is not stored; sent again, it may be taken.
    """

    NEW = "new"
    SAME = "same"
    NEWER = "newer"
    OLDER = "older"
    CONFLICT = "conflict"
    REFUSED = "refused"
