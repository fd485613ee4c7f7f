"""Endpoints about the files of a tenant's repository."""

from dataclasses import asdict

from edge.console.api.endpoint import Call, Endpoint
from edge.console.api.views import CollectBody, CollectedView, LeftoverView
from edge.console.tokens import Scope


async def collect(call: Call) -> CollectedView:
    """Remove files that no signed document names any more."""
    body = call.body_as(CollectBody)
    found = await call.office.collect(call.actor, keep_s=body.keep_s, is_trial=body.trial)
    return CollectedView(
        files=[LeftoverView(**asdict(one)) for one in found],
        length_bytes=sum(one.length_bytes for one in found),
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/repository/collect",
        Scope.RELEASES_WRITE,
        "Remove files that no signed document names any more",
        collect,
        CollectedView,
        body=CollectBody,
    ),
)
