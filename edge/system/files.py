"""The files that a system or a service puts in its image."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from edge.strict.formats import InnerPath, Mode, Text
from edge.strict.model import StrictModel, wrong
from edge.system.settings import User

_CONTENTS = ("source", "contents", "symlink", "directory")


def _source(text: str) -> str:
    if "\0" in text or "\n" in text:
        raise wrong("the source is not the path of a file")
    return text


SourcePath = Annotated[Text, AfterValidator(_source)]


class PackagedFile(StrictModel):
    """A file, folder or link: exactly one of `source`, `contents`, `symlink`, `directory: true`.

    `source` is a path on the host, relative to the file that names it. `contents` alone may be
    empty text. A mode that is not written is 0644 for a file and 0755 for a folder.
    """

    file_mode: ClassVar[int] = 0o644
    folder_mode: ClassVar[int] = 0o755

    path: InnerPath
    source: SourcePath | None = None
    contents: str | None = None
    symlink: Text | None = None
    directory: bool = False
    mode: Mode | None = None
    uid: User = 0
    gid: User = 0

    @model_validator(mode="after")
    def _one_kind(self) -> "PackagedFile":
        given = self.kinds
        if len(given) != 1:
            found = " and ".join(given) if given else "none of them"
            raise wrong(f"exactly one of {', '.join(_CONTENTS)} is needed, found {found}")
        if self.symlink is not None and self.mode is not None:
            raise wrong("a symlink has no mode", "remove the key 'mode'")
        return self

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which of the keys for the contents are given."""
        return tuple(name for name in _CONTENTS if getattr(self, name) not in (None, False))

    @property
    def permissions(self) -> int:
        """The mode as a number: as written, else the default of its kind."""
        if self.symlink is not None:
            return 0o777
        if self.mode is not None:
            return self.mode
        return self.folder_mode if self.directory else self.file_mode


class SystemFile(PackagedFile):
    """A file of system.yml; a mode that is not written is 0600, or 0700 for a folder (LinuxKit)."""

    file_mode: ClassVar[int] = 0o600
    folder_mode: ClassVar[int] = 0o700
    not_yet: ClassVar[frozenset[str]] = frozenset({"metadata"})

    metadata: Literal["yaml", "json"] | None = None
    optional: bool = Field(default=False)
