"""What a console does again and again."""

import asyncio
import logging

import pytest

from edge.console.repeating import repeating
from edge.errors import EdgeError


def test_whatever_it_comes_to_it_is_done_again(caplog: pytest.LogCaptureFixture) -> None:
    ends: list[Exception] = [EdgeError("no room"), ValueError("a mistake")]
    done = asyncio.Event()

    async def act() -> None:
        if ends:
            raise ends.pop(0)
        done.set()

    async def run() -> None:
        async with repeating(0, act, name="looking"):
            await asyncio.wait_for(done.wait(), 10)

    asyncio.run(run())

    told = [(one.levelno, one.getMessage()) for one in caplog.records]
    assert told == [(logging.WARNING, "no room"), (logging.ERROR, "looking: again in 0 s")]


def test_it_ends_though_the_first_word_of_the_end_is_swallowed() -> None:
    heard = asyncio.Event()

    async def act() -> None:
        heard.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    async def run() -> None:
        async with repeating(60, act):
            await heard.wait()

    asyncio.run(asyncio.wait_for(run(), 10))
