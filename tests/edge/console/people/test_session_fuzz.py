"""Whatever is sent to the routes of sessions, they answer, and let nobody in."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.browser import PASSWORD, Browser
from tests.fakes.console import Console

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.just(PASSWORD)
BODIES = st.dictionaries(
    st.sampled_from(["name", "password", "secret", "shown_name", "old", "new", "x"]), VALUES
)
ROUTES = [("POST", "/session"), ("POST", "/session/welcome"), ("PUT", "/session/password")]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(ROUTES), BODIES.map(lambda one: json.dumps(one).encode()) | st.binary())
def test_whatever_is_sent_is_answered_and_lets_nobody_in(
    shared: Console, route: tuple[str, str], body: bytes
) -> None:
    page = Browser(shared)

    answer = page.ask(*route, body)

    assert answer.status in (400, 401, 429), (route, body)
    assert page.secret == ""
