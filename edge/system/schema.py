"""JSON schemas of the files that people write, for editors that check while typing."""

from typing import Any, Literal

from edge.strict.model import StrictModel
from edge.strict.schema import schema_of
from edge.system.model import System
from edge.system.packaging import ServiceFile

Kind = Literal["system", "service"]
_TITLES: dict[str, str] = {
    "system": "system.yml of Edge",
    "service": "service.yml of Edge",
}
_MODELS: dict[str, type[StrictModel]] = {"system": System, "service": ServiceFile}


def schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a kind of file, keys as they are written."""
    return schema_of(_MODELS[kind], _TITLES[kind])
