"""Sessions and records in the database, of either kind."""

import pytest

from edge.console.audit import Actor
from edge.console.devices import registry
from edge.console.store.database import Database
from edge.console.terminal import records
from edge.errors import RefusedError, ThingNotFoundError
from edge_signing.terminal.grant import Grant, SignedGrant
from edge_signing.terminal.record import RECORD_MOST_BYTES, Closing

NOW_S = 1_000
ACTOR = Actor("default", "token:1", NOW_S)
OTHER = Actor("acme", "token:2", NOW_S)


@pytest.fixture
def store(database: Database) -> Database:
    def found(one: object) -> None:
        from edge.console import tenants

        tenants.ensure(one, ACTOR, keys_folder="")  # type: ignore[arg-type]
        registry.register(one, ACTOR, "unit-1", b"\1" * 32)  # type: ignore[arg-type]

    database.write_now(found)
    return database


def packed(number: int) -> bytes:
    session = f"{number:032x}"
    grant = Grant(
        session, "unit-1", 1, b"\1" * 32, bytes(32), "jo", "", "", 1, 1, NOW_S, NOW_S + 900
    )
    return SignedGrant(grant, {}).pack()


def open_(store: Database, number: int, actor: Actor = ACTOR) -> str:
    signed = store.write_now(lambda one: records.open_(one, actor, packed(number), "console"))
    return signed.grant.session


def test_a_session_is_kept_with_its_record(store: Database) -> None:
    session = open_(store, 1)
    for number in range(3):
        chunk = b"%d\n" % number
        store.write_now(lambda one, n=number, c=chunk: records.add_chunk(  # type: ignore[misc]
            one, "default", session, n, c
        ))  # fmt: skip
    closing = Closing(3, b"\2" * 32, "it ended", 7)
    is_first = store.write_now(
        lambda one: records.close(one, ACTOR, session, "it ended", closing=closing, is_whole=True)
    )
    again = store.write_now(lambda one: records.close(one, ACTOR, session, "once more"))

    row = store.read_now(lambda one: records.get(one, "default", "unit-1", session))
    found = store.read_now(lambda one: records.chunks(one, "default", session, after=0, most=9))
    assert (is_first, again) == (True, False)
    assert (row.state, row.ended, row.status, row.is_whole, row.chunks) == (
        "closed", "it ended", 7, True, 3,
    )  # fmt: skip
    assert [bytes(one.content) for one in found] == [b"1\n", b"2\n"]
    with pytest.raises(RefusedError):
        store.write_now(lambda one: records.add_chunk(one, "default", session, 3, b"more"))


def test_a_record_has_a_longest_length(store: Database) -> None:
    session = open_(store, 1)
    with pytest.raises(RefusedError):
        store.write_now(
            lambda one: records.add_chunk(
                one, "default", session, 0, bytes(RECORD_MOST_BYTES + (1 << 20))
            )
        )


def test_a_session_is_of_its_tenant(store: Database) -> None:
    session = open_(store, 1)

    with pytest.raises(ThingNotFoundError):
        open_(store, 2, OTHER)
    with pytest.raises(ThingNotFoundError):
        store.read_now(lambda one: records.get(one, "acme", "unit-1", session))


def test_old_sessions_are_forgotten_with_their_records(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "KEPT_MOST", 2)
    for number in range(4):
        session = open_(store, number)
        store.write_now(
            lambda one, of=session: records.add_chunk(one, "default", of, 0, b"x")  # type: ignore[misc]
        )
        store.write_now(lambda one, of=session: records.close(one, ACTOR, of, "over"))  # type: ignore[misc]
    open_(store, 9)

    rows = store.read_now(lambda one: records.list_(one, "default", "unit-1", most=99))
    assert [int(row.session, 16) for row in rows] == [9, 3, 2]
    assert not store.read_now(
        lambda one: records.chunks(one, "default", f"{0:032x}", after=-1, most=9)
    )
