"""Files without TLS, as behind a proxy: the kernel sends them."""

import asyncio
import random
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from edge.console.http import file_answer

DATA = random.Random(1).randbytes(3 << 20)


async def asked(file: Path, headers: dict[str, str]) -> tuple[int, bytes]:
    app = web.Application()

    async def give(request: web.Request) -> web.StreamResponse:
        return await file_answer.answer(request, file)

    app.router.add_get("/file", give)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with ClientSession() as session:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/file"
            async with session.get(url, headers=headers) as first:
                await first.read()
            async with session.get(url, headers=headers) as again:  # on the same connection
                return again.status, await again.read()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("header", "status", "part"),
    [
        pytest.param("", 200, slice(None), id="whole"),
        pytest.param("bytes=5-1048580", 206, slice(5, 1048581), id="part"),
        pytest.param("bytes=-3", 206, slice(-3, None), id="last"),
    ],
)
def test_the_kernel_sends_what_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: str, status: int, part: slice
) -> None:
    file = tmp_path / "file"
    file.write_bytes(DATA)
    # Nothing is copied by this process.
    monkeypatch.setattr(file_answer, "_copied", None)

    found = asyncio.run(asked(file, {"Range": header} if header else {}))

    assert found == (status, DATA[part])


def test_an_empty_file_and_none_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    assert asyncio.run(asked(tmp_path / "empty", {})) == (200, b"")
    assert asyncio.run(asked(tmp_path / "none", {})) == (404, b"")
