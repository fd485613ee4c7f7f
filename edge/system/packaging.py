"""What an image of a service is made of: the keys of service.yml beside the settings."""

from typing import Annotated, Literal

from pydantic import Field

from edge.strict.formats import InnerPath, PackageName, Text, matching
from edge.strict.model import StrictModel
from edge.system.files import PackagedFile, SourcePath
from edge.system.settings import Settings

Globs = tuple[Text, ...]
PythonPackage = Literal["edge_agent", "edge_signing"]


class Python(StrictModel):
    """Python in the image: packages of this project to ship, and whether to compile all."""

    compile: bool = False
    packages: tuple[PythonPackage, ...] = ()


class Program(StrictModel):
    """A program compiled from C; the headers that it names in quotes are found beside it."""

    sources: Annotated[tuple[SourcePath, ...], Field(min_length=1)]
    output: InnerPath
    static: bool = True
    flags: tuple[Annotated[str, matching(r"-[ -~]+", "a compiler flag", "like '-O2'")], ...] = ()


class Build(StrictModel):
    """What is compiled for the image."""

    c: tuple[Program, ...] = ()


class Packaging(StrictModel):
    """What an image is made of. `include` wins over `exclude`; both are globs of paths."""

    description: Text
    packages: tuple[PackageName, ...] = ()
    without: Globs = ()
    exclude: Globs = ()
    include: Globs = ()
    files: tuple[PackagedFile, ...] = ()
    python: Python = Field(default_factory=Python)
    build: Build = Field(default_factory=Build)


class ServiceFile(Packaging, Settings):
    """All keys of service.yml."""
