"""What differs between the manifests of two builds: rights, protections, sizes. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge.hardening.protection import Standing

_MANY_RIGHTS: Final = 20

Row = Mapping[str, Any]
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RightsChange:
    """A service that may do more or less than before.

    Attributes:
        gained: Rights that it had not; all of them, if it was not there.
        lost: Rights that it has no longer.
    """

    service: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SizeChange:
    """A part of the root, or a file of the build, that takes more or less than before."""

    name: str
    before_bytes: int
    after_bytes: int


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs.

    Attributes:
        rights: In the order of the services' names.
        protections_lost: Protections of the kernel that were on and are not.
        protections_gained: Those that are on now.
        parts: Of the root, by their size alone; those that grew most come first.
        files: Of the build.
    """

    rights: tuple[RightsChange, ...]
    protections_lost: tuple[str, ...]
    protections_gained: tuple[str, ...]
    parts: tuple[SizeChange, ...]
    files: tuple[SizeChange, ...]

    @property
    def is_weaker(self) -> bool:
        """Whether a service gained a right, or a protection is gone."""
        return bool(self.protections_lost) or any(one.gained for one in self.rights)


def rights(row: Row) -> tuple[str, ...]:
    """Return what a container may do beyond nothing, by its row of the manifest."""
    names = [word.removeprefix("CAP_") for word in row["capabilities"]]
    found = ["all capabilities"] if len(names) > _MANY_RIGHTS else names
    if row.get("userns") == "new":
        found = [f"{name} in its user namespace" for name in found]
    found += [f"joins {', '.join(row['joined'])}"] if row["joined"] else []
    found += [f"device {device}" for device in row["devices"]]
    found += [f"writes {path}" for path in row["writable"]]
    found += ["writable root"] if row["writable_root"] else []
    found += ["may gain privileges"] if row["new_privileges"] else []
    found += ["no seccomp"] if row["seccomp"] == "unconfined" else []
    return tuple(found)


def between(before: Row, after: Row) -> Difference:
    """Return what differs between two manifests."""
    old, new = (_protected(one.get("hardening", ())) for one in (before, after))
    is_told = "hardening" in before and "hardening" in after
    return Difference(
        rights=tuple(_rights_changes(before["privileges"], after["privileges"])),
        protections_lost=tuple(sorted(old - new)) if is_told else (),
        protections_gained=tuple(sorted(new - old)) if is_told else (),
        parts=_sizes(
            {one["part"]: one["alone_bytes"] for one in before["sizes"]},
            {one["part"]: one["alone_bytes"] for one in after["sizes"]},
        ),
        files=_sizes(
            {name: one["bytes"] for name, one in before["files"].items()},
            {name: one["bytes"] for name, one in after["files"].items()},
        ),
    )


def _protected(rows: Iterable[Row]) -> set[str]:
    return {one["protection"] for one in rows if one["standing"] == Standing.ON}


def _rights_changes(before: Sequence[Row], after: Sequence[Row]) -> Iterable[RightsChange]:
    old, new = ({one["name"]: one for one in rows} for rows in (before, after))
    for name in sorted({*old, *new}):
        was, now = _telling_alike(old.get(name), new.get(name))
        gained, lost = _exchanged(_all_rights(was), _all_rights(now))
        if was is not None and now is not None:
            more, less = _confinement_changes(was, now)
            gained, lost = (*gained, *more), (*lost, *less)
        if gained or lost:
            yield RightsChange(name, gained, lost)


def _telling_alike(was: Row | None, now: Row | None) -> tuple[Row | None, Row | None]:
    """Return the rows of a service; builds of before said nothing of ports."""
    if was is None or now is None:
        return was, now
    before, after = (one.get("listens", ()) for one in (was, now))
    return {"listens": after, **was}, {"listens": before, **now}


def _exchanged(was: Words, now: Words) -> tuple[Words, Words]:
    """Return what came, and what is gone."""
    return tuple(one for one in now if one not in was), tuple(one for one in was if one not in now)


def _confinement_changes(was: Row, now: Row) -> tuple[Words, Words]:
    """Return what a service that stayed gained and lost by what it is held to besides rights."""
    held_more, held_less = _held(was.get("landlock", ()), now.get("landlock", ()))
    own_before, own_now = (one.get("userns", "host") == "new" for one in (was, now))
    told = ("no user namespace of its own",)
    gained, lost = _exchanged(() if own_before else told, () if own_now else told)
    return (*held_less, *gained), (*held_more, *lost)


def _held(before: Sequence[str], after: Sequence[str]) -> tuple[Words, Words]:
    """Return what Landlock takes away that it left before, and what it leaves that it took.

    The words are those of its launcher; each allows something, but those that have no colon:
    they forbid what is not named after them. Without any word nothing is held.
    """
    if not before or not after:
        told = ("what Landlock holds back",)
        return (told if after else (), told if before else ())
    found: list[tuple[str, ...]] = []
    for old, new in ((after, before), (before, after)):
        allows = (one.replace(":", " ", 1) for one in new if ":" in one and one not in old)
        forbids = (f"any TCP {one}" for one in old if ":" not in one and one not in new)
        found.append(tuple(f"Landlock: {one}" for one in (*allows, *forbids)))
    return found[0], found[1]


def _all_rights(row: Row | None) -> Words:
    """Return the rights with those that the table of a report has in columns of their own."""
    if row is None:
        return ()
    runs_as_root = ("runs as root",) if row["uid"] == 0 else ()
    network = (f"network {row['net']}",) if row["net"] not in ("new", "none") else ()
    listens = (f"listens on {port}" for port in row.get("listens", ()))
    return (*runs_as_root, *network, *listens, *rights(row))


def _sizes(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[SizeChange, ...]:
    changes = (
        SizeChange(name, before.get(name, 0), after.get(name, 0)) for name in {*before, *after}
    )
    differing = (one for one in changes if one.before_bytes != one.after_bytes)
    return tuple(sorted(differing, key=lambda one: (one.before_bytes - one.after_bytes, one.name)))
