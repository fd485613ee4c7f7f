"""What no single entry shows: keys in the wrong section, names twice, circles, unknown needs."""

from collections.abc import Iterator, Mapping, Sequence, Set

from edge.errors import Problem
from edge.strict.document import Node, Parsed, Step
from edge.strict.text import suggestion
from edge.system.model import Item
from edge.system.order import circles
from edge.system.parts import Section, Written
from edge.system.reference import LOCAL
from edge.system.settings import Settings
from edge.system.volumes import Volume, mistake, named

_ONLY_SERVICES = (
    *("restart", "depends_on", "after", "ready", "health", "stop_timeout_s", "listens", "update"),
)
_MEANINGLESS = {
    Section.SERVICES: ("timeout_s", "on_failure", "before_data"),
    Section.ONBOOT: _ONLY_SERVICES,
    Section.ONSHUTDOWN: (*_ONLY_SERVICES, "on_failure", "before_data"),
}


def check_section(
    item: Item, base: Settings, section: Section, parsed: Parsed, path: tuple[Step, ...]
) -> Iterator[Problem]:
    """Give a problem for each key that has no meaning in the section of an item.

    Args:
        item: As written.
        base: The settings of its service folder, if it has one: they tell what it is for.
        section: Where it is listed.
        parsed: The file.
        path: The place in the file.
    """
    ending = [key for key in _MEANINGLESS[Section.SERVICES] if key in base.model_fields_set]
    if section is Section.SERVICES and ending:
        message = f"this runs to its end, as its service.yml says by {ending[0]!r}"
        yield parsed.problem(path, message, hint="list it in onboot or onshutdown")
    for key in _MEANINGLESS.get(section, ()):
        if key in item.model_fields_set:
            yield parsed.problem((*path, key), f"{key!r} has no meaning in {section}", key=True)


def check_templates(parsed: Parsed) -> Iterator[Problem]:
    """Give a problem for each `@pkg:` that names no image: it would be plain text there."""
    yield from _templates(parsed, parsed.root, ())


def _templates(parsed: Parsed, node: Node, path: tuple[Step, ...]) -> Iterator[Problem]:
    names_image = path[-1:] == ("image",) or (path[:1] == ("init",) and len(path) == 2)
    if isinstance(node.value, str) and node.value.startswith(LOCAL) and not names_image:
        message = f"{node.value!r}: '{LOCAL}' has a meaning where an image is named only"
        yield parsed.problem(path, message, hint="write the name that is meant")
    for step, below in node.children():
        yield from _templates(parsed, below, (*path, step))


def check_volumes(written: Sequence[Written], volumes: Mapping[str, Volume]) -> Iterator[Problem]:
    """Give a problem for each bind of an item to a volume that is not there or is only read."""
    for one in written:
        uses = named(one.entry) if isinstance(one.entry, Settings) else ()
        for key, index, name, only_read in uses:
            if said := mistake(name, volumes, only_read=only_read):
                hint = suggestion(name, volumes, what="volumes")
                if name in volumes:
                    hint = f"append ':ro', or write `readonly: false` for the volume {name!r}"
                yield one.parsed.problem((*one.path, key, index), said, hint=hint)


def check_graph(written: Sequence[Written], names: Set[str]) -> Iterator[Problem]:
    """Give the problems between services.

    Args:
        written: All parts of the system.
        names: Names of services, those with other mistakes included.
    """
    services = [one for one in written if one.part.section is Section.SERVICES]
    yield from _twice(services)
    for one in services:
        yield from _unknown(one, names, {other.part.name for other in written})
    by_name = {one.part.name: one for one in services}
    needs = {name: one.part.settings.waits_for for name, one in by_name.items()}
    for circle in circles(needs):
        first = by_name[circle[0]]
        message = f"a circle: {' needs '.join(circle)}"
        yield first.parsed.problem(_place(first), message, hint="take one of them out")


def _twice(services: Sequence[Written]) -> Iterator[Problem]:
    first: dict[str, Written] = {}
    for one in services:
        name = one.part.name
        if name in first:
            other = first[name]
            line, _ = other.parsed.place(other.path)
            yield one.parsed.problem(
                (*one.path, "name"),
                f"two services are called {name!r}, the first in {other.parsed.name}:{line}",
                hint="give one of them another `name:`",
            )
        first.setdefault(name, one)


def _unknown(one: Written, names: Set[str], others: Set[str]) -> Iterator[Problem]:
    own = "depends_on" in one.entry.model_fields_set
    for index, need in enumerate(one.part.settings.depends_on):
        if need in names:
            continue
        hint = suggestion(need, names - {one.part.name}, what="services")
        if need in others:
            hint = "onboot ends before any service starts: no need to name it"
        if own:
            place: tuple[Step, ...] = (*one.path, "depends_on", index)
            yield one.parsed.problem(place, f"there is no service {need!r}", hint=hint)
        else:
            message = f"{one.part.name!r} needs the service {need!r}, which is not listed"
            hint = f"add `- service: {need}`, or write `depends_on: []` here"
            yield one.parsed.problem(one.path, message, hint=hint)


def _place(one: Written) -> tuple[Step, ...]:
    return (*one.path, "depends_on") if "depends_on" in one.entry.model_fields_set else one.path
