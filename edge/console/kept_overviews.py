"""Overviews of large fleets in the database, so that a start of the console does not lose them."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from edge.console import tenants
from edge.console.kinds import VersionCount
from edge.console.overview import Overview, Some
from edge.console.store.overview_tables import OVERVIEWS
from edge.console.store.people_tables import PEOPLE

# Whose, and for whom: the groups that he can reach, None for all devices.
Key = tuple[str, frozenset[str] | None]

_SOME: Final = ("under_way", "pending", "failed", "silent")


@dataclass(frozen=True, slots=True)
class Kept:
    """An overview, and how long it took to count."""

    overview: Overview
    took_s: float


def load(connection: Connection, key: Key) -> Kept | None:
    """Return the overview that is kept; None if there is none, or it is of another version."""
    row = connection.execute(select(OVERVIEWS).where(*_same(key))).first()
    if row is None:
        return None
    try:
        return Kept(_unpacked(row.body), row.took_ms / 1000)
    except (ValueError, KeyError, TypeError):
        return None


def save(connection: Connection, key: Key, overview: Overview, took_s: float) -> None:
    """Keep an overview in place of the one before."""
    tenant, groups = key
    connection.execute(delete(OVERVIEWS).where(*_same(key)))
    row = {"tenant": tenant, "groups": _named(groups), "counted_at_s": overview.counted_at_s}
    row |= {"took_ms": int(took_s * 1000), "body": _packed(overview)}
    connection.execute(insert(OVERVIEWS).values(row))


def in_use(connection: Connection) -> list[Key]:
    """Return for whom overviews are: who reaches all devices, and people who do not."""
    found: list[Key] = [(one.tenant, None) for one in tenants.all_of(connection)]
    asked = select(PEOPLE.c.tenant, PEOPLE.c.groups).where(
        PEOPLE.c.groups.is_not(None), PEOPLE.c.is_disabled.is_(False)
    )
    limited = {
        (tenant, frozenset(names.split())) for tenant, names in connection.execute(asked).tuples()
    }
    return [*found, *sorted(limited, key=lambda one: (one[0], sorted(one[1])))]


def forget_others(connection: Connection, keys: Collection[Key]) -> int:
    """Remove what is kept for somebody who is not there any more; return how many."""
    known = {(tenant, _named(groups)) for tenant, groups in keys}
    asked = select(OVERVIEWS.c.tenant, OVERVIEWS.c.groups)
    others = [one for one in connection.execute(asked).tuples() if tuple(one) not in known]
    for tenant, groups in others:
        same = (OVERVIEWS.c.tenant == tenant, OVERVIEWS.c.groups == groups)
        connection.execute(delete(OVERVIEWS).where(*same))
    return len(others)


def _same(key: Key) -> tuple[Any, Any]:
    return OVERVIEWS.c.tenant == key[0], OVERVIEWS.c.groups == _named(key[1])


def _named(groups: frozenset[str] | None) -> str:
    return json.dumps(None if groups is None else sorted(groups))


def _packed(overview: Overview) -> str:
    facts = asdict(overview)
    for name in _SOME:
        some = getattr(overview, name)
        facts[name] = {"total": some.total, "rows": [vars(row) for row in some.rows]}
    facts["reasons"] = [vars(row) for row in overview.reasons]
    return json.dumps(facts)


def _unpacked(body: str) -> Overview:
    facts = json.loads(body)
    for name in _SOME:
        rows = [SimpleNamespace(**row) for row in facts[name]["rows"]]
        facts[name] = Some(facts[name]["total"], rows)
    facts["versions"] = [VersionCount(**one) for one in facts["versions"]]
    facts["reasons"] = [SimpleNamespace(**row) for row in facts["reasons"]]
    return Overview(**facts)
