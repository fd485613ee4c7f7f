"""Read device.yml and what `--set` says over it: one tree, one model, all mistakes at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from edge.errors import InputError, Problem, ProblemsError
from edge.flash.customise.model import Device
from edge.strict.document import Node, Parsed, Step, parse, read_text
from edge.strict.model import StrictModel, examine, model_at

SECRET: Final = "console.token"  # noqa: S105  # no secret, but the name of a key
_SECRET_FILE: Final = "console.token_file"  # noqa: S105
_NOWHERE: Final = Node({}, 1, 1)


@dataclass(frozen=True, slots=True)
class Read:
    """What was said of a device.

    Attributes:
        device: All of it.
        folder: Where files that it names are looked for.
        place: What to call it in errors.
    """

    device: Device
    folder: Path
    place: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One `--set key=value`.

    Attributes:
        steps: The key, step by step.
        node: The value; its line is minus the number of the option.
    """

    steps: tuple[str, ...]
    node: Node

    @property
    def key(self) -> str:
        """The key as it was written."""
        return ".".join(self.steps)


def read(file: Path | None, settings: Sequence[str] = ()) -> Read:
    """Return what a file says, and options over it.

    Args:
        file: A device.yml; None for the options alone.
        settings: Each `key=value`, such as `network.eth0.method=dhcp`. A value that begins with
            `[` or `{` is YAML, any other is text; lists grow with each option.

    Raises:
        ProblemsError: All that is wrong, each with its place.
        InputError: The file cannot be read, or an option is not `key=value`.
    """
    parsed = parse(read_text(file), str(file)) if file else Parsed("--set", _NOWHERE)
    options = [_setting(text, number) for number, text in enumerate(settings, 1)]
    for one in options:
        parsed = replace(parsed, root=_with(parsed.root, one.steps, one.node, ()))
    device, problems = examine(Device, parsed)
    if device is None or problems:
        raise ProblemsError([_placed(problem, options) for problem in problems])
    return Read(device, file.parent if file else Path(), str(file) if file else "--set")


def _setting(text: str, number: int) -> Setting:
    key, equals, value = text.partition("=")
    if not equals or not all(key.split(".")):
        shown = key if key.startswith("console") else text
        raise InputError(f"--set {shown!r}: not KEY=VALUE", hint="like hostname=gateway-7")
    if key == SECRET:
        if not value.startswith("@"):
            raise InputError(
                f"--set {SECRET}: a secret never stands on a command line",
                hint=f"put it in a file with mode 0600: --set {SECRET}=@FILE",
            )
        key, value = _SECRET_FILE, str(Path(value[1:]).absolute())
    line = -number
    if value.startswith(("[", "{")):
        inner = parse(value, f"--set {key}")
        if inner.problems:
            raise ProblemsError(inner.problems)
        return Setting(tuple(key.split(".")), _moved(inner.root, line))
    return Setting(tuple(key.split(".")), Node(value, line, 1))


def _moved(node: Node, line: int) -> Node:
    """Return a tree whose every place is in the option with this number."""
    match node.value:
        case dict():
            value: Any = {key: _moved(below, line) for key, below in node.value.items()}
        case tuple():
            value = tuple(_moved(below, line) for below in node.value)
        case other:
            value = other
    return Node(value, line, node.column, {key: (line, at[1]) for key, at in node.keys.items()})


def _with(node: Node, steps: tuple[str, ...], value: Node, above: tuple[Step, ...]) -> Node:
    """Return a tree with a value at a place."""
    if not steps:
        return _joined(node, value, above)
    inner = node.value if isinstance(node.value, dict) else {}
    step, *rest = steps
    missing = Node({} if rest else (), value.line, 1)
    below = _with(inner.get(step, missing), tuple(rest), value, (*above, step))
    keys = {**node.keys, step: node.keys.get(step, (value.line, 1))}
    return Node({**inner, step: below}, node.line, node.column, keys)


def _joined(node: Node, value: Node, path: tuple[Step, ...]) -> Node:
    """Return the new value of a place; that of a list is added to it."""
    if not _is_list(path) or not isinstance(value.value, str):
        return value
    before = node.value if isinstance(node.value, tuple) else ()
    return Node((*before, value), value.line, 1)


def _is_list(path: tuple[Step, ...]) -> bool:
    inner: type[StrictModel] | None = model_at(Device, path[:-1])
    field = inner.key_fields().get(str(path[-1])) if inner else None
    return inner is not None and field is not None and _has_tuple(inner.model_fields[field])


def _has_tuple(field: Any) -> bool:
    kinds: Iterable[Any] = (field.annotation, *get_args(field.annotation))
    return any(get_origin(kind) is tuple for kind in kinds)


def _placed(problem: Problem, options: Sequence[Setting]) -> Problem:
    """Return a problem of an option with the key of the option in place of a line."""
    if problem.line > 0:
        return problem
    return replace(problem, file=f"--set {options[-problem.line - 1].key}", line=1)
