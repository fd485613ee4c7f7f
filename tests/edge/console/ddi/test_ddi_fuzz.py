"""Whatever a device sends over DDI, it is answered and the console stays up."""

import json
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.ddi_device import DdiDevice

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=6,
)
RESULT = st.fixed_dictionaries({}, optional={"finished": VALUES, "progress": VALUES})
STATUS = st.fixed_dictionaries(
    {}, optional={"execution": VALUES, "result": RESULT | VALUES, "details": VALUES, "code": VALUES}
)
BODIES = VALUES | st.fixed_dictionaries(
    {}, optional={"status": STATUS, "data": VALUES, "mode": VALUES, "confirmation": VALUES}
)
PLACES = st.sampled_from(
    [
        ("PUT", "/configData"),
        ("POST", "/deploymentBase/1/feedback"),
        ("POST", "/cancelAction/1/feedback"),
        ("POST", "/confirmationBase/1/feedback"),
        ("POST", "/confirmationBase/activateAutoConfirm"),
    ]
)


@settings(max_examples=30)
@given(PLACES, BODIES)
def test_any_body_is_answered(ordered: DdiDevice, place: tuple[str, str], body: object) -> None:
    answer = ordered.ask(*place, json.dumps(body).encode())

    assert answer.status in (200, 400, 404, 405, 409, 410, 429), (place, body)


@settings(max_examples=30)
@given(st.text(max_size=60), st.text(max_size=30))
def test_any_path_is_answered(ordered: DdiDevice, path: str, query: str) -> None:
    asked = f"/{quote(path, safe='/')}?actionHistory={quote(query)}"

    for place in (asked, f"/deploymentBase/1?actionHistory={quote(query)}"):
        assert ordered.ask("GET", place).status in (200, 400, 404, 410)
