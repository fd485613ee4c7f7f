"""Which versions of the services that are updated in place devices run.

A device says a version in place by its name, and the system's own by the start of a digest. What
that is called is looked up among the releases when it is asked: those may come later.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    desc,
    exists,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
)

from edge.console import releases
from edge.console.filters import versions
from edge.console.filters.sql import WhereVersion
from edge.console.releases import SERVICE, Release
from edge.console.store.service_tables import DEVICE_SERVICES
from edge.console.store.tables import DEVICES, RELEASES
from edge_signing import canonical, running

_OF = DEVICE_SERVICES.c


def said(services: Mapping[str, str]) -> str:
    """Return what a device says as it is stored beside its row; empty for nothing."""
    return canonical.encode(running.objects(services)).decode() if services else ""


def store(connection: Connection, tenant: str, device: str, services: Mapping[str, str]) -> None:
    """Store what a device says now, in place of what it said before."""
    connection.execute(delete(DEVICE_SERVICES).where(_OF.tenant == tenant, _OF.device == device))
    rows = [
        {
            "tenant": tenant,
            "device": device,
            "service": name,
            "version": version,
            "version_key": _key(name, version),
        }
        for name, version in services.items()
    ]
    if rows:
        connection.execute(insert(DEVICE_SERVICES), rows)


def of(connection: Connection, tenant: str, device: str) -> Mapping[str, str] | None:
    """Return the versions that a device runs, by the names of the services.

    The system's own version is called as a release of it that is here, or as the device says it.

    Returns:
        None if it says nothing: its agent is older, or it has no such service.
    """
    return of_each(connection, tenant, [device]).get(device)


def of_each(
    connection: Connection, tenant: str, devices: Iterable[str]
) -> Mapping[str, Mapping[str, str]]:
    """Return what `of` does for each of some devices that says anything."""
    asked = (
        select(*(_OF.device, _OF.service, _OF.version, _OF.version_key))
        .select_from(DEVICE_SERVICES)
        .where(_OF.tenant == tenant, _OF.device.in_(list(devices)))
        .order_by(_OF.device, _OF.service)
    )
    found: dict[str, dict[str, str]] = {}
    rows = connection.execute(asked).all()
    names = _names(connection, tenant, {row.version for row in rows if not row.version_key})
    for row in rows:
        version = names.get((row.service, row.version), row.version)
        found.setdefault(row.device, {})[row.service] = version
    return found


def told(text: str) -> Mapping[str, str] | None:
    """Return what a device says, from `said` in its row of `DEVICES`; None if it says nothing."""
    return {one["name"]: one["version"] for one in json.loads(text)} if text else None


def is_one(version: str, release: Release) -> bool:
    """Return whether a version, as a device says it, is a release of one service."""
    return version in _versions(release)


def release_of(
    connection: Connection, tenant: str, product: str, service: str, version: str
) -> Release | None:
    """Return the release of a service that a device says it runs; None if it is not here.

    Of several that are equal to the system's own version it is the one with the highest counter
    that is published.
    """
    if not version:
        return None
    column = RELEASES.c.version if "+" in version else RELEASES.c.own_version
    asked = select(RELEASES.c.path).where(
        RELEASES.c.tenant == tenant,
        RELEASES.c.kind == SERVICE,
        RELEASES.c.product == product,
        RELEASES.c.version.startswith(f"{service}+", autoescape=True),
        column == version,
    )
    best = (desc(RELEASES.c.is_published), desc(RELEASES.c.counter), desc(RELEASES.c.version_key))
    path = connection.scalar(asked.order_by(*best))
    return releases.by_path(connection, tenant, path) if path else None


def is_called(service: str, where: WhereVersion) -> ColumnElement[bool]:
    """Return what holds for rows of `DEVICE_SERVICES` whose version is called in such a way.

    The system's own version is called as each release that is equal to it; if there is none, its
    name is empty.
    """
    as_own = _equal(service, _OF.tenant, _OF.version)
    name_of_place, name_of_own = (
        func.substr(column, len(service) + 2) for column in (_OF.version, RELEASES.c.version)
    )
    return or_(
        and_(_OF.version_key != "", where(name_of_place, _OF.version_key)),
        and_(
            _OF.version_key == "",
            or_(
                exists().where(*as_own, where(name_of_own, RELEASES.c.version_key)),
                and_(where(literal(""), literal("")), not_(exists().where(*as_own))),
            ),
        ),
    )


def own_called(service: str, tenant: str, where: WhereVersion) -> Select[Any]:
    """Return a question for the system's own versions that a release is equal to which is such."""
    name = func.substr(RELEASES.c.version, len(service) + 2)
    equal = _equal(service, literal(tenant), RELEASES.c.own_version)
    return select(RELEASES.c.own_version).where(*equal, where(name, RELEASES.c.version_key))


def runs(release: Release) -> ColumnElement[bool]:
    """Return what holds for rows of `DEVICES` that run a release of one service.

    So does a device with the system's own version, if that is equal to it.
    """
    return and_(
        DEVICES.c.product == release.product,
        _has(_OF.service == release.service, _OF.version.in_(_versions(release))),
    )


def lacks(service: str) -> ColumnElement[bool]:
    """Return what holds for rows of `DEVICES` that say what they run, and have no such service."""
    return and_(not_(_has(_OF.service == service)), _has())


def _has(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    same = (_OF.tenant == DEVICES.c.tenant, _OF.device == DEVICES.c.device)
    return exists().where(*same, *where)


def _equal(service: str, tenant: Any, own: Any) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for releases of a service that are equal to a system's own version."""
    return (
        RELEASES.c.tenant == tenant,
        RELEASES.c.own_version == own,
        RELEASES.c.own_version != "",
        RELEASES.c.kind == SERVICE,
        RELEASES.c.version.startswith(f"{service}+", autoescape=True),
    )


def _versions(release: Release) -> list[str]:
    """Return how devices may say that they run a release of a service."""
    return [one for one in (release.version, release.own_version) if one]


def _names(
    connection: Connection, tenant: str, own: Iterable[str]
) -> Mapping[tuple[str, str], str]:
    """Return the newest release that is equal to each own version, by service and version."""
    wanted = sorted(own)
    if not wanted:
        return {}
    asked = select(RELEASES.c.version, RELEASES.c.own_version).where(
        RELEASES.c.tenant == tenant,
        RELEASES.c.kind == SERVICE,
        RELEASES.c.own_version.in_(wanted),
    )
    rows: Any = connection.execute(asked.order_by(RELEASES.c.version_key, RELEASES.c.path))
    return {(row.version.partition("+")[0], row.own_version): row.version for row in rows}


def _key(name: str, version: str) -> str:
    prefix = f"{name}+"
    return versions.key(version.removeprefix(prefix)) if version.startswith(prefix) else ""
