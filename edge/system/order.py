"""The order in which services start, from who depends on whom."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter


def start_order(needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return all names, each after those that it needs; else in the order given.

    Needs that are not names themselves, and those that close a circle, do not count.
    """
    sorter = TopologicalSorter(_without(needs, circles(needs)))
    return tuple(sorter.static_order())


def circles(needs: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return circles, such that without one link of each none is left.

    A circle reads "first needs second needs ... needs first"; the first name is repeated at its
    end, and is the one that comes first in the order given.
    """
    found: list[tuple[str, ...]] = []
    while True:
        try:
            TopologicalSorter(_without(needs, found)).prepare()
        except CycleError as error:
            found.append(_from_first(list(needs), list(reversed(error.args[1]))[:-1]))
        else:
            return found


def _from_first(names: list[str], circle: list[str]) -> tuple[str, ...]:
    first = circle.index(min(circle, key=names.index))
    turned = circle[first:] + circle[:first]
    return (*turned, turned[0])


def _without(
    needs: Mapping[str, Sequence[str]], found: Sequence[tuple[str, ...]]
) -> dict[str, list[str]]:
    dropped = {circle[:2] for circle in found}
    return {
        name: [need for need in wanted if need in needs and (name, need) not in dropped]
        for name, wanted in needs.items()
    }
