"""Endpoints about filters that are being written."""

from dataclasses import asdict

from sqlalchemy import Connection

from edge.console.api.detail_views import FilterQuery, FilterView, MistakeView, SuggestionView
from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.devices import device_filter, finding, groups, known_values, reach
from edge.console.filters.complete import begun, suggestions
from edge.console.filters.errors import FilterError
from edge.console.tokens import Scope


async def check(call: Call) -> FilterView:
    """Tell what is wrong with a filter, what may follow, and how many devices it means."""
    query = call.query_as(FilterQuery)
    return await call.office.database.read(lambda one: _checked(one, call, query))


def _checked(connection: Connection, call: Call, query: FilterQuery) -> FilterView:
    tenant, where = call.actor.tenant, call.own()
    start = begun(query.text, query.at).strip('"')
    found = suggestions(
        query.text,
        query.at,
        lambda field: known_values.of(connection, tenant, field, start, where),
    )
    mistake, count = None, None
    try:
        named = groups.named(connection, tenant)
        filtered = device_filter.meant(query.text, tenant, call.actor.now_s, named)
        meant = reach.meant(call.visitor) + filtered
        count = finding.count(connection, meant, finding.COUNT_MOST)
    except FilterError as error:
        mistake = MistakeView(
            reason=error.reason, start=error.start, end=error.end, hint=error.hint or ""
        )
    views = [SuggestionView(**asdict(one)) for one in found]
    return FilterView(
        suggestions=views,
        mistake=mistake,
        devices=count.devices if count else None,
        is_least=count is not None and count.is_least,
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/filters/check",
        Scope.DEVICES_READ,
        "Tell what is wrong with a filter, what may follow, and how many devices it means",
        check,
        FilterView,
        query=FilterQuery,
        reach=Reach.OWN,
    ),
)
