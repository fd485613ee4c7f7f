"""What patches save, for people and machines."""

from collections.abc import Sequence

from edge.cli.table import human
from edge.release.adding import Saving


def saving_facts(savings: Sequence[Saving]) -> list[dict[str, object]]:
    """Return what each patch saves."""
    return [
        {
            "from": one.base_version,
            "partition": one.partition,
            "patch_bytes": one.patch_bytes,
            "full_bytes": one.full_bytes,
            "used": one.used,
        }
        for one in savings
    ]


def saving_lines(savings: Sequence[Saving]) -> list[str]:
    """Return a line for each patch."""
    return [f"  from {one.base_version}: {one.partition}: {_words(one)}" for one in savings]


def _words(one: Saving) -> str:
    share = f"{100 * one.patch_bytes / one.full_bytes:.2f} %"
    sizes = f"patch {human(one.patch_bytes)}, full {human(one.full_bytes)}"
    return f"{sizes}: {share}" if one.used else f"{sizes}: the full payload is used"
