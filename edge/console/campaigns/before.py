"""What a device runs of what a campaign brings: its system, or the one service that is meant.

It is what is left out, what a patch starts from, and what a device is ordered back to.
"""

from typing import Any

from sqlalchemy import Connection, Row

from edge.console import releases
from edge.console.devices import services
from edge.console.releases import SERVICE, Release


def version(row: Row[Any], meant: Release) -> str:
    """Return the version that a device runs, as it says it; empty if it does not."""
    if meant.kind == SERVICE:
        return services.told(row).get(meant.service, "")
    return str(row.version)


def runs(row: Row[Any], meant: Release) -> bool:
    """Return whether a device runs a release."""
    said = version(row, meant)
    is_one = services.is_one(said, meant) if meant.kind == SERVICE else said == meant.version
    return row.product == meant.product and is_one


def path(connection: Connection, row: Row[Any], meant: Release) -> str:
    """Return the release that a device runs; empty if that is not here."""
    found = released(connection, row.tenant, row.product, version(row, meant), meant)
    return found.path if found else ""


def released(
    connection: Connection, tenant: str, product: str, said: str, meant: Release
) -> Release | None:
    """Return the release that a device runs which says this of itself; None if it is not here."""
    if meant.kind == SERVICE:
        return services.release_of(connection, tenant, product, meant.service, said)
    if not said:
        return None
    known = releases.list_(connection, tenant, product=product)
    return next((one for one in known if one.version == said), None)
