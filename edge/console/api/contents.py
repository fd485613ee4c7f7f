"""Endpoints about what a release is made of."""

import asyncio

from edge.console import releases
from edge.console.api.detail_views import (
    ContentsView,
    DocumentView,
    ImageView,
    PatchView,
    PayloadView,
)
from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.api.views import ProductQuery
from edge.console.tokens import Scope
from edge.errors import ThingNotFoundError
from edge_signing.release import Image, PatchSet, Payload, Release
from edge_signing.trust.offline import Target


async def show(call: Call) -> ContentsView:
    """Tell what a release is made of."""
    query, tenant, version = call.query_as(ProductQuery), call.actor.tenant, call.part("version")
    found = await call.office.database.read(
        lambda one: releases.find(one, tenant, version, query.product)
    )
    vault = call.office.vaults.of(tenant)
    known, named = await asyncio.to_thread(lambda: (vault.documents(), vault.named()))
    release = next(
        (one for one in known if isinstance(one, Release) and one.path == found.path), None
    )
    if release is None:
        raise ThingNotFoundError(f"{found.path} is offered no longer")
    patches = [
        one
        for one in known
        if isinstance(one, PatchSet)
        and (one.product, one.version) == (release.product, release.version)
    ]
    folder = f"{release.product}/{release.version}/"
    return ContentsView(
        path=release.path,
        images=[_image(one) for one in release.images],
        payloads=[_payload(one) for one in release.payloads],
        patches=[
            PatchView(
                base_version=one.base_version, payloads=[_payload(each) for each in one.payloads]
            )
            for one in sorted(patches, key=lambda each: each.base_version)
        ],
        documents=[
            _document(one) for path, one in sorted(named.items()) if path.startswith(folder)
        ],
        from_counter=release.from_counter,
    )


def _image(one: Image) -> ImageView:
    return ImageView(
        partition=one.partition,
        length_bytes=one.content.length_bytes,
        sha256=one.content.sha256.hex(),
        root_hash=one.tree.root_hash.hex() if one.tree else "",
    )


def _payload(one: Payload) -> PayloadView:
    return PayloadView(
        partition=one.partition,
        kind=one.kind,
        blob_bytes=one.blob.length_bytes,
        table_bytes=one.table.length_bytes,
        base_sha256=one.base.sha256.hex() if one.base else "",
    )


def _document(one: Target) -> DocumentView:
    return DocumentView(path=one.path, sha256=one.sha256, length_bytes=one.length_bytes)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/releases/{version}/contents",
        Scope.RELEASES_READ,
        "Tell what a release is made of",
        show,
        ContentsView,
        query=ProductQuery,
        reach=Reach.ALL,
    ),
)
