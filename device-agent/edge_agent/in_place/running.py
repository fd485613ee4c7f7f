"""Which version of each service that is updated in place runs, as the server is told."""

from edge_agent.errors import AgentError
from edge_agent.in_place.services import Services
from edge_agent.in_place.shelf import Shelf
from edge_signing.running import SERVICES_MOST, own_version


def versions(services: Services) -> dict[str, str]:
    """Return the version of each that init started last, or that it is to start first."""
    own = services.factory()
    return {
        name: _version(Shelf(services, name)) or own_version(own[name])
        for name in sorted(own)[:SERVICES_MOST]
    }


def _version(shelf: Shelf) -> str:
    """Return the version of one; empty for the system's own."""
    shown = shelf.services.shown(shelf.name)
    if shown is not None:
        return shown.version
    try:
        return shelf.version()
    except AgentError:
        return ""
