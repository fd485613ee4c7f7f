"""Files of a repository as answers: by Range, unchanging but for one.

With TLS every byte goes through this process, so that a file is read in large pieces; without, the
kernel sends it (`sendfile`).
"""

import asyncio
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiohttp import web

from edge.console.http import kernel_send, ranges
from edge.console.http.ranges import Span
from edge.repository.store import TIMESTAMP_FILE

_PIECE_BYTES: Final = 256 << 10
_FOR_EVER: Final = "public, max-age=31536000, immutable"


async def answer(request: web.Request, path: Path) -> web.StreamResponse:
    """Send a file of a repository, or the range of it that is asked for.

    Every file but timestamp.json has its hash or its version in its name and never changes.
    """
    if path.name == TIMESTAMP_FILE:
        return await _changing(request, path)
    return await unchanging(request, path, f'"{path.name}"', {"Cache-Control": _FOR_EVER})


async def unchanging(
    request: web.Request, path: Path, etag: str, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Send a file that never changes, or the range of it that is asked for.

    Args:
        request: Its headers say which range; to `HEAD` none of the bytes are sent.
        path: The file; status 404 if there is none.
        etag: What names its content, in quotes.
        headers: What else is said of it.
    """
    try:
        # Of a disk that is here: a thread would take longer than this.
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return web.Response(status=404)
    try:
        file_bytes = os.fstat(handle).st_size
        if (refused := _refused(request, etag)) is not None:
            return refused
        span = _asked(request, etag, file_bytes)
        if span is None:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{file_bytes}"})
        said = {
            **headers,
            "ETag": etag,
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
        }
        if span.is_part:
            last = span.offset_bytes + span.length_bytes - 1
            said["Content-Range"] = f"bytes {span.offset_bytes}-{last}/{file_bytes}"
        return await _sent(request, handle, span, said)
    finally:
        os.close(handle)


def _refused(request: web.Request, etag: str) -> web.Response | None:
    """Return the answer to who has it already, or wants another one."""
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    if request.headers.get("If-Match", etag) not in (etag, "*"):
        return web.Response(status=412)
    return None


def _asked(request: web.Request, etag: str, file_bytes: int) -> Span | None:
    if request.method == "HEAD" or request.headers.get("If-Range", etag) != etag:
        return Span(0, file_bytes, is_part=False)
    return ranges.asked(request.headers.get("Range", ""), file_bytes)


async def _sent(
    request: web.Request, handle: int, span: Span, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=206 if span.is_part else 200, headers=headers)
    response.content_length = span.length_bytes
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    transport = request.transport
    if transport is not None and not request.secure and not transport.get_write_buffer_size():
        await kernel_send.send(transport, handle, span.offset_bytes, span.length_bytes)
    else:
        await _copied(response, handle, span)
    await response.write_eof()
    return response


async def _copied(response: web.StreamResponse, handle: int, span: Span) -> None:
    offset, end = span.offset_bytes, span.offset_bytes + span.length_bytes
    while offset < end:
        length = min(_PIECE_BYTES, end - offset)
        piece = await asyncio.to_thread(os.pread, handle, length, offset)
        if not piece:
            # Never, for files do not change; the client sees that bytes are missing.
            return
        await response.write(piece)
        offset += len(piece)


async def _changing(request: web.Request, path: Path) -> web.Response:
    try:
        data = await asyncio.to_thread(path.read_bytes)
    except OSError:
        return web.Response(status=404)
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, headers=headers, content_type="application/json")
