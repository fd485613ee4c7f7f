"""The steps of DDI on each database."""

import itertools

import pytest
from sqlalchemy import Connection, select

from edge.console import foreign, tenants
from edge.console.audit import Actor
from edge.console.ddi import actions, config_data, credentials, feedback, reporting
from edge.console.ddi.feedback import Channel, Feedback
from edge.console.desk import Caller, Via
from edge.console.devices import registry
from edge.console.foreign import File, Type
from edge.console.store.database import Database
from edge.console.store.tables import EVENTS, ORDERS
from edge.errors import RefusedError
from edge_signing.messages import Policy

ACTOR = Actor("us", "token:1", 100)
CALLER = Caller("us", "d-1", Via.DDI)
FILE = File("a.swu", Type.SWU, ("bench",), "ab" * 32, "cd" * 20, "ef" * 16, 1000)


@pytest.fixture
def token(database: Database) -> str:
    """The token of a device that is ordered a release."""

    def begin(connection: Connection) -> str:
        tenants.ensure(connection, ACTOR, keys_folder="keys")
        registry.register(connection, ACTOR, "d-1")
        return credentials.make_token(connection, ACTOR, "d-1", lambda count: "0a" * count)

    made = database.write_now(begin)
    release = database.write_now(lambda one: foreign.add(one, ACTOR, "gateway", "1", FILE))
    words = (f"word{number}" for number in itertools.count())
    database.write_now(
        lambda one: actions.deploy(
            one, ACTOR, "d-1", release, policy=Policy(), word=lambda: next(words)
        )
    )
    return made


def say(database: Database, execution: str, finished: str = "none") -> None:
    said = Feedback(execution, finished)
    database.write_now(
        lambda one: reporting.take_feedback(one, CALLER, 1, Channel.DEPLOYMENT, said, 200)
    )


def test_an_order_goes_from_hand_to_hand_and_each_report_counts_once(
    database: Database, token: str
) -> None:
    found = database.write_now(lambda one: actions.retrieve(one, CALLER, 1, 7))
    for _time in range(2):
        say(database, "proceeding")
        say(database, "closed", "success")

    events = database.read_now(lambda one: list(one.scalars(select(EVENTS.c.kind))))
    orders = database.read_now(lambda one: list(one.scalars(select(ORDERS.c.state))))
    row = database.read_now(lambda one: registry.get(one, "us", "d-1"))
    agenda = database.read_now(lambda one: actions.agenda(one, CALLER))
    assert (found.file, found.version) == (FILE, "1")
    assert (events, orders) == (["installing", "succeeded"], ["succeeded"])
    assert (row.version, row.phase) == ("1", "idle")
    assert agenda.current is None
    assert agenda.installed is not None
    assert agenda.wants_data
    with pytest.raises(reporting.GoneError):
        say(database, "closed", "failure")


def test_attributes_of_a_device_are_stored_and_replaced(database: Database, token: str) -> None:
    def put(mode: config_data.Mode, **data: str) -> dict[str, str]:
        said = config_data.ConfigData(mode, data)
        database.write_now(lambda one: reporting.take_data(one, CALLER, said, 200))
        return database.read_now(lambda one: reporting.reported(one, "us", "d-1"))

    assert put("merge", a="1", board="bench") == {"a": "1", "board": "bench"}
    assert put("remove", a="") == {"board": "bench"}
    assert put("replace", b="2") == {"b": "2"}
    assert put("replace") == {}


def test_tokens_are_compared_with_what_is_stored(database: Database, token: str) -> None:
    def fits(device: str, shown: str) -> bool:
        return database.read_now(lambda one: credentials.fits_device(one, "us", device, shown))

    assert [fits("d-1", token), fits("d-1", token[:-1]), fits("d-2", token), fits("d-1", "")] == [
        True,
        False,
        False,
        False,
    ]


def test_an_order_is_asked_back_once_the_device_has_read_it(database: Database, token: str) -> None:
    database.write_now(lambda one: actions.retrieve(one, CALLER, 1, 7))
    for _time in range(2):
        database.write_now(lambda one: actions.cancel(one, ACTOR, "d-1"))
    said = Feedback("closed", "success")
    database.write_now(
        lambda one: reporting.take_feedback(one, CALLER, 1, feedback.Channel.CANCEL, said, 300)
    )

    assert database.read_now(lambda one: one.scalar(select(ORDERS.c.state))) == "cancelled"
    with pytest.raises(RefusedError, match="no open order"):
        database.write_now(lambda one: actions.cancel(one, ACTOR, "d-1"))


def test_no_certificate_is_made_for_a_device_that_is_known_by_its_token(
    database: Database, token: str
) -> None:
    with pytest.raises(RefusedError, match="is taken"):
        database.write_now(
            lambda one: registry.enrol(one, ACTOR, "d-1", bytes(32), is_trusted=True)
        )
