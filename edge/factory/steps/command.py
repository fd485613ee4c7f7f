"""A step of one's own: a command that gets JSON and gives JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge import process
from edge.errors import EdgeError
from edge.factory.line import Line
from edge.factory.steps.step import Job

_MOST_BYTES: Final = 16 << 10
_MOST_RESULTS: Final = 100


@dataclass(frozen=True, slots=True)
class CommandStep:
    """Runs a command in the folder of the line.

    Attributes:
        name: Of the step.
        words: The command; a first word with a `/` in it is a path in the folder of the line.
        folder: That of the line.
        line: What is told of it.
    """

    name: str
    words: Sequence[str]
    folder: Path
    line: Line

    def run(self, job: Job) -> Mapping[str, Any]:
        """See `Step`; a status other than 0 has failed, and its last line says why."""
        asked = json.dumps(
            {
                "step": self.name,
                "line": self.line.line,
                "product": self.line.product,
                "board": self.line.board,
                "unit": job.unit,
                "device": job.device,
                "port": job.port,
                "board_serial": job.seen.serial,
                "order": job.order,
                "operator": job.operator,
                "facts": {name: dict(facts) for name, facts in job.facts.items()},
            }
        )
        done = process.run(
            self.words,
            input_bytes=asked.encode() + b"\n",
            cwd=self.folder,
            timeout_s=job.timeout_s,
        )
        return {"results": results(done.stdout, self.name)}


def results(output: bytes, name: str) -> dict[str, str]:
    """Return what a command has measured: names and values as text.

    Raises:
        EdgeError: It did not print one flat object of JSON.
    """
    if not output.strip():
        return {}
    if len(output) > _MOST_BYTES:
        raise EdgeError(f"{name}: it printed more than {_MOST_BYTES} bytes")
    try:
        found = json.loads(output)
    except ValueError as error:
        raise EdgeError(f"{name}: it printed no JSON: {error}") from error
    if not isinstance(found, dict) or len(found) > _MOST_RESULTS:
        raise EdgeError(f"{name}: it has to print one object of at most {_MOST_RESULTS} values")
    return {key: _text(name, key, value) for key, value in found.items()}


def _text(name: str, key: str, value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return json.dumps(value)
        case _:
            raise EdgeError(f"{name}: {key} has to be text, a number, true or false")
