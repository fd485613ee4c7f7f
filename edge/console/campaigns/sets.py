"""What a device is meant to run of the releases of a plan: one system, and one of each service.

The system comes first, then the services by their names, each by an order of its own. Pure: what a
device runs is told by its row and its status.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

from edge.console.campaigns.plan import Plan
from edge.console.devices.services import is_one
from edge.console.releases import EDGE, FOREIGN, SERVICE, Release
from edge.errors import InputError

_PRODUCT_HINT: Final = "--product says of which product the releases are"


class Runs(Protocol):
    """What is known of a device, or of devices that are alike."""

    @property
    def product(self) -> str:
        """What it is; empty if it has not said it."""

    @property
    def version(self) -> str:
        """Of its system."""

    @property
    def board(self) -> str:
        """Which board it is; empty if it has not said it."""


def for_one(known: Iterable[Release], device: Runs, *, is_ddi: bool) -> list[Release]:
    """Return what a device is meant to run, in the order in which it takes it."""
    fitting = [
        one
        for one in known
        if (one.kind == FOREIGN) == is_ddi
        and device.product in ("", one.product)
        and (not device.board or device.board in one.boards)
    ]
    systems = [one for one in fitting if one.kind != SERVICE][:1]
    services: dict[str, Release] = {}
    for one in fitting:
        # Who has not said what it is gets nothing of two products.
        if one.kind == SERVICE and one.product == (systems or fitting)[0].product:
            services.setdefault(one.service, one)
    return [*systems, *(services[name] for name in sorted(services))]


def version(one: Release, device: Runs, services: Mapping[str, str] | None) -> str:
    """Return what a device runs in place of a release, or as it; empty if it does not say."""
    return (services or {}).get(one.service, "") if one.kind == SERVICE else device.version


def runs(one: Release, device: Runs, services: Mapping[str, str] | None) -> bool:
    """Return whether a device runs a release, as far as it told."""
    said = version(one, device, services)
    is_it = is_one(said, one) if one.kind == SERVICE else said == one.version
    return is_it and device.product == one.product


def left(
    parts: Iterable[Release],
    device: Runs,
    services: Mapping[str, str] | None,
    done: Collection[str] = (),
) -> list[Release]:
    """Return what a device has still to take of what is meant.

    Args:
        parts: What is meant, in order.
        device: What it runs.
        services: What it told of its services.
        done: Paths of releases that count as taken, whatever it told.
    """
    return [one for one in parts if one.path not in done and not runs(one, device, services)]


def lacking(rest: Sequence[Release], services: Mapping[str, str] | None) -> str:
    """Return a service that is meant, and that no system of the device has; empty for none.

    What a system has that the device is yet to get is not known.
    """
    if services is None or any(one.kind != SERVICE for one in rest):
        return ""
    return next((one.service for one in rest if one.service not in services), "")


def check(plan: Plan, known: Sequence[Release]) -> None:
    """Refuse a set that no device could run as it is meant.

    Args:
        plan: The plan.
        known: Its releases, in its order.

    Raises:
        InputError: With the place of the release.
    """
    for number, one in enumerate(known):
        mistake = _twice(one, known[:number])
        if not mistake and one.kind == SERVICE:
            mistake = _without_system(one, known)
        if mistake:
            text, hint = mistake
            raise InputError(f"releases[{number}]: {_name(one)} {text}", hint=hint)
    if plan.policy.download_only and any(_is_beside(one, known) for one in known):
        raise InputError(
            "download_only: several releases are installed one after the other, and each one"
            " when the one before runs",
            hint="one campaign for each release",
        )


def _twice(one: Release, before: Iterable[Release]) -> tuple[str, str] | None:
    for other in before:
        is_same = (one.kind, one.product, one.service) == (other.kind, other.product, other.service)
        boards = set(one.boards) & set(other.boards)
        if is_same and boards:
            return (
                f"is for the same devices as {_name(other)}: {', '.join(sorted(boards))}",
                "a device gets one system, and one version of each service",
            )
    return None


def _without_system(one: Release, known: Sequence[Release]) -> tuple[str, str] | None:
    """Return why a service can not run with the systems of its set; None if it can."""
    systems = [each for each in known if each.kind == EDGE]
    same = [each for each in systems if each.product == one.product]
    if foreign := [e for e in known if e.kind == FOREIGN and e.product == one.product]:
        text = f"can not be taken by devices that speak DDI, for which {_name(foreign[0])} is"
        return text, "one campaign for each"
    if systems and not any(set(each.boards) & set(one.boards) for each in same):
        return f"is not for the system of this set: {_name(systems[0])}", _PRODUCT_HINT
    for system in same:
        if one.from_counter > system.counter:
            text = f"is for systems from counter {one.from_counter} on"
        elif one.counter < system.counter:
            text = f"has the counter {one.counter}"
        else:
            continue
        hint = "a version of the service that was made for this system"
        return f"{text}, and {_name(system)} has {system.counter}", hint
    return None


def _is_beside(one: Release, known: Iterable[Release]) -> bool:
    """Return whether there is something else for the same devices."""
    others = (each for each in known if each.product == one.product and each.path != one.path)
    return any(
        each.service != one.service and set(each.boards) & set(one.boards) for each in others
    )


def _name(one: Release) -> str:
    return f"{one.product} {one.version}"
