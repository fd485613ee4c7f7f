"""The last survey of a large fleet, kept for a moment: a plan is changed bit by bit."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.console.campaigns.plan import Plan
from edge.console.campaigns.survey import Survey

# One that was sooner there is made anew each time, so that a small fleet is seen as it is.
LONG_S: Final = 0.5
KEPT_S: Final = 20.0

_Key = tuple[str, tuple[str, ...], str, tuple[str, ...] | None, int]


@dataclass(frozen=True, slots=True)
class _Kept:
    key: _Key
    survey: Survey
    until_s: float


class Surveys:
    """What is kept; for the thread of an event loop.

    Args:
        monotonic_s: A clock that is never set back.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._kept: _Kept | None = None

    def known(self, tenant: str, plan: Plan) -> Survey | None:
        """Return the survey for a plan of these releases and devices, if it is there."""
        kept = self._kept
        if kept is None or kept.key != _key(tenant, plan) or self._monotonic_s() >= kept.until_s:
            return None
        return kept.survey

    def keep(self, tenant: str, plan: Plan, survey: Survey, took_s: float) -> None:
        """Keep a survey for a while, if it took long."""
        if took_s < LONG_S:
            return
        self._kept = _Kept(_key(tenant, plan), survey, self._monotonic_s() + KEPT_S)
        # A million names are not to stay when nobody asks any more.
        asyncio.get_running_loop().call_later(KEPT_S + 1, self._forget)

    def _forget(self) -> None:
        if self._kept is not None and self._monotonic_s() >= self._kept.until_s:
            self._kept = None


def _key(tenant: str, plan: Plan) -> _Key:
    return tenant, plan.releases, plan.target, plan.within, plan.times.seen_s
