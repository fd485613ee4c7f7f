"""Endpoints about the SBOM of a release: what it tells, the document, what differs."""

import asyncio
from dataclasses import asdict

from aiohttp import web

from edge.console import releases
from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.api.sbom_views import (
    DifferenceQuery,
    PackageChangeView,
    SbomDifferenceView,
    SbomPackageView,
    SbomQuery,
    SbomServiceView,
    SbomView,
    ServiceChangeView,
)
from edge.console.api.views import ProductQuery
from edge.console.http import file_answer
from edge.console.releases import Release
from edge.console.repository import sboms
from edge.console.repository.sboms import Document
from edge.console.tokens import Scope
from edge.sbom import difference
from edge.sbom.choosing import chosen
from edge_signing.sbom import FILE


async def show(call: Call) -> SbomView:
    """Tell the services and packages of a release."""
    query = call.query_as(SbomQuery)
    document = await _document(call, await _release(call, query.product))
    sbom = await asyncio.to_thread(sboms.read, document)
    found = chosen(sbom.packages, query.match, query.service)
    return SbomView(
        path=document.target.path,
        sha256=document.target.sha256,
        length_bytes=document.target.length_bytes,
        name=sbom.name,
        created=sbom.created,
        system=sbom.system,
        services=[SbomServiceView(**asdict(one)) for one in sbom.services],
        packages=[
            SbomPackageView(**asdict(one) | {"places": list(one.places)})
            for one in found[query.after : query.after + query.limit]
        ],
        total=len(found),
        next=_next(query.after, query.limit, len(found)),
    )


async def give(call: Call) -> web.StreamResponse:
    """Give the document as it was signed."""
    release = await _release(call, call.query_as(ProductQuery).product)
    document = await _document(call, release)
    name = f"{release.product}-{release.version}.{FILE}"
    # A version may be taken back and released anew: what is cached is asked for again.
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    etag = f'"{document.target.sha256}"'
    return await file_answer.unchanging(call.request, document.file, etag, headers)


async def compare(call: Call) -> SbomDifferenceView:
    """Tell what differs from an earlier release."""
    query = call.query_as(DifferenceQuery)
    release = await _release(call, query.product)
    before = await _release(call, release.product, query.before)
    documents = [await _document(call, one) for one in (before, release)]

    def compared() -> difference.Difference:
        old, new = map(sboms.read, documents)
        return difference.between(old, new)

    found = await asyncio.to_thread(compared)
    page = found.packages[query.after : query.after + query.limit]
    return SbomDifferenceView(
        before=before.version,
        version=release.version,
        services=[ServiceChangeView(**asdict(one)) for one in found.services],
        packages=[PackageChangeView.model_validate(asdict(one)) for one in page],
        counts=dict(found.counts),
        next=_next(query.after, query.limit, len(found.packages)),
    )


async def _release(call: Call, product: str, version: str = "") -> Release:
    tenant, wanted = call.actor.tenant, version or call.part("version")
    return await call.office.database.read(lambda one: releases.find(one, tenant, wanted, product))


async def _document(call: Call, release: Release) -> Document:
    vault = call.office.vaults.of(call.actor.tenant)
    return await asyncio.to_thread(sboms.find, vault, release.product, release.version)


def _next(after: int, limit: int, total: int) -> str:
    return str(after + limit) if after + limit < total else ""


_READ = Scope.RELEASES_READ
ENDPOINTS = (
    Endpoint(
        "GET",
        "/releases/{version}/sbom",
        _READ,
        "Tell the services and packages of a release",
        show,
        SbomView,
        query=SbomQuery,
        reach=Reach.ALL,
    ),
    Endpoint(
        "GET",
        "/releases/{version}/sbom/document",
        _READ,
        "Give the SBOM of a release as it was signed",
        give,
        query=ProductQuery,
        is_download=True,
        reach=Reach.ALL,
    ),
    Endpoint(
        "GET",
        "/releases/{version}/sbom/difference",
        _READ,
        "Tell what differs between the SBOMs of two releases",
        compare,
        SbomDifferenceView,
        query=DifferenceQuery,
        reach=Reach.ALL,
    ),
)
