"""Which packages somebody looks for."""

from collections.abc import Iterable

from edge.sbom.model import SYSTEM, Package

# How the system is called where words are looked for, and where places are told to people.
SYSTEM_WORD = "system"


def chosen(packages: Iterable[Package], match: str = "", service: str = "") -> list[Package]:
    """Return packages of a service that have all of some words; their order stays.

    Args:
        packages: To choose from.
        match: Words that occur in its name, version, licence or places, in any case.
        service: Holds it; empty for any.
    """
    words = match.casefold().split()
    return [one for one in packages if (not service or service in one.places) and _has(one, words)]


def _has(one: Package, words: list[str]) -> bool:
    places = (place if place != SYSTEM else SYSTEM_WORD for place in one.places)
    text = "\n".join((one.name, one.version, one.licence, *places)).casefold()
    return all(word in text for word in words)
