"""The files that a system or a service puts in its image."""

from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from edge.strict.formats import MODE_SCHEMA, InnerPath, OptionalText, Text, file_mode
from edge.strict.model import StrictModel, wrong
from edge.strict.wording import shown
from edge.system.settings import User

_CONTENTS = ("source", "contents", "symlink", "directory")


def _source(text: str) -> str:
    if "\0" in text or "\n" in text:
        raise wrong("the source is not the path of a file")
    if text.startswith(("http://", "https://")):
        raise wrong(f"{shown(text)}: files are not fetched", "fetch it first, and name the file")
    return text


def _optional_mode(value: object, info: ValidationInfo) -> int | None:
    return None if value == "" else file_mode(value, info)


SourcePath = Annotated[Text, AfterValidator(_source)]
OptionalSource = Annotated[str | None, AfterValidator(lambda text: _source(text) if text else None)]
# Empty text is as good as not written, as in LinuxKit.
OptionalMode = Annotated[
    int | None, PlainValidator(_optional_mode), WithJsonSchema({"anyOf": [MODE_SCHEMA]})
]


# What writes the whole system, as it was read, into the file.
Metadata = Annotated[Literal["yaml", "json", ""] | None, AfterValidator(lambda word: word or None)]


class PackagedFile(StrictModel):
    """A file, folder or link: exactly one of `source`, `contents`, `symlink`, `directory: true`.

    `source` is a path on the host, relative to the file that names it. `contents` alone may be
    empty text. A mode that is not written is 0644 for a file and 0755 for a folder.
    """

    file_mode: ClassVar[int] = 0o644
    folder_mode: ClassVar[int] = 0o755
    wanted: ClassVar[tuple[str, ...]] = _CONTENTS

    path: InnerPath
    source: OptionalSource = None
    contents: str | None = None
    symlink: OptionalText = None
    directory: bool = False
    mode: OptionalMode = None
    uid: User = 0
    gid: User = 0

    @model_validator(mode="after")
    def _one_kind(self) -> "PackagedFile":
        given = self.kinds
        if len(given) != 1:
            found = " and ".join(given) if given else "none of them"
            raise wrong(f"exactly one of {', '.join(self.wanted)} is needed, found {found}")
        return self

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which of the keys for the contents are given."""
        return tuple(name for name in self.wanted if getattr(self, name) not in (None, False))

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
    wanted: ClassVar[tuple[str, ...]] = (*_CONTENTS, "metadata")

    metadata: Metadata = None
    optional: bool = Field(default=False)

    @property
    def written_mode(self) -> int:
        """The mode as a number: as written, else LinuxKit's default, whatever kind it is."""
        if self.mode is not None:
            return self.mode
        return self.folder_mode if self.directory else self.file_mode
