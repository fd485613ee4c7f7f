"""The OpenAPI document, made of the endpoints themselves.

Source: OpenAPI Specification 3.1.0.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from edge.console.api import repeats
from edge.console.api.endpoint import Endpoint
from edge.console.api.views import ErrorView

PREFIX: Final = "/api/v1"
_PART: Final = re.compile(r"\{(\w+)\}")
_REFERENCE: Final = "#/components/schemas/{model}"
_JSON: Final = "application/json"
_FILE: Final = "application/octet-stream"


def document(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """Return the document of these endpoints."""
    known = tuple(endpoints)
    schemas = _schemas(known)
    paths: dict[str, dict[str, Any]] = {}
    for one in known:
        paths.setdefault(f"{PREFIX}{one.path}", {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Edge console", "version": version},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _schemas(endpoints: tuple[Endpoint, ...]) -> dict[str, Any]:
    answers = {one.answer for one in endpoints if one.answer is not None} | {ErrorView}
    bodies = {one.body for one in endpoints if one.body is not None}
    models: list[tuple[type[BaseModel], Any]] = [(one, "serialization") for one in answers]
    models += [(one, "validation") for one in bodies]
    models.sort(key=lambda pair: pair[0].__name__)
    _names, found = models_json_schema(models, ref_template=_REFERENCE)
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def _operation(one: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {
        "summary": one.summary,
        "operationId": f"{one.act.__module__.rpartition('.')[2]}.{one.act.__name__.strip('_')}",
        "description": f"Scope: {one.scope}",
        "parameters": _parameters(one),
        "responses": _responses(one),
    }
    if one.body is not None:
        found["requestBody"] = {"required": True, "content": {_JSON: {"schema": _to(one.body)}}}
    elif one.is_upload:
        schema = {"type": "string", "format": "binary"}
        found["requestBody"] = {
            "required": True,
            "content": {_FILE: {"schema": schema}},
        }
    return found


def _parameters(one: Endpoint) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PART.findall(one.path)
    ]
    if one.query is not None:
        schema = one.query.model_json_schema()
        defined = schema.get("$defs", {})
        found += [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "schema": _inlined(each, defined),
            }
            for name, each in schema["properties"].items()
        ]
    if one.is_repeatable:
        key = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}
        found.append({"name": repeats.HEADER, "in": "header", "required": False, "schema": key})
    return found


def _inlined(schema: Any, defined: dict[str, Any]) -> Any:
    match schema:
        case {"$ref": reference}:
            return defined[reference.rpartition("/")[2]]
        case dict():
            return {name: _inlined(value, defined) for name, value in schema.items()}
        case list():
            return [_inlined(value, defined) for value in schema]
        case _:
            return schema


def _responses(one: Endpoint) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done"}
    if one.is_download:
        good["content"] = {_FILE: {"schema": {"type": "string", "format": "binary"}}}
    elif one.answer is not None:
        good["content"] = {_JSON: {"schema": _to(one.answer)}}
    bad = {"description": "Not done", "content": {_JSON: {"schema": _to(ErrorView)}}}
    return {str(one.status): good, "4XX": bad, "5XX": bad}


def _to(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
