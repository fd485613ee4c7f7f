"""The endpoint that takes many devices at once."""

from sqlalchemy import Connection

from edge.console.api.endpoint import Call, Endpoint
from edge.console.api.errors import WrongWordsError
from edge.console.api.views import ImportBody, ImportedView
from edge.console.devices import imports
from edge.console.devices.imports import EntryError, Imported, TrialError
from edge.console.devices.roster import Entry
from edge.console.notices import Topic
from edge.console.tokens import Scope


async def take(call: Call) -> ImportedView:
    """Let many devices in: all that are sent, or none of them."""
    body = call.body_as(ImportBody)
    entries = [
        Entry(
            one.device,
            one.certificate or "",
            tuple(one.tags),
            tuple(one.groups),
            one.notes,
            one.attributes,
        )
        for one in body.devices
    ]

    def step(connection: Connection) -> Imported:
        found = imports.take(connection, call.actor, entries)
        if body.trial:
            raise TrialError(found)
        return found

    try:
        done = await call.office.act(call.actor, Topic.DEVICE, "", step)
    except TrialError as trial:
        done = trial.found
    except EntryError as error:
        place = f"body.devices.{error.index}"
        raise WrongWordsError(f"{place}: {error}", place, hint=error.hint) from error
    return ImportedView(new=done.new, known=done.known)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/imports/devices",
        Scope.DEVICES_WRITE,
        "Let many devices in: all that are sent, or none of them",
        take,
        ImportedView,
        body=ImportBody,
    ),
)
