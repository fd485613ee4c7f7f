"""What the API says of one device or release in detail, and of filters."""

from typing import Literal

from pydantic import Field

from edge.console.api.views import MOST, View, Words


class HistoryQuery(Words):
    """How much of the history."""

    limit: int = Field(50, ge=1, le=MOST)
    after: str = Field("", description="`next` of the page before", max_length=256)


class HistoryItemView(View):
    """One thing that happened to a device."""

    at_s: int = Field(description="When the console heard of it")
    source: Literal["event", "order", "audit", "made"]
    what: str
    action: str
    version: str
    reason: str
    who: str = Field(description="Empty for the device")
    details: dict[str, object]
    place: str = Field(description="In the stream, for `after`; it is never another one")


class HistoryView(View):
    """What happened to a device, newest first; acts only for who may read the audit log."""

    items: list[HistoryItemView]
    next: str = Field(description="For the next page; empty at the end")


class ImageView(View):
    """What fills one partition of a slot."""

    partition: str
    length_bytes: int
    sha256: str
    root_hash: str = Field(description="Of its hash tree; empty if it has none")


class PayloadView(View):
    """One way to get an image."""

    partition: str
    kind: str
    blob_bytes: int
    table_bytes: int
    base_sha256: str = Field(description="Of the image that a patch starts from")


class PatchView(View):
    """The patches from one older release."""

    base_version: str
    payloads: list[PayloadView]


class DocumentView(View):
    """A document that the role of the product has signed."""

    path: str
    sha256: str
    length_bytes: int


class ContentsView(View):
    """What a release is made of, as its signed documents say."""

    path: str
    images: list[ImageView]
    payloads: list[PayloadView]
    patches: list[PatchView]
    documents: list[DocumentView]
    from_counter: int = Field(description="Devices below it can not take the release")


class FilterQuery(Words):
    """A filter that is being written, and where the cursor is."""

    text: str = Field("", max_length=4000)
    at: int = Field(0, ge=0, le=4000)


class SuggestionView(View):
    """A piece of text that may follow, in place of all from `start` to the cursor."""

    text: str
    start: int
    what: str


class MistakeView(View):
    """What is wrong with a filter, and from which letter to which."""

    reason: str
    start: int
    end: int
    hint: str


class FilterView(View):
    """A filter that is being written."""

    suggestions: list[SuggestionView]
    mistake: MistakeView | None
    devices: int | None = Field(description="How many it means; null if it can not be read")
    is_least: bool = Field(False, description="It means more: not all were counted")
