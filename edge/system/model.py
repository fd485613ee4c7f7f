"""The system file: which kernel, init, services and files make a device.

Source: docs/yaml.md of LinuxKit for the shape and most keys.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from edge.strict.formats import ContainerName, OptionalLine, OptionalText, PackageName, Text
from edge.strict.model import StrictModel, wrong
from edge.system.files import SourcePath, SystemFile
from edge.system.image_reference import ImageReference, OptionalImage
from edge.system.settings import Modules, Settings
from edge.system.volumes import Volume


def _no_tar(name: str) -> str:
    return "" if name == "none" else name


class Kernel(StrictModel):
    """The kernel and its command line; what is not written comes from the board.

    Attributes:
        package: The Debian package that it comes from.
        image: The image that it comes from instead, as LinuxKit makes them.
        binary: The file in the image that is the kernel.
        tar: The file in the image whose contents go to the root: modules; empty is none.
        ucode: The file in the image with microcode for the processor; empty is none.
        cmdline: Its command line.
        modules: More modules of a package to load.
    """

    package: PackageName | None = None
    image: OptionalImage = None
    binary: OptionalText = None
    tar: Annotated[str | None, AfterValidator(lambda name: name and _no_tar(name))] = None
    ucode: str | None = None
    cmdline: OptionalLine | None = None
    modules: Modules = ()
    hardening: bool = True

    @model_validator(mode="after")
    def _one_origin(self) -> "Kernel":
        if self.image is not None and self.package is not None:
            raise wrong("the kernel comes from `package` or from `image`, not from both")
        return self


def _one_source(model: "InitImage | Item") -> None:
    if (model.image is None) == (model.service is None):
        found = "neither" if model.image is None else "both"
        raise wrong(
            f"exactly one of image and service is needed, found {found}",
            "`service:` takes the name of a built-in service or a path with a '/'",
        )


class InitImage(StrictModel):
    """An image unpacked at the root: text (`@pkg:init`), or a mapping like that of an item."""

    image: ImageReference | None = None
    service: Text | None = None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say that text stands for a mapping here."""
        return {"anyOf": [{"type": "string"}, handler(core)]}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, written: Any) -> Any:
        return {"image": written} if isinstance(written, str) else written

    @model_validator(mode="after")
    def _complete(self) -> "InitImage":
        _one_source(self)
        return self


class Item(Settings):
    """A container: of onboot, onshutdown or services. Its settings go over those of its image."""

    name: ContainerName | None = None
    image: ImageReference | None = None
    service: Text | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Item":
        _one_source(self)
        if self.image is not None and self.name is None:
            raise wrong("the key 'name' is missing", "an item with `image` needs a name")
        return self


class RootFs(StrictModel):
    """How the root is packed: that of the slot, and the formats squashfs and erofs.

    Without `compress` the slot's is not packed, for small updates, and the formats are (xz).
    """

    compress: Literal["none", "lz4hc", "zstd", "xz"] | None = None


class Trust(StrictModel):
    """Read for LinuxKit's sake; since 2021 it has no meaning there either."""

    image: tuple[str, ...] = ()
    org: tuple[str, ...] = ()


class System(StrictModel):
    """A whole system file, or several appended."""

    include: tuple[SourcePath, ...] = ()
    kernel: Kernel = Field(default_factory=Kernel)
    rootfs: RootFs = Field(default_factory=RootFs)
    init: tuple[InitImage, ...] = (InitImage(image="@pkg:init"),)
    onboot: tuple[Item, ...] = ()
    onshutdown: tuple[Item, ...] = ()
    services: tuple[Item, ...] = ()
    volumes: tuple[Volume, ...] = ()
    files: tuple[SystemFile, ...] = ()
    trust: Trust = Field(default_factory=Trust)
