"""What a filter can ask of a device."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as filters see it; an empty text is one that is not known.

    Attributes:
        seen_at_s: When it was last heard, seconds since 1970; None for never.
        enrolled_at_s: When it was let in, seconds since 1970; None for not yet.
        services: What it runs, by the names of services: all versions that this is called, without
            the name before them; none if it is not known.
    """

    id: str
    state: str = ""
    board: str = ""
    product: str = ""
    version: str = ""
    slot: str = ""
    phase: str = ""
    reason: str = ""
    is_online: bool = False
    seen_at_s: int | None = None
    enrolled_at_s: int | None = None
    tags: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()
    stations: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, frozenset[str]] = field(default_factory=dict)
