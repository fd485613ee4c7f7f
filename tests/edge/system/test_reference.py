"""The reference of the files names every key, and the schemas hold them too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.board.model import Board
from edge.strict.model import StrictModel, model_at
from edge.system.model import System
from edge.system.packaging import ServiceFile
from edge.system.schema import schema

REFERENCE = Path(__file__).parents[3] / "docs" / "system-file.md"


def keys(model: type[StrictModel]) -> Iterator[str]:
    """Give each key of a model and of the models inside it."""
    for key in [*model.key_fields(), *model.not_yet]:
        yield key
        inner = model_at(model, (key,))
        # What is refused as a whole has no keys to look up yet.
        if inner is not None and key not in model.not_yet:
            yield from keys(inner)


@pytest.mark.parametrize("model", [System, ServiceFile, Board])
def test_every_key_is_in_the_reference(model: type[StrictModel]) -> None:
    named = set(re.findall(r"[A-Za-z_.]+", REFERENCE.read_text(encoding="utf-8")))
    named |= {part for word in named for part in word.split(".")}

    assert sorted(set(keys(model)) - named) == []


def test_the_schemas_hold_keys_as_they_are_written() -> None:
    system, service = schema("system"), schema("service")

    assert "binds.add" in system["$defs"]["Item"]["properties"]
    assert system["additionalProperties"] is False
    assert "noNewPrivileges" in service["properties"]
    assert service["required"] == ["description"]


def test_a_mode_in_a_schema_is_text() -> None:
    mode = schema("system")["$defs"]["SystemFile"]["properties"]["mode"]

    assert {"type": "string", "pattern": "^0*[0-7]{1,4}$"} in mode["anyOf"]


def test_a_port_in_a_schema_is_one_that_the_reader_takes() -> None:
    pattern = schema("service")["properties"]["listens"]["items"]["pattern"]
    ports = schema("service")["$defs"]["Landlock"]["properties"]["tcp_bind"]["anyOf"][0]["items"]

    taken = [number for number in range(70_000) if re.fullmatch(pattern, f"tcp/{number}")]

    assert taken == list(range(1, 65_536))
    for wrong in ("tcp/080", "tcp/+80", "sctp/80", "80", "tcp/80 "):
        assert not re.search(pattern, wrong)
    assert (ports["type"], ports["minimum"], ports["maximum"]) == ("integer", 0, 65_535)
