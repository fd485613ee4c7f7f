"""Write docs/api.md: all endpoints of the console, from their declarations.

.venv/bin/python -m tools.api_reference
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.console.api.document import PREFIX
from edge.console.api.endpoint import Endpoint, Reach
from edge.console.api.server import ENDPOINTS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "api.md"
INTRODUCTION = f"""\
# The API of the console

Made by `tools/api_reference.py` from the declarations that also route the requests: do not edit. A
console serves the same as OpenAPI 3.1 at `{PREFIX}/openapi.json`. Tokens, errors, pages and
repeats: [console.md](console.md#api).

`*` marks what has to be sent. *Groups* says what somebody has who is limited to the devices of
groups: *no*, *own* (what he reaches), *all* (it tells nothing of devices), *whole* (of
campaigns that have no devices but his).

Beside the endpoints: `GET /healthz`, `/readyz` and `/metrics`; `GET {PREFIX}/stream` (server-sent
events: which things have changed); `{PREFIX}/session` for the page ([people.md](people.md)).
"""
_REACH = {
    **{Reach.NOTHING: "no", Reach.NAMED: "own", Reach.OWN: "own", Reach.ALL: "all"},
    **{Reach.SEEN: "own", Reach.WHOLE: "whole"},
}


def reference() -> str:
    """Return the text of docs/api.md."""
    return "\n".join([INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    titles = dict.fromkeys(one.path.split("/")[1] for one in ENDPOINTS)
    for title in titles:
        yield f"## /{title}\n"
        for one in ENDPOINTS:
            if one.path.split("/")[1] == title:
                yield "\n".join(_lines(one)) + "\n"
    yield "## Forms\n"
    for name, schema in sorted(_forms().items()):
        yield "\n".join(_form(name, schema)) + "\n"


def _lines(one: Endpoint) -> Iterator[str]:
    reach = "own" if "{device}" in one.path else _REACH[one.reach]
    yield f"**{one.method} {one.path}**: {one.summary}. `{one.scope}`; groups: {reach}.\n"
    if one.query is not None:
        yield f"- query: {_link(one.query.__name__)}"
    if one.body is not None:
        yield f"- body: {_link(one.body.__name__)}"
    if one.is_upload:
        yield "- body: the file"
    without = "the file" if one.is_download else "none (204)"
    yield f"- answer: {_link(one.answer.__name__) if one.answer else without}"


def _forms() -> dict[str, dict[str, Any]]:
    """Return the schema of each query, body and answer, and of what they are made of."""
    found: dict[str, dict[str, Any]] = {}
    for one in ENDPOINTS:
        for model in (one.query, one.body, one.answer):
            if model is not None:
                schema = model.model_json_schema(ref_template="{model}")
                found |= schema.pop("$defs", {})
                found[model.__name__] = schema
    return found


def _form(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if told := schema.get("description", "").splitlines():
        yield f"{told[0]}\n"
    if "enum" in schema:
        yield _type(schema)
        return
    needed = () if name.endswith("View") else schema.get("required", ())
    yield "| | | |\n|---|---|---|"
    for field, each in schema.get("properties", {}).items():
        kind = _type(each).replace("|", "\\|")
        told_of = each.get("description", "").replace("|", "\\|")
        yield f"| `{field}`{'*' if field in needed else ''} | {kind} | {told_of} |"


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    match schema:
        case {"$ref": name}:
            found = _link(str(name))
        case {"const": value}:
            found = f"`{value}`"
        case {"type": "array", "items": items}:
            found = f"list of {_type(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            found = f"object of {_type(values)}"
        case _:
            found = str(schema.get("type", "any"))
    return found


if __name__ == "__main__":
    DOCUMENT.write_text(reference())
