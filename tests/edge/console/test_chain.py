"""An audit log that was changed shows it."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console import audit, chain
from edge.console.audit import Actor
from edge.console.chain import Entry, Tip
from edge.console.store.database import Database
from edge.errors import UntrustedError

CHANGES: dict[str, Any] = {
    "tenant": "other",
    "number": 7,
    "at_s": 1,
    "actor": "token:other",
    "act": "device.revoke",
    "subject": "device:other",
    "details": {"more": 1},
    "digest": "0" * 64,
}


def log(length: int) -> list[Entry]:
    tip, found = Tip(), []
    for number in range(1, length + 1):
        entry = Entry("t", number, 100 + number, "console", "device.accept", "device:a", {"n": 1})
        found.append(replace(entry, digest=entry.sealed(tip.digest)))
        tip = Tip(number, found[-1].digest)
    return found


def test_a_whole_log_holds_and_goes_on_from_any_tip() -> None:
    entries = log(5)

    tip = chain.verified(entries[:3])

    assert chain.verified(entries[3:], tip) == chain.verified(entries)


@given(st.integers(0, 4), st.sampled_from(sorted(CHANGES)))
def test_any_change_of_any_entry_shows(at: int, name: str) -> None:
    entries = log(5)
    entries[at] = replace(entries[at], **{name: CHANGES[name]})

    with pytest.raises(UntrustedError):
        chain.verified(entries)


@given(st.integers(0, 3))
def test_an_entry_that_was_taken_out_shows_but_for_the_last(at: int) -> None:
    entries = log(5)
    del entries[at]

    with pytest.raises(UntrustedError, match=f"entry {at + 1} is missing"):
        chain.verified(entries)


def test_a_change_that_seals_its_entry_anew_shows_in_the_next() -> None:
    entries = log(3)
    forged = replace(entries[0], actor="token:other")
    entries[0] = replace(forged, digest=forged.sealed(chain.START))

    with pytest.raises(UntrustedError, match="entry 2"):
        chain.verified(entries)


def test_each_tenant_has_its_own_chain(database: Database) -> None:
    for tenant in ("a", "b", "a"):
        actor = Actor(tenant, "x", 1)
        database.write_now(partial(audit.record, actor=actor, act="y", subject="z"))

    ours = database.read_now(partial(audit.entries, tenant="a", most=9))
    theirs = database.read_now(partial(audit.entries, tenant="b", most=9))

    assert (chain.verified(ours).number, chain.verified(theirs).number) == (2, 1)
