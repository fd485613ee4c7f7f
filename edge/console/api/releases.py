"""Endpoints about releases: what comes in is verified before it is kept."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from aiohttp import web

from edge.console import foreign, releases
from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.api.views import (
    FileView,
    MissingView,
    ProductQuery,
    ReleasesQuery,
    ReleasesView,
    ReleaseView,
    UploadedView,
)
from edge.console.foreign import File
from edge.console.releases import Release
from edge.console.tokens import Scope

UPLOAD_MOST_BYTES: Final = 8 << 30
_PIECE_BYTES: Final = 1 << 20


async def list_(call: Call) -> ReleasesView:
    """List releases."""
    query, tenant = call.query_as(ReleasesQuery), call.actor.tenant
    found = await call.office.database.read(
        lambda one: releases.list_(
            one, tenant, product=query.product, after=query.after, most=query.limit
        )
    )
    following = found[-1].path if len(found) == query.limit else ""
    return ReleasesView(releases=await with_files(call, found), next=following)


async def show(call: Call) -> ReleaseView:
    """Show a release."""
    query, tenant, version = call.query_as(ProductQuery), call.actor.tenant, call.part("version")
    found = await call.office.database.read(
        lambda one: releases.find(one, tenant, version, query.product)
    )
    return (await with_files(call, [found]))[0]


async def missing(call: Call) -> UploadedView:
    """Tell what is missing."""
    return await _told(call, [])


async def take_bundle(call: Call) -> UploadedView:
    """Take a bundle."""
    async with received(call) as file:
        changed = await call.office.take_bundle(call.actor, file)
    return await _told(call, changed)


async def take_object(call: Call) -> UploadedView:
    """Take a file that a release names."""
    async with received(call) as file:
        with file.open("rb") as stream:
            changed = await call.office.take_object(call.actor, call.part("sha256"), stream)
    return await _told(call, changed)


@asynccontextmanager
async def received(
    call: Call, hear: Callable[[bytes], None] = lambda _piece: None
) -> AsyncIterator[Path]:
    """Give the body of a request as a file, which is gone afterwards.

    Args:
        call: The request.
        hear: Called with each piece as it comes.
    """
    length = call.request.content_length
    if length is not None and length > UPLOAD_MOST_BYTES:
        raise web.HTTPRequestEntityTooLarge(UPLOAD_MOST_BYTES, length)
    with tempfile.NamedTemporaryFile(dir=call.rooms.incoming) as stream:
        found = 0
        async for piece in call.request.content.iter_chunked(_PIECE_BYTES):
            found += len(piece)
            if found > UPLOAD_MOST_BYTES:
                raise web.HTTPRequestEntityTooLarge(UPLOAD_MOST_BYTES, found)
            hear(piece)
            stream.write(piece)
        stream.flush()
        yield Path(stream.name)


async def _told(call: Call, changed: Iterable[Release]) -> UploadedView:
    found = await call.office.missing(call.actor.tenant)
    views = [MissingView(**asdict(one)) for one in found]
    return UploadedView(changed=_views(changed), missing=views)


async def with_files(call: Call, found: Iterable[Release]) -> list[ReleaseView]:
    """Return releases with the files of those that are foreign."""
    tenant, views = call.actor.tenant, _views(found)
    paths = [one.path for one in views if one.kind == releases.FOREIGN]
    files = await call.office.database.read(lambda one: foreign.of_releases(one, tenant, paths))
    return [
        one.model_copy(update={"files": [_file_view(each) for each in files.get(one.path, [])]})
        for one in views
    ]


def _file_view(file: File) -> FileView:
    return FileView(
        name=file.name,
        type=file.type,
        boards=list(file.boards),
        sha256=file.sha256,
        length_bytes=file.length_bytes,
    )


def _views(found: Iterable[Release]) -> list[ReleaseView]:
    return [
        ReleaseView(**{**asdict(one), "boards": list(one.boards), "patches": list(one.patches)})
        for one in found
    ]


_READ, _WRITE = Scope.RELEASES_READ, Scope.RELEASES_WRITE
ENDPOINTS = (
    Endpoint(
        "GET",
        "/releases",
        _READ,
        "List releases",
        list_,
        ReleasesView,
        query=ReleasesQuery,
        reach=Reach.ALL,
    ),
    Endpoint(
        "POST",
        "/releases",
        _WRITE,
        "Upload a bundle: verified, then stored, published when nothing is missing",
        take_bundle,
        UploadedView,
        is_upload=True,
    ),
    Endpoint(
        "GET",
        "/releases/{version}",
        _READ,
        "Show a release",
        show,
        ReleaseView,
        query=ProductQuery,
        reach=Reach.ALL,
    ),
    Endpoint(
        "GET",
        "/objects",
        _READ,
        "Tell which files are missing",
        missing,
        UploadedView,
        reach=Reach.ALL,
    ),
    Endpoint(
        "PUT",
        "/objects/{sha256}",
        _WRITE,
        "Upload a file that is missing",
        take_object,
        UploadedView,
        is_upload=True,
    ),
)
