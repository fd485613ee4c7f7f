"""The parts of a loaded system, and where each is written."""

from dataclasses import dataclass
from enum import StrEnum

from edge.strict.document import Parsed, Step
from edge.system.model import InitImage, Item
from edge.system.service import ServiceFolder
from edge.system.settings import Settings
from edge.system.volumes import Volume


class Section(StrEnum):
    """A part of system.yml that names images."""

    KERNEL = "kernel"
    INIT = "init"
    VOLUMES = "volumes"
    ONBOOT = "onboot"
    ONSHUTDOWN = "onshutdown"
    SERVICES = "services"


# The sections whose entries are containers or parts of the root.
LISTS = (Section.INIT, Section.ONBOOT, Section.ONSHUTDOWN, Section.SERVICES)
# Those whose entries run, in the order in which LinuxKit reads them.
CONTAINERS = (Section.ONBOOT, Section.ONSHUTDOWN, Section.SERVICES)


@dataclass(frozen=True, slots=True)
class Part:
    """One image of the system, ready to build: either `folder` or `image` is there.

    `settings` are those of service.yml with the item's over them. What the label of an `image`
    says is not in them: whoever reads the image merges it below. A volume that begins empty has
    neither folder nor image, and is no part.
    """

    section: Section
    name: str
    settings: Settings
    folder: ServiceFolder | None = None
    image: str | None = None

    def fills(self, volume: Volume) -> bool:
        """Say whether it is the image of this volume."""
        return self.section is Section.VOLUMES and self.name == volume_part(volume)


def volume_part(volume: Volume) -> str:
    """Return the name of the part that is the image of a volume."""
    return f"{Section.VOLUMES}/{volume.name}"


@dataclass(frozen=True, slots=True)
class Written:
    """A part with the entry it came from and its place."""

    part: Part
    entry: Item | InitImage
    parsed: Parsed
    path: tuple[Step, ...]
