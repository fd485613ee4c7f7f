"""Strict YAML: text becomes a tree of nodes, each with its line and column.

The rule: what two readers could read in two ways is an error, and all errors are found at once.
Refused are double keys, octals, tags that are not YAML's own, several documents and trees that are
too large. Anchors, aliases and merge keys are read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from edge.errors import InputError, Problem, ProblemsError, ThingNotFoundError
from edge.strict import scalars, tags
from edge.strict.syntax import Stop, events, position_of
from edge.strict.text import path_text

_DEPTH_AT_MOST = 40
_NODES_AT_MOST = 50_000
_CHARACTERS_AT_MOST = 1 << 20
_MERGE = "<<"

Value: TypeAlias = "scalars.Scalar | tuple[Node, ...] | dict[str, Node]"
Step: TypeAlias = str | int
Plain: TypeAlias = "scalars.Scalar | list[Plain] | dict[str, Plain]"


@dataclass(frozen=True, slots=True)
class Node:
    """A value with the place where it is written; lines and columns count from 1.

    `keys` holds the place of each key of a mapping. `count` is the number of nodes in the tree.
    """

    value: Value
    line: int
    column: int
    keys: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    count: int = 1

    def plain(self) -> Plain:
        """Return the value as plain lists, dicts and scalars."""
        match self.value:
            case dict():
                return {key: node.plain() for key, node in self.value.items()}
            case tuple():
                return [node.plain() for node in self.value]
            case scalar:
                return scalar

    def child(self, step: Step) -> "Node | None":
        """Return the node below, or None when there is none."""
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, tuple) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None

    def children(self) -> Iterator[tuple[Step, "Node"]]:
        """Give each node directly below, with the step to it."""
        if isinstance(self.value, dict):
            yield from self.value.items()
        if isinstance(self.value, tuple):
            yield from enumerate(self.value)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file as far as it could be read, and what is wrong with it as YAML."""

    name: str
    root: Node
    problems: tuple[Problem, ...] = ()

    def problem(
        self, path: tuple[Step, ...], message: str, *, hint: str | None = None, key: bool = False
    ) -> Problem:
        """Return a problem at a path; with `key`, at the key that is its last step."""
        line, column = self.place(path, key=key)
        return Problem(self.name, line, column, path_text(path), message, hint)

    def place(self, path: tuple[Step, ...], *, key: bool = False) -> tuple[int, int]:
        """Return the line and column of the deepest node of `path` that is written."""
        node = self.root
        for index, step in enumerate(path):
            if key and index == len(path) - 1 and isinstance(step, str) and step in node.keys:
                return node.keys[step]
            below = node.child(step)
            if below is None:
                break
            node = below
        return node.line, node.column


def load(text: str, name: str) -> Node:
    """Return the tree of one YAML document.

    Args:
        text: The whole document.
        name: How errors call the file.

    Raises:
        ProblemsError: The text is not strict YAML; all problems at once.
    """
    parsed = parse(text, name)
    if parsed.problems:
        raise ProblemsError(parsed.problems)
    return parsed.root


def parse(text: str, name: str, *, may_be_empty: bool = False) -> Parsed:
    """Return the tree as far as it can be read, and its problems in the order of the lines.

    Args:
        text: The whole document.
        name: How errors call the file.
        may_be_empty: A document without any value is a mapping without keys.
    """
    composer = _Composer(name, may_be_empty=may_be_empty)
    root = composer.document(text.removeprefix("\ufeff"))
    return Parsed(name, root, tuple(sorted(composer.problems, key=lambda p: (p.line, p.column))))


def read_text(path: Path) -> str:
    """Return the text of a file that a person wrote.

    Raises:
        ThingNotFoundError: There is no such file.
        InputError: It cannot be read, or it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise ThingNotFoundError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}:{line}: byte {error.object[error.start]:#04x} is not UTF-8",
            hint="save the file as UTF-8",
        ) from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: a folder, not a file", hint="name the file in it") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


class _Composer:
    """Builds the tree from the events of the YAML parser."""

    def __init__(self, name: str, *, may_be_empty: bool) -> None:
        self.problems: list[Problem] = []
        self._name = name
        self._may_be_empty = may_be_empty
        self._anchors: dict[str, Node] = {}
        self._events: Iterator[yaml.Event] = iter(())
        self._count = 0

    def document(self, text: str) -> Node:
        """Return the root; after an error of syntax, an empty one."""
        try:
            if len(text) > _CHARACTERS_AT_MOST:
                raise Stop(1, 1, f"the file has more than {_CHARACTERS_AT_MOST} characters")
            self._events = events(text)
            return self._first_document()
        except Stop as stop:
            self.problems.append(
                Problem(self._name, stop.line, stop.column, "", stop.message, stop.hint)
            )
            return Node(None, stop.line, stop.column)

    def _first_document(self) -> Node:
        next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            if self._may_be_empty:
                return Node({}, 1, 1)
            raise Stop(1, 1, "the file is empty")
        if getattr(event, "tags", None):
            self._wrong(event, (), "%TAG is not read", "remove the line with '%'")
        root = self._node(next(self._events), ())
        if root.value is None and self._may_be_empty:
            root = Node({}, root.line, root.column)
        next(self._events)
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._wrong(event, (), "a second document begins here", "one file holds one document")
        return root

    def _node(self, event: yaml.Event, path: tuple[Step, ...]) -> Node:
        if len(path) > _DEPTH_AT_MOST:
            raise Stop(*position_of(event), f"nested deeper than {_DEPTH_AT_MOST} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if not isinstance(event, yaml.CollectionStartEvent | yaml.ScalarEvent):
            raise Stop(*position_of(event), "a value is missing here")
        node = self._own(event, path)
        self._add(event, 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _own(
        self, event: yaml.CollectionStartEvent | yaml.ScalarEvent, path: tuple[Step, ...]
    ) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return Node(self._scalar(event, path), *position_of(event))
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, tags.MAPPING if is_mapping else tags.SEQUENCE):
            refused = tags.unknown(event.tag or "")
            self._wrong(event, path, refused.message, refused.hint)
        return self._mapping(event, path) if is_mapping else self._sequence(event, path)

    def _alias(self, event: yaml.AliasEvent, path: tuple[Step, ...]) -> Node:
        node = self._anchors.get(event.anchor or "")
        if node is None:
            message = f"the alias *{event.anchor} has no anchor &{event.anchor} before it"
            self._wrong(event, path, message)
            return Node(None, *position_of(event))
        self._add(event, node.count)
        return node

    def _add(self, event: yaml.Event, count: int) -> None:
        self._count += count
        if self._count > _NODES_AT_MOST:
            raise Stop(*position_of(event), f"more than {_NODES_AT_MOST} values, aliases counted")

    def _sequence(self, event: yaml.Event, path: tuple[Step, ...]) -> Node:
        nodes: list[Node] = []
        while not isinstance(below := next(self._events), yaml.SequenceEndEvent):
            nodes.append(self._node(below, (*path, len(nodes))))
        count = 1 + sum(node.count for node in nodes)
        return Node(tuple(nodes), *position_of(event), count=count)

    def _mapping(self, event: yaml.Event, path: tuple[Step, ...]) -> Node:
        nodes: dict[str, Node] = {}
        places: dict[str, tuple[int, int]] = {}
        merged: list[Node] = []
        while not isinstance(below := next(self._events), yaml.MappingEndEvent):
            key = self._key(below, path)
            node = self._node(next(self._events), (*path, key))
            if _MERGE in places and _is_merge(below):
                self._wrong(below, path, f"two keys '{_MERGE}'", "write one, with a list")
            elif _is_merge(below):
                merged, places[key] = self._merged(node, path), position_of(below)
            elif key in nodes:
                message = f"the key {key!r} is written twice, first in line {places[key][0]}"
                self._wrong(below, (*path, key), message)
            else:
                nodes[key], places[key] = node, position_of(below)
        for source in merged:
            for word, place in source.keys.items():
                inner = source.child(word)
                if word not in nodes and inner is not None:
                    nodes[word], places[word] = inner, place
        count = 1 + sum(node.count for node in nodes.values())
        return Node(nodes, *position_of(event), places, count)

    def _merged(self, node: Node, path: tuple[Step, ...]) -> list[Node]:
        """Return the mappings whose keys a merge key takes over, the strongest first."""
        sources = list(node.value) if isinstance(node.value, tuple) else [node]
        if all(isinstance(source.value, dict) for source in sources):
            return sources
        message = f"'{_MERGE}' takes a mapping or a list of mappings"
        self.problems.append(
            Problem(self._name, node.line, node.column, path_text((*path, _MERGE)), message)
        )
        return []

    def _key(self, event: yaml.Event, path: tuple[Step, ...]) -> str:
        node = self._node(event, path)
        if isinstance(node.value, str):
            return node.value
        if isinstance(event, yaml.ScalarEvent):
            message = f"the key {event.value!r} is not text"
            self._wrong(event, path, message, f'write "{event.value}" in quotes')
            return str(event.value)
        self._wrong(event, path, "a key has to be one word, not a list or a mapping")
        return "?"

    def _scalar(self, event: yaml.ScalarEvent, path: tuple[Step, ...]) -> scalars.Scalar:
        word: str = event.value
        if "\0" in word or any("\ud800" <= letter <= "\udfff" for letter in word):
            self._wrong(event, path, "the text holds a character that no file can hold")
            return ""
        if event.tag is not None:
            value = tags.tagged(event.tag, word)
        elif event.style is not None or not event.implicit[0]:
            return word
        else:
            value = scalars.meaning(word)
        if isinstance(value, scalars.Ambiguous):
            self._wrong(event, path, value.message, value.hint)
            return word
        return value

    def _wrong(
        self, event: yaml.Event, path: tuple[Step, ...], message: str, hint: str | None = None
    ) -> None:
        line, column = position_of(event)
        self.problems.append(Problem(self._name, line, column, path_text(path), message, hint))


def _is_merge(event: yaml.Event) -> bool:
    """Say whether a key takes over the keys of another mapping (yaml.org/type/merge)."""
    return isinstance(event, yaml.ScalarEvent) and event.value == _MERGE and event.implicit[0]
