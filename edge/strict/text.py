"""Words for messages: paths in a file and the nearest known name."""

from collections.abc import Iterable
from difflib import get_close_matches


def path_text(path: Iterable[str | int]) -> str:
    """Return a path as people write it: `services[1].binds[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `word`, or None when none is like it."""
    by_folded = {name.casefold(): name for name in sorted(known)}
    found = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def suggestion(word: str, known: Iterable[str], *, what: str = "known names") -> str:
    """Return a hint: the nearest known name, else all of them."""
    names = sorted(known)
    if found := nearest(word, names):
        return f"did you mean {found!r}?"
    return f"{what}: {', '.join(names)}" if names else f"there are no {what}"
