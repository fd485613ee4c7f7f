"""What devices are told over DDI, as values for JSON. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge.console.ddi.machine import State
from edge.console.foreign import File

Document = dict[str, Any]
# What hawkBit calls the kind of software that is a whole system.
_PART: Final = "os"


@dataclass(frozen=True, slots=True)
class Action:
    """An order as a device sees it.

    Attributes:
        number: Names it in the paths of DDI.
        action: Names it everywhere else.
        is_forced: Else the device may choose when.
        is_retrieved: The device has read what it is to install.
        until_s: So long its user may put it off, seconds since 1970; 0: as the rest says.
    """

    number: int
    action: str
    state: State
    release: str
    product: str
    version: str
    file: File
    download_only: bool = False
    is_forced: bool = True
    is_retrieved: bool = False
    until_s: int = 0

    def is_over(self, now_s: int) -> bool:
        """Return whether the time is over in which its user may put it off."""
        return 0 < self.until_s <= now_s

    def is_forced_at(self, now_s: int) -> bool:
        """Return whether the device is to go on at once."""
        return self.is_forced and (not self.until_s or self.is_over(now_s))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device finds what is its own.

    Attributes:
        url: `https://fleet.example.com:8443/default/controller/v1/unit-7`.
        poll_s: How long it is to wait until it asks again.
        now_s: The time, seconds since 1970.
    """

    url: str
    poll_s: int
    now_s: int = 0

    def link(self, path: str) -> Document:
        """Return the link to a thing of the device."""
        return {"href": f"{self.url}/{path}"}


@dataclass(frozen=True, slots=True)
class Agenda:
    """What there is for a device to do.

    Attributes:
        current: The one order that it is to look at.
        installed: The last one that it has done.
        wants_data: It is to say its attributes.
    """

    current: Action | None = None
    installed: Action | None = None
    wants_data: bool = False


def root(place: Place, agenda: Agenda) -> Document:
    """Return what a device gets that polls."""
    links: Document = {}
    if agenda.current is not None:
        number = agenda.current.number
        # Another one once the time is over: updaters that keep documents read it anew.
        content = 2 if agenda.current.is_over(place.now_s) else 1
        match agenda.current.state:
            case State.WAITING:
                links["confirmationBase"] = place.link(f"confirmationBase/{number}?c={content}")
            case State.CANCELLING:
                links["cancelAction"] = place.link(f"cancelAction/{number}")
            case _:
                links["deploymentBase"] = place.link(f"deploymentBase/{number}?c={content}")
    if agenda.installed is not None:
        links["installedBase"] = place.link(f"installedBase/{agenda.installed.number}")
    if agenda.wants_data:
        links["configData"] = place.link("configData")
    said: Document = {"config": {"polling": {"sleep": clock(place.poll_s)}}}
    return {**said, "_links": links} if links else said


def deployment(
    place: Place, action: Action, *, name: str = "deployment", history: Sequence[str] = ()
) -> Document:
    """Return what a device is to install.

    Args:
        place: Of the device.
        action: The order.
        name: What the part that says it is called.
        history: What the device has said of it, newest first.
    """
    is_forced = action.is_forced_at(place.now_s) or action.download_only
    how = "forced" if is_forced else "attempt"
    chunk: Document = {
        "part": _PART,
        "version": action.version,
        "name": action.product,
        "artifacts": artifacts(place, action),
    }
    said: Document = {
        "id": str(action.number),
        name: {
            "download": how,
            "update": "skip" if action.download_only else how,
            "chunks": [chunk],
        },
    }
    if history:
        status = "FINISHED" if action.state is State.ENDED else "RUNNING"
        said["actionHistory"] = {"status": status, "messages": list(history)}
    return said


def artifacts(place: Place, action: Action) -> list[Document]:
    """Return the files of an order: one, for that is what all updaters can take."""
    file = action.file
    path = f"softwaremodules/{action.number}/artifacts/{file.name}"
    end = "" if place.url.startswith("https:") else "-http"
    links = {
        f"download{end}": place.link(path),
        f"md5sum{end}": place.link(f"{path}.MD5SUM"),
    }
    hashes = {"sha1": file.sha1, "md5": file.md5, "sha256": file.sha256}
    return [
        {
            "filename": file.name,
            "size": file.length_bytes,
            "hashes": hashes,
            "_links": links,
        }
    ]


def cancel(action: Action) -> Document:
    """Return what tells a device to stop."""
    number = str(action.number)
    return {"id": number, "cancelAction": {"stopId": number}}


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether the user of a device agrees to all orders to come.

    Attributes:
        at_s: Since when; 0: not.
    """

    at_s: int = 0
    by: str = ""
    remark: str = ""


def confirmation_base(place: Place, consent: Consent, waiting: Action | None) -> Document:
    """Return what a device can confirm."""
    said: Document = {"active": bool(consent.at_s)}
    if consent.at_s:
        words = {"initiator": consent.by, "remark": consent.remark}
        said |= {name: value for name, value in words.items() if value}
        said["activatedAt"] = consent.at_s * 1000
    act = "deactivateAutoConfirm" if consent.at_s else "activateAutoConfirm"
    links = {act: place.link(f"confirmationBase/{act}")}
    if waiting is not None:
        links["confirmationBase"] = place.link(f"confirmationBase/{waiting.number}?c=1")
    return {"autoConfirm": said, "_links": links}


def clock(seconds: int) -> str:
    """Return a duration below a day as DDI writes it."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def oldest(actions: Iterable[Action]) -> Action | None:
    """Return the one order that a device is to look at: of those under way the oldest."""
    left = [one for one in actions if one.state is not State.ENDED]
    return min(left, key=lambda one: one.number, default=None)
