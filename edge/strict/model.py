"""From a YAML tree to a pydantic model, every mistake at once and with its place.

The rule: no key is dropped in silence. A key is known and carried out, or it is an error.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from edge.errors import Problem, ProblemsError
from edge.strict.document import Node, Parsed, Step, parse
from edge.strict.text import nearest, suggestion
from edge.strict.wording import worded

M = TypeVar("M", bound="StrictModel")


class StrictModel(BaseModel):
    """A value read from a file: frozen, no unknown keys, no conversions.

    `not_yet` names keys that are understood, and refused until they are carried out.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_by_name=True, validate_by_alias=True
    )
    not_yet: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def key_fields(cls) -> dict[str, str]:
        """Return the field of each key, in the order of the model."""
        return {field.alias or name: name for name, field in cls.model_fields.items()}


def wrong(message: str, hint: str | None = None) -> PydanticCustomError:
    """Return the error for a validator to raise."""
    return PydanticCustomError("edge", "{message}", {"message": message, "hint": hint})


def load_model(model: type[M], text: str, name: str) -> M:
    """Return the model of a YAML text.

    Raises:
        ProblemsError: All that is wrong in the text.
    """
    value, problems = examine(model, parse(text, name))
    if value is None or problems:
        raise ProblemsError(problems)
    return value


def examine(model: type[M], parsed: Parsed) -> tuple[M | None, list[Problem]]:
    """Return the model, when there is one, and all problems in the order of the lines."""
    problems = list(parsed.problems)
    if problems and parsed.root.value is None:
        return None, problems
    problems += _not_yet(model, parsed)
    value, more = validated(model, parsed, ())
    places = {(problem.line, problem.column) for problem in problems}
    problems += [problem for problem in more if (problem.line, problem.column) not in places]
    return value, sorted(problems, key=lambda problem: (problem.line, problem.column))


def validated(
    model: type[M], parsed: Parsed, path: tuple[Step, ...]
) -> tuple[M | None, list[Problem]]:
    """Return the model of the tree at `path`, and what the model says against it."""
    node: Node | None = parsed.root
    for step in path:
        node = node.child(step) if node is not None else None
    if node is None or not isinstance(node.value, dict):
        message = "a mapping is needed here: lines of `key: value`"
        return None, [parsed.problem(path, message, hint=_keys_hint(model))]
    try:
        # Strict mode of JSON takes a list for a tuple and text for an enum, and converts no more.
        text = json.dumps(node.plain())
        return model.model_validate_json(text, by_alias=True, by_name=False), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    return None, [_problem(model, parsed, path, detail) for detail in details]


def _problem(
    model: type[StrictModel], parsed: Parsed, path: tuple[Step, ...], detail: ErrorDetails
) -> Problem:
    steps = (*path, *_written(parsed, path, detail))
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            unknown = f"unknown key {steps[-1]!r}"
            keys = _unknown_hint(model, detail["loc"])
            return parsed.problem(steps, unknown, hint=keys, key=True)
        case "missing":
            return parsed.problem(steps[:-1], f"the key {steps[-1]!r} is missing")
        case "edge":
            return parsed.problem(steps, context["message"], hint=context["hint"])
        case kind:
            message, hint = worded(kind, detail["input"], context)
            return parsed.problem(steps, message, hint=hint)


def _written(parsed: Parsed, path: tuple[Step, ...], detail: ErrorDetails) -> tuple[Step, ...]:
    """Return the steps of a pydantic place that are written in the file, less its own marks."""
    location = detail["loc"]
    if detail["type"] == "missing":
        return location
    node: Node | None = parsed.root
    for step in path:
        node = node.child(step) if node else None
    steps: list[Step] = []
    for step in location:
        below = node.child(step) if node else None
        if below is None:
            break
        steps.append(step)
        node = below
    return tuple(steps)


def _unknown_hint(model: type[StrictModel], location: tuple[Step, ...]) -> str:
    inner = model_at(model, location[:-1]) or model
    keys = [*inner.key_fields(), *inner.not_yet]
    word = str(location[-1])
    return suggestion(word, keys, what="keys here") if nearest(word, keys) else _keys_hint(inner)


def _keys_hint(model: type[StrictModel]) -> str:
    return "keys here: " + ", ".join(key for key in model.key_fields() if key not in model.not_yet)


def _not_yet(model: type[StrictModel], parsed: Parsed) -> Iterator[Problem]:
    """Give a problem for each written key that is understood but not carried out yet."""
    for path in _paths(parsed.root, ()):
        inner = model_at(model, path[:-1])
        if inner is not None and path[-1] in inner.not_yet:
            yield parsed.problem(path, f"{path[-1]!r} is not supported yet", key=True)


def _paths(node: Node, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    for step, below in node.children():
        if isinstance(node.value, dict):
            yield (*path, step)
        yield from _paths(below, (*path, step))


def model_at(model: type[StrictModel], path: tuple[Step, ...]) -> type[StrictModel] | None:
    """Return the model that reads the mapping at `path`."""
    kind: Any = model
    for step in path:
        if get_origin(kind) is dict and isinstance(step, str):
            kind = _inner(get_args(kind)[1])
        elif isinstance(step, str) and isinstance(kind, type) and issubclass(kind, StrictModel):
            field = kind.key_fields().get(step)
            kind = _inner(kind.model_fields[field].annotation) if field else None
    return kind if isinstance(kind, type) and issubclass(kind, StrictModel) else None


def _inner(annotation: Any) -> Any:
    """Return the model inside `Model | None`, `tuple[Model, ...]` or `Annotated[Model, ...]`.

    A mapping of models with keys of their own, `dict[str, Model]`, stays one.
    """
    if get_origin(annotation) is dict:
        return annotation
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation if issubclass(annotation, StrictModel) else None
    inside = (
        get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    )
    found = (_inner(part) for part in inside)
    return next((part for part in found if part is not None), None)
