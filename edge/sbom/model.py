"""The services and packages of an image, as an SBOM tells them."""

from dataclasses import dataclass
from typing import Final

# The place of what is in the image itself: kernel, modules, firmware.
SYSTEM: Final = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A container of the image.

    Attributes:
        name: No other service has it.
        version: As the document tells it.
        sha256: Of the manifest of its OCI image, in hex; empty if it is not told.
        packages: How many it holds.
    """

    name: str
    version: str
    sha256: str
    packages: int


@dataclass(frozen=True, slots=True)
class Package:
    """A package, in one version.

    Attributes:
        name: Of the package.
        version: Empty if it is not told.
        architecture: Of its package URL; empty if it tells none.
        licence: An SPDX expression, as declared, else as concluded; empty if nobody asserts one.
        supplier: Empty if nobody asserts one.
        purl: Its package URL; empty if it has none.
        sha256: Of the package file, in hex; empty if it is not told.
        places: The services that hold it, in order, and `SYSTEM` first if the image itself does.
    """

    name: str
    version: str
    architecture: str
    licence: str
    supplier: str
    purl: str
    sha256: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sbom:
    """What a document tells.

    Attributes:
        name: Of the document.
        created: When, as it says.
        system: Name and version of what it describes; empty if that is no single thing.
        services: In the order of their names.
        packages: In the order of names and versions.
    """

    name: str
    created: str
    system: str
    services: tuple[Service, ...]
    packages: tuple[Package, ...]
