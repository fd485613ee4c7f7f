"""Whatever is sent to the API, it answers in its own words and stays up."""

import json
import string
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.console.api.document import PREFIX
from edge.console.api.endpoint import Endpoint
from edge.console.api.server import ENDPOINTS
from tests.fakes.console import Console

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=8,
)
NAMES = st.text(max_size=70)
WITH_BODY = [one for one in ENDPOINTS if one.body is not None]
WITH_QUERY = [one for one in ENDPOINTS if one.query is not None]
slow_start = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


def path_of(one: Endpoint, part: str) -> str:
    fields = {name for _text, name, _form, _way in string.Formatter().parse(one.path) if name}
    # A client that is not ours sends a lone dot or an empty part as well.
    return PREFIX + one.path.format(**dict.fromkeys(fields, quote(part, safe="") or "%20"))


@slow_start
@given(st.sampled_from(WITH_BODY), NAMES, st.data())
def test_any_body_is_answered(
    shared: Console, one: Endpoint, name: str, data: st.DataObject
) -> None:
    assert one.body is not None
    known = st.fixed_dictionaries(dict.fromkeys(one.body.model_fields, VALUES))
    body = data.draw(st.one_of(VALUES, known, st.binary(max_size=40)))
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()

    answer = shared.ask(one.method, path_of(one, name), sent)

    assert answer.status < 500, (one.path, name, sent)
    assert answer.status < 300 or answer.body["error"]


@slow_start
@given(st.sampled_from(WITH_QUERY), st.data())
def test_any_query_is_answered(shared: Console, one: Endpoint, data: st.DataObject) -> None:
    assert one.query is not None
    word = st.sampled_from(sorted(one.query.model_fields))
    words = data.draw(st.lists(st.tuples(word, st.text(max_size=90)), max_size=3))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in words)

    answer = shared.ask(one.method, f"{path_of(one, '1')}?{query}")

    assert answer.status < 500, (one.path, query)
    assert answer.status < 300 or answer.body["error"]


@slow_start
@given(st.text(max_size=90).map(lambda text: quote(text, safe="/?=&%")))
def test_any_path_is_answered(shared: Console, path: str) -> None:
    answer = shared.ask("GET", f"{PREFIX}/{path}")

    assert answer.status < 500
