"""What the API says and takes, as JSON."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from edge.console.devices.states import State
from edge.console.foreign import Type
from edge_signing.messages import Confirm, Reboot

MOST = 500
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class View(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class Words(BaseModel):
    """A body or a query: unknown words are errors, and nothing is guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ErrorView(View):
    """Why a request was not done; `place` is where in it, such as `body.device`."""

    error: str
    place: str = ""
    hint: str = ""


class DeviceView(View):
    """A device: how it stands, what it said last, and what it should run."""

    device: str
    state: State
    certificate: str = Field(description="SHA-256 in hex; empty until its first call")
    epoch: int
    board: str
    product: str
    version: str
    services: dict[str, str] = Field(
        description="What runs of those that are updated in place: releases, or, if none that is"
        " here is equal to the system's own, the start of a digest. Empty: it does not say"
    )
    counter: int
    slot: str
    phase: str
    action: str
    release: str
    reason: str
    percent: int
    done_bytes: int
    planned_bytes: int = Field(description="Of what is under way; 0 for nothing")
    bytes_per_s: int
    is_online: bool = Field(description="By its birth or will over MQTT")
    first_seen_s: int = Field(description="0: never")
    last_seen_s: int = Field(description="0: never")
    via: str
    mqtt_refusal: str = Field(description="Why MQTT does not serve it; empty if it does")
    desired_release: str
    desired_action: str
    notes: str
    tags: list[str]
    groups: list[str] = Field(description="Those that it is a member of; not those with a filter")
    attributes: dict[str, str]
    reported: dict[str, str] = Field(description="Attributes that it says of itself: text, no more")


class DevicesView(View):
    """Devices in the order that was asked for; `after` of the next page, empty at the end."""

    devices: list[DeviceView]
    next: str
    total: int | None = Field(None, description="How many are meant, if that was asked for")
    is_total_least: bool = Field(False, description="There are more: not all were counted")


class DevicesQuery(Words):
    """Which devices."""

    filter: str = Field("", max_length=4000, description="In the filter language")
    state: State | None = None
    tag: str = Field("", max_length=64)
    sort: Literal["id", "-id", "seen", "-seen", "version", "-version"] = Field(
        "id", description="With `-` the other way round"
    )
    after: str = Field("", max_length=1000, description="What the page before gave as `next`")
    limit: int = Field(100, ge=1, le=MOST)
    total: bool = Field(False, description="Say how many are meant in all")


class RegisterBody(Words):
    """A device that has not called yet; known by its certificate, else by its id."""

    device: str
    certificate: Sha256 | None = None


class ImportedDevice(Words):
    """A device of a list: registered if it is not known, and what people say of it added."""

    device: str
    certificate: Sha256 | None = None
    tags: list[str] = Field([], max_length=100)
    groups: list[str] = Field([], max_length=100)
    notes: str = ""
    attributes: dict[str, str] = Field({}, max_length=100)


class ImportBody(Words):
    """Devices to let in, all or none."""

    devices: list[ImportedDevice] = Field(max_length=1000)
    trial: bool = Field(False, description="Tell what would be done, and do nothing")


class ImportedView(View):
    """How many were new, and how many were known."""

    new: int
    known: int


class ReEnrolBody(Words):
    """The certificate of a device from now on; without it the first one of its name."""

    certificate: Sha256 | None = None


class EpochView(View):
    """The epoch that the device has to be given with its new certificate."""

    epoch: int


class TagsBody(Words):
    """Tags to add and to remove."""

    add: list[str] = Field([], max_length=100)
    remove: list[str] = Field([], max_length=100)


class TagsView(View):
    """The tags of a device."""

    tags: list[str]


class AttributesBody(Words):
    """Attributes to set, and with null to take away."""

    attributes: dict[str, str | None] = Field(max_length=100)


class AttributesView(View):
    """The attributes of a device."""

    attributes: dict[str, str]


class NotesBody(Words):
    """What people wrote of a device."""

    notes: str


class GroupView(View):
    """A group: the devices that its filter means now, or else its members."""

    group: str
    filter: str = Field(description="Empty for a group with members")
    notes: str
    devices: int


class GroupsView(View):
    """The groups in the order of their names."""

    groups: list[GroupView]


class GroupBody(Words):
    """What the devices of a group are; without a filter it has members."""

    filter: str = Field("", max_length=4000, description="In the filter language, naming no group")
    notes: str = Field("", max_length=1000)


class MembersBody(Words):
    """Devices to add and to take out."""

    add: list[str] = Field([], max_length=1000)
    take_out: list[str] = Field([], max_length=1000)


class FileView(View):
    """A file of a foreign release."""

    name: str
    type: Type
    boards: list[str]
    sha256: str
    length_bytes: int


class ReleaseView(View):
    """A release; devices can be sent to it once it is published."""

    path: str
    product: str
    version: str
    counter: int
    from_counter: int = Field(
        description="The lowest counter of a system that may update to it directly"
    )
    boards: list[str]
    notes: str
    patches: list[str]
    is_published: bool
    kind: Literal["edge", "foreign", "service"]
    files: list[FileView] = Field([], description="Of a foreign release")


class MissingView(View):
    """A file that signed metadata names and that is not here."""

    name: str
    sha256: str
    length_bytes: int
    is_optional: bool = Field(description="All is published without it: an SBOM")


class ReleasesView(View):
    """Releases in the order of their paths."""

    releases: list[ReleaseView]
    next: str


class ReleasesQuery(Words):
    """Which releases."""

    product: str = Field("", max_length=64)
    after: str = Field("", max_length=400)
    limit: int = Field(100, ge=1, le=MOST)


class ProductQuery(Words):
    """Of which product, where two have the version."""

    product: str = Field("", max_length=64)


class UploadedView(View):
    """What an upload changed, and what is still missing."""

    changed: list[ReleaseView]
    missing: list[MissingView]


class CollectBody(Words):
    """Which files of the repository to remove, of those that no signed document names."""

    keep_s: int = Field(86400, ge=3600, description="Younger ones stay")
    trial: bool = Field(False, description="Tell, and remove nothing")


class LeftoverView(View):
    """A file that nothing names."""

    name: str
    length_bytes: int


class CollectedView(View):
    """The files that were removed, or would be."""

    files: list[LeftoverView]
    length_bytes: int


class DeployBody(Words):
    """What a device should run, and how it may get there."""

    device: str
    version: str
    product: str = ""
    download_only: bool = False
    reboot: Reboot = "now"
    confirm: Confirm = "as-set"
    confirm_until_s: int = Field(
        0, ge=0, lt=1 << 40, description="From then on the user is asked no more; 0: he always is"
    )
    window: str = Field(
        "",
        max_length=11,
        description="HH:MM-HH:MM in the local time of the device, for reboot `window`;"
        " empty: as the device sets it",
    )
    approval: dict[str, Any] | None = Field(
        None, description="What people signed for it, for devices that want that"
    )


class OrderView(View):
    """An order; `replaced` until the device has told how it ended, if another one followed."""

    action: str
    device: str
    release: str
    version: str
    state: Literal["open", "replaced", "succeeded", "failed", "cancelled"]
    reason: str
    created_at_s: int
    closed_at_s: int = Field(description="0: not yet")
    cancel_asked_at_s: int = Field(description="0: never; the device decides")
    campaign: str = Field("", description="That gave it; empty if a person did")
    campaign_name: str = ""


class OrdersView(View):
    """The orders of a device, newest first."""

    orders: list[OrderView]


class EventView(View):
    """Something that happened on a device; `at_s` is its clock, which may be wrong."""

    number: int
    device: str
    boot_id: str
    n: int
    at_s: int
    received_at_s: int
    kind: str
    action: str
    version: str
    reason: str


class EventsView(View):
    """Events in the order in which they came; `after` of the next page."""

    events: list[EventView]
    next: int


class EventsQuery(Words):
    """Which events."""

    device: str = Field("", max_length=64)
    after: int = Field(0, ge=0, le=(1 << 53) - 1)
    limit: int = Field(100, ge=1, le=MOST)


class EntryView(View):
    """An entry of the audit log: `digest` is over it and the digest of the one before."""

    number: int
    tenant: str
    at_s: int
    actor: str
    act: str
    subject: str
    details: dict[str, object]
    digest: str


class AuditView(View):
    """Entries in order; `after` of the next page."""

    entries: list[EntryView]
    next: int


class AuditQuery(Words):
    """Which entries; with a subject it is the history of one thing."""

    subject: str = Field("", max_length=500, description="With `*` at its end: what begins so")
    actor: str = Field("", max_length=200)
    act: str = Field("", max_length=100, description="With `*` at its end: what begins so")
    after: int = Field(0, ge=0, le=(1 << 53) - 1)
    before: int = Field(0, ge=0, le=(1 << 53) - 1, description="Only older ones; 0: all")
    since_s: int = Field(0, ge=0, le=(1 << 53) - 1, description="Only those since then")
    newest: bool = Field(False, description="Newest first: `next` is then the next `before`")
    limit: int = Field(100, ge=1, le=MOST)
