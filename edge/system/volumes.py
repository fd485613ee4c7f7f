"""Volumes: folders of the system that containers share by name.

As LinuxKit lays them out: `/containers/volumes/NAME` holds `lower` (what the image brings), `tmp`
(what is written) and `merged` (both, as containers see it).

Source: docs/yaml.md and docs/volumes.md of LinuxKit.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from edge.errors import InputError
from edge.strict.formats import matching
from edge.strict.model import StrictModel, wrong
from edge.system.image_reference import OptionalImage
from edge.system.mounting import Mount
from edge.system.settings import Settings

FOLDER = "/containers/volumes"
_BIND_TYPES = ("bind",)

VolumeName = Annotated[
    str, matching(r"[a-z0-9_-]{1,63}", "the name of a volume", "1 to 63 of a-z, 0-9, '-', '_'")
]
Platform = Annotated[
    str,
    matching(r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?", "a platform", "write it like 'linux/arm64'"),
]
Format = Annotated[
    Literal["filesystem", "oci", ""], AfterValidator(lambda word: word or "filesystem")
]


class Volume(StrictModel):
    """A volume; without an image it begins empty."""

    name: VolumeName
    image: OptionalImage = None
    readonly: bool = False
    format: Format = "filesystem"
    platforms: tuple[Platform, ...] = ()
    persistent: bool = Field(default=False)

    @model_validator(mode="after")
    def _fitting(self) -> "Volume":
        if self.platforms and self.format != "oci":
            raise wrong("platforms have a meaning with `format: oci` only")
        if self.format == "oci" and self.image is None:
            raise wrong("`format: oci` needs an image")
        if self.persistent and self.readonly:
            raise wrong("a volume is persistent or read-only, not both")
        return self

    @property
    def merged(self) -> str:
        """The path on the device where containers see it."""
        return f"{FOLDER}/{self.name}/merged"


def named(settings: Settings) -> Iterator[tuple[str, int, str, bool]]:
    """Give key, index, name of a volume and whether it is only read, of binds that name one."""
    for key, binds in (("binds", settings.binds), ("binds.add", settings.binds_add)):
        for index, text in enumerate(binds):
            source, _, *options = text.split(":")
            if not source.startswith("/"):
                yield key, index, source, "ro" in (options[0].split(",") if options else ())
    for index, mount in enumerate(settings.mounts):
        if names_volume(mount):
            yield "mounts", index, mount.source or "", _only_read(mount)


def names_volume(mount: Mount) -> bool:
    """Say whether a mount shows a volume."""
    return mount.type in _BIND_TYPES and bool(mount.source) and not mount.source_is_path


def _only_read(mount: Mount) -> bool:
    return "ro" in mount.options and "rw" not in mount.options


def mistake(name: str, volumes: Mapping[str, Volume], *, only_read: bool) -> str | None:
    """Return what is wrong with the use of a volume, if anything is."""
    volume = volumes.get(name)
    if volume is None:
        return f"there is no volume {name!r}"
    if volume.readonly and not only_read:
        return f"the volume {name!r} is read-only, and this would write to it"
    return None


def resolved(settings: Settings, volumes: Mapping[str, Volume], who: str) -> Settings:
    """Return settings whose binds and mounts show paths in the place of names of volumes.

    Raises:
        InputError: A volume is not there, or a read-only one would be written to.
    """
    for key, _, name, only_read in named(settings):
        if said := mistake(name, volumes, only_read=only_read):
            hint = "list it in `volumes:`" if name not in volumes else "append `:ro`"
            raise InputError(f"{who}: {key}: {said}", hint=hint)
    binds = tuple(_bind(text, volumes) for text in settings.binds)
    mounts = tuple(
        one.model_copy(update={"source": volumes[one.source or ""].merged})
        if names_volume(one)
        else one
        for one in settings.mounts
    )
    changes: dict[str, object] = {}
    if binds != settings.binds:
        changes["binds"] = binds
    if mounts != settings.mounts:
        changes["mounts"] = mounts
    return settings.model_copy(update=changes) if changes else settings


def _bind(text: str, volumes: Mapping[str, Volume]) -> str:
    source, rest = text.split(":", 1)
    return text if source.startswith("/") else f"{volumes[source].merged}:{rest}"
