"""What makes a device on a medium small and fast."""

import functools
import logging
from collections.abc import Iterator

import pytest

from edge_signing import canonical, messages, release
from edge_signing.formats import boot_state, trust_state
from tests.agent.power.system import tiny_units

# Reading and writing the same bytes again is most of the time.
DONE_AGAIN = (
    (boot_state.Environment, "unpack"),
    (boot_state.Environment, "pack"),
    (boot_state.BootState, "unpack"),
    (trust_state.TrustState, "unpack"),
    (release.Release, "pack"),
    (release.Release, "unpack"),
    (messages.Desired, "pack"),
    (messages.Desired, "unpack"),
    (canonical, "decode"),
)


@pytest.fixture(autouse=True)
def _small_and_fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for owner, name in DONE_AGAIN:
        monkeypatch.setattr(owner, name, functools.lru_cache(4096)(getattr(owner, name)))
    logging.disable(logging.CRITICAL)
    with tiny_units():
        yield
    logging.disable(logging.NOTSET)
