"""What a ring refuses as devices could not keep it, or rely on it."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.keys import change, create, file_key, ring
from edge.keys.public import Algorithm, PublicPart
from edge.keys.ring import Ring, RingKey
from edge_signing.trust.sighting import KEYS_MOST
from tests.fakes.forge import NOW


@pytest.fixture
def demo(tmp_path: Path) -> Ring:
    return create.init(tmp_path / "keys", now=NOW).ring


def test_more_keys_than_devices_keep_are_refused(demo: Ring) -> None:
    names = [f"targets-{number}" for number in range(2, KEYS_MOST + 2)]
    made = {
        name: RingKey(file_key.make(demo.folder / f"{name}.pem", Algorithm.ED25519), None)
        for name in names
    }
    role = replace(demo.roles["targets"], keys=("targets", *names))
    many = replace(demo, keys={**demo.keys, **made}, roles={**demo.roles, "targets": role})

    with pytest.raises(InputError, match="targets: 33 keys are more than 32"):
        ring.check(many, "here")


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp"])
def test_a_key_that_was_put_away_is_not_taken_back(demo: Ring, role: str) -> None:
    """What it signed before would be good again, and devices have forgotten its floor."""
    once = change.rotate(demo, role, now=NOW).ring
    twice = change.rotate(once, role, now=NOW).ring
    taken_back = replace(twice, roles={**twice.roles, role: demo.roles[role]})
    ring.write(taken_back)

    with pytest.raises(InputError, match=f"a key of {role} was put away before"):
        change.propose(ring.read(demo.folder), now=NOW)

    assert ring.read(demo.folder).root().signed.version == 3


@pytest.mark.parametrize("role", ["root", "targets", "director"])
def test_a_key_of_the_ring_is_not_imported_under_another_name(demo: Ring, role: str) -> None:
    old = demo.keys[demo.roles[role].keys[0]]
    rotated = change.rotate(demo, role, now=NOW).ring
    part = PublicPart("another", role, old.key, None)

    with pytest.raises(InputError, match="another is a key of this ring already"):
        change.rotate(rotated, role, now=NOW, imports=[part])
