"""The services of a build whose releases come with that of the system.

With them a console knows what a device runs whose services are as its system brought them, and can
order it back to that.
"""

from pathlib import Path

from edge.errors import InputError
from edge.image import manifest
from edge.release import catalogue, payloads, source
from edge.release.payloads import Terms
from edge.release.source import Source
from edge.repository.repository import Repository
from edge_signing.release import SERVICE_PARTITION, Release


def services(repository: Repository, build: Path, terms: Terms) -> list[Source]:
    """Return the services of a build that are updated in place and that are not released yet.

    Raises:
        InputError: One was released with this version and is another one.
        ThingNotFoundError: There is no build.
        UntrustedError: An image is not what the build made.
    """
    names = manifest.read(build).get("in_place", {})
    found = [source.of_service(build, name) for name in sorted(names)]
    return [one for one in found if not _is_released(repository, one, terms)]


def _is_released(repository: Repository, one: Source, terms: Terms) -> bool:
    product = terms.product or one.product
    version = payloads.version_of(one, terms)
    known = catalogue.entries(repository, product)
    same = [entry.release for entry in known if entry.release.version == version]
    if same and not _is_equal(same[0], one):
        raise InputError(
            f"{product} {version} is a release already, of another image",
            hint="give another version with --version, or leave services out: --no-services",
        )
    return bool(same)


def _is_equal(release: Release, one: Source) -> bool:
    image = release.image(SERVICE_PARTITION)
    return image.tree == one.images[0].tree
