"""The parts of a loaded system, and where each is written."""

from dataclasses import dataclass
from enum import StrEnum

from edge.strict.document import Parsed, Step
from edge.system.model import InitImage, Item
from edge.system.service import ServiceFolder
from edge.system.settings import Settings


class Section(StrEnum):
    """A list of system.yml whose entries are images."""

    INIT = "init"
    ONBOOT = "onboot"
    ONSHUTDOWN = "onshutdown"
    SERVICES = "services"


@dataclass(frozen=True, slots=True)
class Part:
    """One image of the system, ready to build: either `folder` or `image` is there.

    `settings` are those of service.yml with the item's over them. What the label of an `image`
    says is not in them: whoever reads the image merges it below.
    """

    section: Section
    name: str
    settings: Settings
    folder: ServiceFolder | None = None
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A part with the entry it came from and its place."""

    part: Part
    entry: Item | InitImage
    parsed: Parsed
    path: tuple[Step, ...]
