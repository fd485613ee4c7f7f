"""What is to be built: a system, for which board, in which formats, called what."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from edge.board import none
from edge.board.model import Board
from edge.errors import InputError
from edge.image import formats
from edge.image.clock_floor import CLOCK_FLOOR_S
from edge.image.formats import Format
from edge.image.inputs import LockPolicy
from edge.system.load import LoadedSystem

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")


@dataclass(frozen=True, slots=True)
class Order:
    """What the user asked for: `name` is what the system is called, `lock_file` pins its packages.

    `formats` without a disk need no board: `edge.board.none` stands for it.
    `clock_s` is a time that has passed, in seconds since 1970: a device without a clock starts
    there, and it is the date of the documents. `trusted_root` is the root metadata that the device
    trusts from its first start on; without one it takes no update. `counter` is for no way back.
    """

    system: LoadedSystem
    board: Board
    name: str
    version: str
    lock_file: Path
    policy: LockPolicy = field(default_factory=LockPolicy)
    clock_s: int = CLOCK_FLOOR_S
    trusted_root: bytes | None = None
    counter: int = 0
    formats: tuple[Format, ...] = formats.DEFAULT

    def __post_init__(self) -> None:
        """Refuse names that other tools would read as something else, and a disk without a board.

        Raises:
            InputError: The name or the version has other characters than those of file names, or
                the board is missing.
        """
        if formats.has_disk(self.formats) and self.board.name == none.NAME:
            raise InputError(
                "a disk image is for a board, and none is given",
                hint="give --board NAME (see: edge boards), or a --format that needs none: tar, …",
            )
        for word, value in (("name", self.name), ("version", self.version)):
            if not _WORD.fullmatch(value):
                raise InputError(
                    f"the {word} {value!r} is not made of letters, digits and . _ + -",
                    hint=f"give another with --{word}",
                )

    @property
    def seed(self) -> str:
        """What all identifiers of the image are made from: they stay between releases."""
        return f"{self.board.name}/{self.name}"
