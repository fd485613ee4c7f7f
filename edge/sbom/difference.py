"""What differs between the SBOMs of two releases."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from edge.sbom.model import Package, Sbom, Service
from edge.sbom.reading import identity


class Kind(StrEnum):
    """How something differs.

    Attributes:
        ADDED: It was not there before.
        REMOVED: It is there no longer.
        CHANGED: A package has another version, a service another image.
        REBUILT: The package has the same version, and other bytes.
        MOVED: It is the same, and in other services.
    """

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REBUILT = "rebuilt"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """A service that is not as before.

    Attributes:
        kind: Added, removed or changed.
        name: Of the service.
        before: Its older version; empty if it was not there.
        after: Its newer version; empty if it is gone.
        packages: How many of the packages that it holds or held differ. None of a changed one: then
            its own files or settings did.
    """

    kind: Kind
    name: str
    before: str
    after: str
    packages: int


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package that is not as before; for one architecture.

    Attributes:
        kind: How.
        name: Of the package.
        architecture: Empty if it is not told.
        before: Its older versions; several where services have different ones.
        after: Its newer versions.
        licence_before: Of the older ones.
        licence: Of the newer ones.
        places: What holds it now, or held it if it is gone; empty for the system.
        joined: What of these did not hold it before; only if it was somewhere else.
        left: What holds it no longer; only if it is somewhere else.
    """

    kind: Kind
    name: str
    architecture: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    licence_before: str
    licence: str
    places: tuple[str, ...]
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs, in the order of names."""

    services: tuple[ServiceChange, ...]
    packages: tuple[PackageChange, ...]

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How many packages differ in which way."""
        found = Counter(one.kind for one in self.packages)
        return {kind: found[kind] for kind in Kind}


def between(before: Sbom, after: Sbom) -> Difference:
    """Return what is not as before."""
    old, new = _by_identity(before.packages), _by_identity(after.packages)
    found = (_package(old.get(one, ()), new.get(one, ())) for one in sorted({*old, *new}))
    packages = sorted(
        (one for one in found if one is not None), key=lambda one: (one.name, one.architecture)
    )
    touched = Counter(where for one in packages for where in _touched(one))
    services = _services(before.services, after.services, touched)
    return Difference(tuple(services), tuple(packages))


def _touched(one: PackageChange) -> set[str]:
    """Return in which places a package is not as before."""
    moved = {*one.joined, *one.left}
    return moved if one.kind is Kind.MOVED else {*one.places, *moved}


def _by_identity(packages: Iterable[Package]) -> dict[str, tuple[Package, ...]]:
    found: defaultdict[str, list[Package]] = defaultdict(list)
    for one in packages:
        found[identity(one)].append(one)
    return {name: tuple(each) for name, each in found.items()}


def _package(old: tuple[Package, ...], new: tuple[Package, ...]) -> PackageChange | None:
    kind = _kind(old, new)
    if kind is None:
        return None
    one = (new or old)[0]
    before, after = _places(old), _places(new)
    return PackageChange(
        kind=kind,
        name=one.name,
        architecture=one.architecture,
        before=_versions(old),
        after=_versions(new),
        licence_before=_licence(old),
        licence=_licence(new),
        places=after if new else before,
        joined=tuple(one for one in after if old and one not in before),
        left=tuple(one for one in before if new and one not in after),
    )


def _kind(old: tuple[Package, ...], new: tuple[Package, ...]) -> Kind | None:
    if not old or not new:
        return Kind.ADDED if new else Kind.REMOVED
    if _versions(old) != _versions(new):
        return Kind.CHANGED
    if {one.sha256 for one in old} != {one.sha256 for one in new}:
        return Kind.REBUILT
    # Which service has which of several versions counts too.
    where = [sorted((one.version, one.places) for one in each) for each in (old, new)]
    return Kind.MOVED if where[0] != where[1] else None


def _versions(packages: Iterable[Package]) -> tuple[str, ...]:
    return tuple(sorted({one.version for one in packages}))


def _licence(packages: Iterable[Package]) -> str:
    found = sorted({one.licence for one in packages if one.licence})
    return found[0] if len(found) == 1 else " AND ".join(f"({one})" for one in found)


def _places(packages: Iterable[Package]) -> tuple[str, ...]:
    return tuple(sorted({where for one in packages for where in one.places}))


def _services(
    old: Iterable[Service], new: Iterable[Service], touched: Mapping[str, int]
) -> Iterable[ServiceChange]:
    before, after = ({one.name: one for one in each} for each in (old, new))
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            kind = Kind.REMOVED if was else Kind.ADDED
        elif (was.version, was.sha256) != (now.version, now.sha256):
            kind = Kind.CHANGED
        else:
            continue
        told = (was.version if was else "", now.version if now else "")
        yield ServiceChange(kind, name, *told, packages=touched[name])
