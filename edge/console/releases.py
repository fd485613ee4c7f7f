"""The releases of a tenant, as its signed documents say them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select

from edge.console import audit
from edge.console.audit import Actor
from edge.console.filters import versions
from edge.console.store.tables import RELEASES
from edge.errors import InputError, ThingNotFoundError
from edge_signing.release import RELEASE_FILE

# Kinds; stored, so the names never change.
EDGE: Final = "edge"
FOREIGN: Final = "foreign"
SERVICE: Final = "service"


@dataclass(frozen=True, slots=True)
class Release:
    """A release that was uploaded and verified.

    Attributes:
        path: Of its document.
        from_counter: The lowest counter of a system that may update to it directly.
        patches: Paths of the documents of its patches.
        is_published: All that its documents name is here, so that devices may be sent to it.
        kind: `edge`, a whole system; `service`, one service that devices update in place; or
            `foreign`: see `edge.console.foreign`.
        own_version: Of one service: how devices say the system's own version that it is equal to.
    """

    path: str
    product: str
    version: str
    counter: int
    boards: tuple[str, ...]
    notes: str
    patches: tuple[str, ...]
    is_published: bool
    kind: str = EDGE
    from_counter: int = 0
    own_version: str = ""

    @property
    def service(self) -> str:
        """The one service that it is of; empty for a whole system."""
        return self.version.partition("+")[0] if self.kind == SERVICE else ""


def take(connection: Connection, actor: Actor, found: Iterable[Release]) -> list[Release]:
    """Store what is known of releases now, and return those that are new or have changed.

    A release that the newest metadata does not name is known no longer. One whose version a foreign
    release has is left out: it must not keep others from being known.
    """
    changed, known = [], list(found)
    _withdraw(connection, actor, {one.path for one in known})
    for one in known:
        before = by_path(connection, actor.tenant, one.path)
        if before == one:
            continue
        if before is None and _is_taken(connection, actor.tenant, one):
            audit.record(connection, actor, "release.leave-out", f"release:{one.path}")
            continue
        same = (RELEASES.c.tenant == actor.tenant, RELEASES.c.path == one.path)
        connection.execute(delete(RELEASES).where(*same))
        connection.execute(insert(RELEASES).values(_values(actor, one)))
        act = "release.publish" if one.is_published else "release.add"
        audit.record(connection, actor, act, f"release:{one.path}")
        changed.append(one)
    return changed


def record_sboms(connection: Connection, actor: Actor, paths: Iterable[str]) -> None:
    """Write into the log which SBOMs came, by their paths."""
    for path in paths:
        subject = f"release:{path_of_sbom(path)}"
        audit.record(connection, actor, "release.sbom", subject, {"sbom": path})


def path_of_sbom(path: str) -> str:
    """Return the path of the release whose SBOM has this one."""
    return f"{path.rpartition('/')[0]}/{RELEASE_FILE}"


def get(connection: Connection, tenant: str, path: str) -> Release:
    """Return the release with this document.

    Raises:
        ThingNotFoundError: The tenant has none.
    """
    found = by_path(connection, tenant, path)
    if found is None:
        raise ThingNotFoundError(f"no release {path!r}", hint="edge releases list")
    return found


def find(connection: Connection, tenant: str, version: str, product: str = "") -> Release:
    """Return the release of a version.

    Raises:
        ThingNotFoundError: The tenant has none.
        InputError: Two products have one.
    """
    found = [one for one in list_(connection, tenant, product=product) if one.version == version]
    if not found:
        raise ThingNotFoundError(f"no release {version!r}", hint="edge releases list")
    if len(found) > 1:
        products = ", ".join(one.product for one in found)
        raise InputError(f"{version} is a release of {products}", hint="say which product")
    return found[0]


def list_(
    connection: Connection, tenant: str, *, product: str = "", after: str = "", most: int = 1000
) -> list[Release]:
    """Return releases by their paths, those after one."""
    asked = select(RELEASES).where(RELEASES.c.tenant == tenant, RELEASES.c.path > after)
    if product:
        asked = asked.where(RELEASES.c.product == product)
    return [
        _release(row) for row in connection.execute(asked.order_by(RELEASES.c.path).limit(most))
    ]


def _withdraw(connection: Connection, actor: Actor, named: set[str]) -> None:
    for one in list_(connection, actor.tenant):
        if one.kind != FOREIGN and one.path not in named:
            same = (RELEASES.c.tenant == actor.tenant, RELEASES.c.path == one.path)
            connection.execute(delete(RELEASES).where(*same))
            audit.record(connection, actor, "release.withdraw", f"release:{one.path}")


def by_path(connection: Connection, tenant: str, path: str) -> Release | None:
    """Return the release with this document, None if there is none."""
    asked = select(RELEASES).where(RELEASES.c.tenant == tenant, RELEASES.c.path == path)
    row = connection.execute(asked).first()
    return _release(row) if row else None


def _is_taken(connection: Connection, tenant: str, one: Release) -> bool:
    same = (RELEASES.c.product == one.product, RELEASES.c.version == one.version)
    asked = select(RELEASES.c.path).where(RELEASES.c.tenant == tenant, *same)
    return connection.scalar(asked) is not None


def _values(actor: Actor, one: Release) -> dict[str, object]:
    return {
        "tenant": actor.tenant,
        "path": one.path,
        "product": one.product,
        "version": one.version,
        "counter": one.counter,
        "from_counter": one.from_counter,
        "boards": " ".join(one.boards),
        "notes": one.notes,
        "patches": " ".join(one.patches),
        "is_published": one.is_published,
        "kind": one.kind,
        "own_version": one.own_version,
        "version_key": versions.key(one.version.removeprefix(f"{one.service}+")),
        "added_at_s": actor.now_s,
    }


def _release(row: Row[Any]) -> Release:
    return Release(
        path=row.path,
        product=row.product,
        version=row.version,
        counter=row.counter,
        boards=tuple(row.boards.split()),
        notes=row.notes,
        patches=tuple(row.patches.split()),
        is_published=row.is_published,
        kind=row.kind,
        from_counter=row.from_counter,
        own_version=row.own_version,
    )
