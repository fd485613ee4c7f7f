"""The system file: which kernel, init, services and files make a device.

Source: docs/yaml.md of LinuxKit for the shape and most keys.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from edge.strict.formats import Line, Name, PackageName, Text
from edge.strict.model import StrictModel, wrong
from edge.strict.wording import shown
from edge.system.files import SystemFile
from edge.system.settings import Modules, Settings

LOCAL = "@pkg:"
LOCAL_IMAGES = ("oci-archive:", "oci:")


def _image(text: str) -> str:
    for prefix in (LOCAL, *LOCAL_IMAGES):
        if text == prefix:
            raise wrong(f"the image {shown(text)} names nothing", "write a name or a path after it")
    return text


ImageReference = Annotated[str, AfterValidator(_image)]


class Kernel(StrictModel):
    """The kernel and its command line; what is not written comes from the board."""

    not_yet: ClassVar[frozenset[str]] = frozenset({"image", "binary", "tar", "ucode"})

    package: PackageName | None = None
    image: Text | None = None
    cmdline: Line | None = None
    modules: Modules = ()
    hardening: bool = True


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

    name: Name | None = None
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

    not_yet: ClassVar[frozenset[str]] = frozenset({"volumes"})

    kernel: Kernel = Field(default_factory=Kernel)
    rootfs: RootFs = Field(default_factory=RootFs)
    init: Annotated[tuple[InitImage, ...], Field(min_length=1)] = (InitImage(image="@pkg:init"),)
    onboot: tuple[Item, ...] = ()
    onshutdown: tuple[Item, ...] = ()
    services: tuple[Item, ...] = ()
    files: tuple[SystemFile, ...] = ()
    trust: Trust = Field(default_factory=Trust)
