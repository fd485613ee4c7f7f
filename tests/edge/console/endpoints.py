"""Each endpoint of the API, with what can be sent to it."""

import re
from typing import Any

import pytest

from edge.console.api.document import PREFIX
from edge.console.api.endpoint import Endpoint
from edge.console.api.server import ENDPOINTS
from edge_signing.terminal.grant import Grant, SignedGrant
from tests.fakes.console import Answered, Console

# Of nobody: no device would take it.
_GRANT = Grant("0" * 32, "unit-1", 1, bytes(32), bytes(32), "jo", "", "", 1, 1, 1, 2)
BODIES: dict[str, object] = {
    "/devices": {"device": "new-1"},
    "/devices/{device}/re-enrol": {},
    "/devices/{device}/tags": {"add": ["a"]},
    "/devices/{device}/attributes": {"attributes": {"a": "b"}},
    "/devices/{device}/notes": {"notes": "n"},
    "/devices/{device}/commands": {"word": "logs", "service": "web"},
    "/devices/{device}/terminals": {"grant": SignedGrant(_GRANT, {}).pack().decode()},
    "/devices/{device}/terminals/{session}/frames": {"n": 0, "frames": ["AAAA"]},
    "/groups/{group}": {"filter": "tag:berlin"},
    "/groups/{group}/members": {"add": ["unit-1"]},
    "/factory/records": {"records": []},
    "/factory/lacking": {"line": "l", "station": "S1", "contents": []},
    "/imports/devices": {"devices": [{"device": "new-2", "tags": ["a"]}]},
    "/repository/collect": {},
    "/enrolment-keys": {"name": "hall"},
    "/hooks": {"name": "pager", "url": "https://example.com/edge"},
    "/hooks/{hook}": {"is_on": False},
    "/campaigns": {"name": "to 2", "version": "1", "target": "id:unit-1"},
    "/campaigns/{campaign}": {"version": "1"},
    "/campaign-previews": {"version": "1"},
    **{
        f"/campaigns/{{campaign}}/{act}": {}
        for act in (
            *("start", "pause", "resume", "next-wave", "finish", "abort", "revert"),
            *("approve", "retry"),
        )
    },
    "/deployments": {"device": "unit-1", "version": "1"},
    "/tokens": {"name": "n", "scopes": ["devices:read"]},
    "/people": {"person": "new-1", "role": "viewer"},
    "/people/{person}": {"role": "operator"},
}


def each() -> list[Any]:
    return [pytest.param(one, id=f"{one.method} {one.path}") for one in ENDPOINTS]


def path_of(one: Endpoint) -> str:
    parts = {
        "device": "unit-1",
        "command": "logs-0000",
        "session": "0" * 32,
        "group": "hall-3",
        "campaign": "c-0000",
        "hook": "0" * 16,
        "key": "0" * 16,
        "version": "1",
        "sha256": "0" * 64,
        "token": "0" * 16,
        "person": "carla",
        "record": "1",
    }
    return PREFIX + re.sub(r"\{(\w+)\}", lambda found: parts[found[1]], one.path)


def do(site: Console, one: Endpoint, token: str | None = None) -> Answered:
    body = b"no bundle" if one.is_upload else BODIES.get(one.path) if one.body else None
    return site.ask(one.method, path_of(one), body, token=token)
