"""Options that say what one device gets before its first start: `--config` and `--set`."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.flash.sources.source import Source

if TYPE_CHECKING:
    from edge.image.provision import Placed

_OPTIONS = (
    click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="First settings of the device: a device.yml; docs/first-boot.md.",
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="One of them, over --config: hostname=gw-7, console.token=@FILE.",
    ),
)


@dataclass(frozen=True, slots=True)
class FirstSettings:
    """What was said on the command line of one device.

    Attributes:
        names: The keys of it, for people.
        files: What goes onto its data partition.
    """

    names: tuple[str, ...] = ()
    files: "tuple[Placed, ...]" = field(default=(), repr=False)

    def over(self, source: Source) -> Source:
        """Return an image with them.

        Raises:
            EdgeError: The image takes none, or a tool failed.
        """
        if not self.files:
            return source
        from edge.flash.sources.overlaid import Overlaid
        from edge.image import provision

        return Overlaid(source, lambda size: provision.file_system(self.files, most_bytes=size))


@dataclass(frozen=True, slots=True)
class FirstOptions:
    """What the two options said, not read yet."""

    config: Path | None = None
    settings: tuple[str, ...] = ()

    def read(self) -> FirstSettings:
        """Return what was said, checked.

        Raises:
            EdgeError: All that is wrong with it.
        """
        if self.config is None and not self.settings:
            return FirstSettings()
        from edge.flash.customise import files, reading

        read = reading.read(self.config, self.settings)
        names = tuple(name for name in type(read.device).model_fields if getattr(read.device, name))
        return FirstSettings(names, files.files(read))


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one argument `wanted`."""

    @functools.wraps(command)
    def call(*arguments: Any, config: Path | None, settings: tuple[str, ...], **others: Any) -> Any:
        return command(*arguments, wanted=FirstOptions(config, settings), **others)

    wrapped: Callable[..., Any] = call
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
