"""Parts of files come whole to whoever reads slowly, and end at once with their connection."""

import asyncio
import os
from pathlib import Path

import pytest
from aiohttp import web

from edge.console.http import file_answer

MIB = 1 << 20
SIZE = 8 * MIB


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "content"
    path.write_bytes(os.urandom(SIZE))
    return path


async def served(file: Path, kept: list[asyncio.Transport]) -> tuple[web.AppRunner, int]:
    async def give(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        kept.append(request.transport)
        return await file_answer.answer(request, file)

    app = web.Application()
    app.router.add_get("/", give)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, int(runner.addresses[0][1])


async def asked(port: int, words: str = "") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET / HTTP/1.1\r\nHost: a\r\n{words}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def test_a_slow_reader_gets_each_byte(file: Path) -> None:
    async def run() -> bytes:
        runner, port = await served(file, [])
        reader, writer = await asked(port, f"Range: bytes=5-{SIZE - 2}\r\n")
        found = b""
        while len(found) < SIZE - 6:
            found += await reader.read(MIB)
            await asyncio.sleep(0.005)
        writer.close()
        await runner.cleanup()
        return found

    assert asyncio.run(run()) == file.read_bytes()[5 : SIZE - 1]


def test_requests_behind_each_other_on_a_connection_are_answered(file: Path) -> None:
    async def run() -> list[bytes]:
        runner, port = await served(file, [])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        ask = "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes={}-{}\r\n\r\n"
        writer.write((ask.format(0, MIB - 1) + ask.format(MIB, 2 * MIB - 1)).encode())
        found = []
        for _answer in range(2):
            await reader.readuntil(b"\r\n\r\n")
            found.append(await reader.readexactly(MIB))
        writer.close()
        await runner.cleanup()
        return found

    assert b"".join(asyncio.run(run())) == file.read_bytes()[: 2 * MIB]


def test_a_connection_that_is_broken_gets_no_more(file: Path) -> None:
    async def run() -> int:
        kept: list[asyncio.Transport] = []
        runner, port = await served(file, kept)
        reader, writer = await asked(port)
        await reader.readexactly(1000)
        kept[0].abort()
        rest = 0
        try:
            while piece := await reader.read(MIB):
                rest += len(piece)
        except ConnectionError:
            pass
        writer.close()
        await asyncio.wait_for(runner.cleanup(), 5)
        return rest

    assert asyncio.run(run()) < SIZE - 1000


def test_a_file_that_has_become_shorter_ends_the_connection(file: Path) -> None:
    async def run() -> int:
        runner, port = await served(file, [])
        reader, writer = await asked(port)
        os.truncate(file, MIB)
        rest = 0
        try:
            while piece := await reader.read(MIB):
                rest += len(piece)
        except ConnectionError:
            pass
        writer.close()
        await asyncio.wait_for(runner.cleanup(), 5)
        return rest

    assert asyncio.run(run()) < SIZE
