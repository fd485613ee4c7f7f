"""JSON schemas of models, for editors that check while typing."""

from typing import Any

from edge.strict.model import StrictModel

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(model: type[StrictModel], title: str) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a model, keys as they are written."""
    return {"$schema": _DIALECT, **model.model_json_schema(by_alias=True), "title": title}
