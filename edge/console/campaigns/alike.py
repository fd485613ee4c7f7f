"""Devices of which a campaign thinks the same: what they take, what that costs, and why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, select

from edge.console import orders
from edge.console.campaigns import ordering, sets
from edge.console.campaigns.survey import Kind
from edge.console.campaigns.ways import Ways
from edge.console.devices import services
from edge.console.releases import FOREIGN, SERVICE, Release
from edge.console.store.tables import DEVICES


@dataclass(frozen=True, slots=True)
class Cost:
    """What devices that are alike have to do.

    Attributes:
        releases: How many they take, without those on the way.
        is_patched: They fetch patches alone.
    """

    planned_bytes: int
    releases: int
    is_patched: bool


class Set:
    """What devices of one kind take of the releases of a plan.

    Args:
        connection: To read from.
        tenant: Whose devices.
        kind: They.
        known: The releases of the plan.
    """

    def __init__(
        self, connection: Connection, tenant: str, kind: Kind, known: Sequence[Release]
    ) -> None:
        self.kind = kind
        self._connection = connection
        self._tenant = tenant
        self._known = known
        self._told = services.told(kind.services)
        self.parts = sets.for_one(known, kind, is_ddi=kind.is_ddi)
        self.rest = sets.left(self.parts, kind, self._told)

    @cached_property
    def _row(self) -> Row[Any]:
        same = (DEVICES.c.tenant == self._tenant, DEVICES.c.device == self.kind.device)
        return self._connection.execute(select(DEVICES).where(*same)).one()

    @property
    def has_hop(self) -> bool:
        """They take a release first that is not in the plan."""
        if not self.rest:
            return False
        return orders.way_to(self._connection, self._row, self.rest[0]) not in (None, self.rest[0])

    def cost(self, ways: Mapping[str, Ways]) -> Cost:
        """Return what they have to fetch."""
        known = [one for one in self.rest if one.path in ways]
        if not known:
            return Cost(0, len(self.rest), is_patched=False)
        running: Mapping[str, str] = {}
        if any(one.kind == SERVICE for one in known):
            running = services.of(self._connection, self._tenant, self.kind.device) or {}
        planned, is_patched = 0, True
        for one in known:
            version = running.get(one.service, "") if one.kind == SERVICE else self.kind.version
            planned += ways[one.path].from_(version, self.kind.board)
            is_patched = is_patched and version in ways[one.path].patched
        return Cost(planned, len(self.rest), is_patched)

    def why_not(self) -> str:
        """Return why they take no part."""
        kind, known = self.kind, self._known
        if not kind.is_accepted:
            return "not accepted"
        if lacking := sets.lacking(self.rest, self._told):
            return f"has no service {lacking} that is updated in place"
        if self.parts and not self.rest:
            whole = "all of it" if len(self.parts) > 1 else self.parts[0].version
            return f"runs {whole} already"
        products = {one.product for one in known}
        if kind.product and kind.product not in products:
            return f"runs {kind.product}, not {', '.join(sorted(products))}"
        if all((one.kind == FOREIGN) != kind.is_ddi for one in known):
            return "speaks DDI, and the release is for Edge" if kind.is_ddi else "runs Edge"
        return f"is {kind.board}, which the release is not for"

    def why_refused(self) -> str:
        """Return why an order of theirs will be refused, as they are now; empty if none will."""
        kind = self.kind
        for one in self.rest:
            if one.kind != FOREIGN and one.counter < kind.counter:
                return f"its counter is {kind.counter}, above {one.counter} of {one.version}"
        gets_system = bool(self.rest) and self.rest[0].kind != SERVICE
        # What services want of a system that is yet to come was looked at with the plan.
        for one in self.rest[:1] if gets_system else self.rest:
            if orders.way_to(self._connection, self._row, one) is None:
                return f"runs {kind.version}, from which no release here leads to {one.version}"
        return ""

    def can_go_back(self) -> bool:
        """Whether they can be ordered to run again all that they run now."""
        gets_system = bool(self.rest) and self.rest[0].kind != SERVICE
        return bool(self.rest) and all(
            self._goes_back(one, has_system=gets_system) for one in self.rest
        )

    def _goes_back(self, meant: Release, *, has_system: bool) -> bool:
        kind = self.kind
        if meant.kind == SERVICE:
            version = (self._told or {}).get(meant.service, "")
            if has_system and not version.startswith(f"{meant.service}+"):
                # The system of before brings it.
                return True
            before = services.release_of(
                self._connection, self._tenant, kind.product, meant.service, version
            )
        else:
            before = ordering.released(self._connection, self._tenant, kind.product, kind.version)
        if before is None or not before.is_published:
            return False
        return meant.kind == FOREIGN or before.counter >= meant.counter
