"""The API: what its document says is so; tokens, tenants, pages, repeats, and wrong words."""

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.console.api.document import PREFIX
from edge.console.api.endpoint import Endpoint
from edge.console.api.server import BODY_MOST_BYTES, ENDPOINTS
from edge.console.tokens import Scope
from edge.keys import create
from edge.keys.secrets import nobody
from edge.release.signing import sign_here
from edge_signing.formats.payload_table import PayloadTable
from edge_signing.release import Content
from tests.agent.power.system import System
from tests.edge.console.endpoints import do, each
from tests.fakes.console import Console, sql
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki


@pytest.fixture
def ours(site: Console) -> Console:
    site.good("POST", "/devices", {"device": "unit-1"})
    site.good("PUT", "/groups/hall-3", {})
    site.good("POST", "/people", {"person": "carla", "role": "viewer"})
    return site


@pytest.fixture(scope="module")
def theirs(shared: Console, stranger: Pki, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The token of another tenant, who may do all there."""
    folder = tmp_path_factory.mktemp("their-keys")
    create.init(folder, now=datetime.now(UTC), products=("gateway",))
    return shared.other_tenant("them", stranger, folder)


@pytest.mark.parametrize("one", each())
def test_each_endpoint_wants_a_token_of_its_scope(shared: Console, one: Endpoint) -> None:
    others = [str(scope) for scope in Scope if scope is not one.scope]
    text = shared.good("POST", "/tokens", {"name": "rest", "scopes": others})["text"]

    assert do(shared, one, "").status == 401
    assert do(shared, one, "edge_" + "0" * 16 + "_" + "0" * 64).status == 401
    assert do(shared, one, text[:-1] + ("0" if text[-1] != "0" else "1")).status == 401
    refused = do(shared, one, text)
    assert (refused.status, one.scope in refused.body["error"]) == (403, True)


@pytest.mark.parametrize("one", each())
def test_no_endpoint_reaches_another_tenant(shared: Console, theirs: str, one: Endpoint) -> None:
    before = everything(shared)

    answer = do(shared, one, theirs)

    said = json.dumps(answer.body)
    assert answer.status in (200, 204, 400, 404, 422)
    assert "unit-1" not in said.replace("no device 'unit-1'", "")
    assert "carla" not in said.replace("no person 'carla'", "")
    assert "gateway" not in said
    assert everything(shared) == before


def everything(site: Console) -> list[object]:
    """Return all that is known, but for when devices called, which is stored a while later."""
    lists = ["groups", "releases", "events", "audit", "tokens", "hooks", "people"]
    lists.append("devices/unit-1/orders")
    devices = site.good("GET", "/devices")["devices"]
    for name in ("first_seen_s", "last_seen_s", "via"):
        for one in devices:
            del one[name]
    return [devices, *(site.good("GET", f"/{one}") for one in lists)]


def test_the_document_tells_each_endpoint_and_no_other(shared: Console) -> None:
    found = shared.ask("GET", "/api/v1/openapi.json", token="").body

    told = {(method.upper(), path) for path, one in found["paths"].items() for method in one}
    assert told == {(one.method, f"{PREFIX}{one.path}") for one in ENDPOINTS}
    assert len(
        {op["operationId"] for one in found["paths"].values() for op in one.values()}
    ) == len(ENDPOINTS)
    references = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(found)))
    assert references <= set(found["components"]["schemas"])


@pytest.mark.parametrize("one", each())
def test_answers_are_as_the_document_says(ours: Console, one: Endpoint) -> None:
    document = ours.ask("GET", "/api/v1/openapi.json").body
    told = document["paths"][f"{PREFIX}{one.path}"][one.method.lower()]

    answer = do(ours, one)

    status = str(answer.status)
    response = told["responses"].get(status) or told["responses"][f"{status[0]}XX"]
    if "content" not in response:
        assert answer.body in ("", None)
        return
    name = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = document["components"]["schemas"][name]
    assert set(schema["properties"]) == set(answer.body)


@pytest.mark.parametrize(
    ("method", "path", "body", "place"),
    [
        pytest.param("POST", "/devices", b"{", "body", id="no JSON"),
        pytest.param("POST", "/devices", b"", "body", id="empty"),
        pytest.param("POST", "/devices", b"[]", "body", id="list"),
        pytest.param("POST", "/devices", {"device": 7}, "body.device", id="type"),
        pytest.param("POST", "/devices", {"device": "a", "x": 1}, "body.x", id="unknown"),
        pytest.param("POST", "/devices", {}, "body.device", id="missing"),
        pytest.param("POST", "/devices", b"\xff", "body", id="no text"),
        pytest.param(
            "POST", "/devices", {"device": "a", "certificate": "x"}, "body.certificate", id="hash"
        ),
        pytest.param(
            "POST", "/tokens", {"name": "a", "scopes": ["all"]}, "body.scopes.0", id="scope"
        ),
        pytest.param("POST", "/devices/unit-1/accept", {"a": 1}, "body", id="unasked"),
        pytest.param("GET", "/devices?limit=0", None, "query.limit", id="limit"),
        pytest.param("GET", "/devices?limit=501", None, "query.limit", id="limit high"),
        pytest.param("GET", "/devices?limit=x", None, "query.limit", id="limit text"),
        pytest.param("GET", "/devices?state=gone", None, "query.state", id="state"),
        pytest.param("GET", "/devices?stat=x", None, "query.stat", id="unknown word"),
        pytest.param("GET", "/devices?tag=a&tag=b", None, "query.tag", id="twice"),
        pytest.param("GET", "/devices/unit-1?x=1", None, "query.x", id="none is known"),
        pytest.param("GET", "/events?after=-1", None, "query.after", id="after"),
    ],
)
def test_wrong_words_are_told_with_their_place(
    shared: Console, method: str, path: str, body: object, place: str
) -> None:
    answer = shared.ask(method, f"{PREFIX}{path}", body)

    assert (answer.status, answer.body["place"]) == (400, place)
    assert answer.body["hint"]


def test_too_long_a_body_is_not_read(shared: Console) -> None:
    long = json.dumps({"notes": "x" * BODY_MOST_BYTES}).encode()

    answer = shared.ask("PUT", "/api/v1/devices/unit-1/notes", long)

    assert answer.status == 413
    assert shared.good("GET", "/devices/unit-1")["notes"] == ""


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/devices/..%2f..%2fadmin.token",
        "/api/v1/devices/%2e%2e",
        "/api/v1/../../console.db",
        "/api/v1/objects/..%2f..%2fx",
        "/api/v1/nothing",
        "/nothing",
        "/api/v1/devices/unit-1/",
    ],
)
def test_other_paths_are_told_as_json_and_lead_nowhere(shared: Console, path: str) -> None:
    answer = shared.ask("GET", path)

    assert answer.status in (404, 405)
    assert answer.body["error"]


def test_a_wrong_method_is_told_with_the_right_ones(shared: Console) -> None:
    answer = shared.ask("DELETE", "/api/v1/devices/unit-1")

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET"


def test_pages_give_each_device_once(site: Console) -> None:
    names = [f"d-{number:02}" for number in range(7)]
    for name in names:
        site.good("POST", "/devices", {"device": name})
    found: list[str] = []
    after = ""
    while True:
        page = site.good("GET", f"/devices?limit=3&after={after}")
        found += [one["device"] for one in page["devices"]]
        after = page["next"]
        if not after:
            break

    assert found == names


def test_a_repeat_with_its_key_is_answered_the_same_and_done_once(ours: Console) -> None:
    key = {"Idempotency-Key": "k-1"}
    body = {"device": "new-1"}

    first = ours.ask("POST", "/api/v1/devices", body, headers=key)
    ours.good("POST", "/devices/new-1/revoke")
    again = ours.ask("POST", "/api/v1/devices", body, headers=key)

    assert (first.status, again.status) == (200, 200)
    assert first.body == again.body
    assert ours.ask("POST", "/api/v1/devices", body).status == 409


def test_repeats_at_the_same_time_are_done_once(ours: Console) -> None:
    key = {"Idempotency-Key": "k-1"}

    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(ours.ask, "POST", "/api/v1/devices", {"device": "new-1"}, headers=key)
            for _time in range(8)
        ]

    assert {one.result().status for one in asked} == {200}


def test_a_key_with_another_request_or_token_is_no_repeat(ours: Console) -> None:
    key = {"Idempotency-Key": "k-1"}
    rights = {"name": "ci", "scopes": ["devices:write"]}
    token = ours.good("POST", "/tokens", rights)["text"]
    path = "/api/v1/devices"
    ours.ask("POST", path, {"device": "new-1"}, headers=key)

    other = ours.ask("POST", path, {"device": "new-2"}, headers=key)
    of_another = ours.ask("POST", path, {"device": "new-3"}, headers=key, token=token)
    bad = ours.ask("POST", path, {"device": "new-4"}, headers={"Idempotency-Key": "a b"})
    secret = ours.ask("POST", "/api/v1/tokens", rights, headers=key)

    assert (other.status, of_another.status, bad.status, secret.status) == (409, 200, 400, 400)
    assert "another request had it" in other.body["error"]


def test_a_request_that_failed_is_done_when_it_comes_again(ours: Console) -> None:
    key = {"Idempotency-Key": "k-2"}
    path = "/api/v1/devices/late-1/revoke"

    first = ours.ask("POST", path, headers=key)
    ours.good("POST", "/devices", {"device": "late-1"})
    second = ours.ask("POST", path, headers=key)

    assert (first.status, second.status) == (404, 200)


def test_a_token_gives_no_more_than_it_has(ours: Console) -> None:
    body = {"name": "maker", "scopes": ["tokens:write", "devices:read"]}
    maker = ours.good("POST", "/tokens", body)["text"]

    more = {"name": "more", "scopes": ["devices:write"]}
    refused = ours.ask("POST", "/api/v1/tokens", more, token=maker)

    assert (refused.status, "devices:write" in refused.body["error"]) == (409, True)


def test_a_token_that_was_revoked_or_has_expired_is_useless(ours: Console) -> None:
    made = [
        ours.good("POST", "/tokens", {"name": "a", "scopes": ["devices:read"], "expires_in_s": end})
        for end in (0, 1)
    ]
    ours.good("DELETE", f"/tokens/{made[0]['token']}")
    sql(ours.running.office.database, "UPDATE tokens SET expires_at_s=1 WHERE expires_at_s>0")

    assert [ours.ask("GET", "/api/v1/devices", token=one["text"]).status for one in made] == [
        401,
        401,
    ]


def test_no_secret_of_a_token_is_in_the_database(ours: Console) -> None:
    secret = ours.good("POST", "/tokens", {"name": "a", "scopes": ["deploy"]})["text"][-64:]

    files = [one for one in ours.site.folder.glob("console.db*") if secret in str(one.read_bytes())]

    assert files == []


def test_a_forged_bundle_is_not_stored(ours: Console, operator: Operator) -> None:
    operator.release(System.make("1", 1))
    good = operator.bundle("1")
    for at in range(0, len(good), max(1, len(good) // 40)):
        bad = bytearray(good)
        bad[at] ^= 1
        answer = ours.ask("POST", "/api/v1/releases", bytes(bad))
        assert answer.status in (400, 422), at

    assert ours.good("GET", "/releases")["releases"] == []
    assert ours.ask("POST", "/api/v1/releases", good[:-1]).status == 422
    assert list(ours.site.incoming.iterdir()) == []


def test_a_bundle_whose_signed_table_does_not_fit_is_not_stored(
    ours: Console, operator: Operator
) -> None:
    good = System.make("1", 1)
    payload = good.release.payloads[0]
    table = PayloadTable.unpack(good.blobs[payload.table.sha256])
    rows = (replace(table.rows[0], stored_sha256=b"\1" * 32), *table.rows[1:])
    data = replace(table, rows=rows).pack()
    content = Content(len(data), hashlib.sha256(data).digest())
    payloads = (replace(payload, table=content), *good.release.payloads[1:])
    release = replace(good.release, payloads=payloads)
    operator.release(replace(good, release=release, blobs={**good.blobs, content.sha256: data}))

    answer = ours.ask("POST", "/api/v1/releases", operator.bundle("1"))

    assert answer.status == 422
    assert ours.good("GET", "/releases")["releases"] == []


def test_a_bundle_of_other_keys_is_not_stored(
    ours: Console, operator: Operator, tmp_path: Path
) -> None:
    create.init(tmp_path / "thief", now=operator.now, products=("gateway",))
    thief = Operator(tmp_path / "thief-shop", tmp_path / "thief")
    thief.release(System.make("6", 6))

    answer = ours.ask("POST", "/api/v1/releases", thief.bundle("6"))

    assert answer.status == 422
    assert ours.good("GET", "/releases")["releases"] == []


def test_a_file_that_nobody_misses_or_with_other_bytes_is_refused(
    ours: Console, operator: Operator
) -> None:
    operator.release(System.make("1", 1))
    operator.release(System.make("2", 2))
    told = ours.good("POST", "/releases", operator.bundle("2"))
    missing = told["missing"][0]["sha256"]

    assert ours.ask("PUT", f"/api/v1/objects/{'0' * 64}", b"x").status == 404
    assert ours.ask("PUT", f"/api/v1/objects/{missing}", b"x").status == 422
    assert ours.good("GET", "/objects")["missing"] == told["missing"]


def test_an_older_bundle_does_not_bring_back_what_was_removed(
    ours: Console, operator: Operator
) -> None:
    operator.release(System.make("1", 1))
    old = operator.bundle("1")
    ring, repository = operator.ring, operator.repository
    repository.stage(ring, "gateway", {}, ["gateway/1/release.json"], now=operator.now)
    sign_here(repository, ring, nobody)
    repository.publish(ring, now=operator.now)
    operator.release(System.make("2", 2))
    ours.good("POST", "/releases", operator.bundle("2"))

    answer = ours.ask("POST", "/api/v1/releases", old)

    assert (answer.status, "no longer" in answer.body["error"]) == (422, True)


def test_health_needs_no_token_and_figures_do(ours: Console) -> None:
    assert ours.ask("GET", "/healthz", token="").body == {"status": "ok"}
    assert ours.ask("GET", "/readyz", token="").body == {"status": "ok", "mqtt": "off"}
    assert ours.ask("GET", "/metrics", token="").status == 401
    assert 'edge_devices{state="accepted"} 1' in ours.ask("GET", "/metrics").body


def test_a_device_certificate_is_nobody_to_the_api(shared: Console) -> None:
    link = shared.link("unit-1")
    link.desired()

    assert shared.ask("GET", "/v1/devices/unit-1/desired").status == 404
