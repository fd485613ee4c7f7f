"""What the API says of a fleet as a whole."""

from pydantic import Field

from edge.console.api.views import View, Words


class VersionCountView(View):
    """How many accepted devices run a version."""

    product: str
    version: str
    devices: int


class ReasonView(View):
    """Why orders failed, and how many."""

    reason: str
    orders: int


class UnderWayView(View):
    """An order that is open, and how far its device has come with it."""

    device: str
    action: str
    version: str = Field(description="That runs")
    wanted: str = Field(description="That is ordered")
    phase: str = Field(description="Empty: the device has not begun with this order")
    percent: int
    created_at_s: int


class UnderWaysView(View):
    """The newest open orders, and how many there are."""

    total: int
    orders: list[UnderWayView]


class NoticedView(View):
    """A device that somebody should look at; what is not known of it is empty or 0."""

    device: str
    version: str = ""
    reason: str = ""
    certificate: str = ""
    at_s: int = Field(description="When it asked, failed, or was heard last")


class NoticedsView(View):
    """The first devices, and how many there are."""

    total: int
    devices: list[NoticedView]


class OverviewView(View):
    """How the fleet stands: all figures are of the devices that can be reached by who asks."""

    now_s: int
    counted_at_s: int = Field(
        description="When it was so: before now_s for a large fleet, which is counted anew by then"
    )
    states: dict[str, int]
    connected: int = Field(description="Accepted devices that are connected by MQTT")
    heard: list[int] = Field(
        description="Accepted devices heard within 5 minutes, an hour, a day, a week, before, never"
    )
    versions: list[VersionCountView] = Field(description="The 12 most frequent")
    outcomes: dict[str, int] = Field(description="Orders that ended in the last 7 days")
    reasons: list[ReasonView]
    under_way: UnderWaysView
    pending: NoticedsView
    failed: NoticedsView
    silent: NoticedsView = Field(description="Not heard for a day")


class SamplesQuery(Words):
    """Since when."""

    days: int = Field(7, ge=1, le=90)


class SampleView(VersionCountView):
    """How many accepted devices ran a version at a time."""

    at_s: int


class SamplesView(View):
    """Samples in the order of time; none for who can reach some groups only."""

    samples: list[SampleView]


class ConsoleView(View):
    """The console itself."""

    version: str
    database: str = Field(description="sqlite or postgresql")
    store_batches: int
    started_at_s: int
    now_s: int
    listeners: int = Field(description="Pages that listen for changes")
    devices: int
    audit_entries: int
