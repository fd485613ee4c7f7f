"""What differs between two builds, as lines for people: what may do more comes first."""

from collections.abc import Sequence

from edge.cli.table import human, table, visible
from edge.image.difference import Difference, SizeChange

_SHOWN_MOST = 12


def build_lines(found: Difference) -> list[str]:
    """Return the lines; each part that has any ends with an empty one."""
    gained = [(one.service, right) for one in found.rights for right in one.gained]
    lost = [(one.service, right) for one in found.rights for right in one.lost]
    parts = (
        [f"protection of the kernel GONE: {one}" for one in found.protections_lost],
        [f"{visible(name)} GAINS: {visible(right)}" for name, right in gained],
        [f"{visible(name)} loses: {visible(right)}" for name, right in lost],
        [f"protection of the kernel new: {one}" for one in found.protections_gained],
        _sizes("in the root", found.parts),
        _sizes("file", found.files),
    )
    return [line for part in parts if part for line in (*part, "")]


def _sizes(what: str, changes: Sequence[SizeChange]) -> list[str]:
    if not changes:
        return []
    shown = changes
    if len(changes) > _SHOWN_MOST:
        most = sorted(changes, key=lambda one: -abs(one.after_bytes - one.before_bytes))
        shown = [one for one in changes if one in most[:_SHOWN_MOST]]
    rows = [
        (visible(one.name), human(one.before_bytes), human(one.after_bytes), _step(one))
        for one in shown
    ]
    lines = table((what, "before", "after", ""), rows, right={1, 2, 3})
    left = len(changes) - len(shown)
    return [*lines, *([f"and {left} more"] if left else [])]


def _step(one: SizeChange) -> str:
    step_bytes = one.after_bytes - one.before_bytes
    return f"{'+' if step_bytes > 0 else '-'}{human(abs(step_bytes))}"
