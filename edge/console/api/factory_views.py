"""What the API says and takes of factory lines."""

from typing import Any

from pydantic import Field

from edge.console.api.views import Sha256, View, Words
from edge.console.devices.quarantine import Reason
from edge.console.factory.outcome import Outcome
from edge.console.factory.records import Standing
from edge.factory.made import Fate

RECORDS_MOST = 200
CONTENTS_MOST = 2000
_Name = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$")


class RecordsBody(Words):
    """Records of one station, in the order of their numbers; each is taken or refused by itself."""

    records: list[dict[str, Any]] = Field(max_length=RECORDS_MOST)


class OutcomeView(View):
    """What became of a record."""

    device: str = Field(description="Empty if the record can not be read")
    outcome: Outcome
    problem: str = Field("", description="Why it conflicts with others, or is refused")


class OutcomesView(View):
    """What became of each record, in the order in which they were sent."""

    outcomes: list[OutcomeView]


class LackingBody(Words):
    """Which records a station has: SHA-256 of each, as canonical JSON."""

    line: str = _Name
    station: str = _Name
    contents: list[Sha256] = Field(max_length=CONTENTS_MOST)


class LackingView(View):
    """Those that are not here, in the order in which they were sent."""

    contents: list[str]


class MadeRecordView(View):
    """What a line told of a device."""

    id: int
    standing: Standing = Field(description="The newest one counts")
    problem: str = Field(description="Why it conflicts with others; empty if it does not")
    received_at_s: int
    device: str
    fate: Fate
    line: str
    station: str
    number: int = Field(description="Of the entry in the station's ledger")
    digest: str = Field(description="Of that entry, SHA-256 in hex")
    made_at_s: int
    operator: str
    product: str
    board: str
    board_serial: str
    order: str
    release: str
    image: str
    key: str = Field(description="SHA-256 of the public key in hex")
    certificate: str = Field(description="SHA-256 of the certificate in hex")
    retired: list[str]
    tests: dict[str, str]


class QuarantineView(View):
    """Why a device is in quarantine."""

    device: str
    reason: Reason
    since_s: int
    details: dict[str, Any]


class MadeView(View):
    """What lines told of a device, newest first, and why it is in quarantine if it is."""

    records: list[MadeRecordView]
    quarantine: QuarantineView | None


class StationView(View):
    """A station, and how many devices it has made."""

    line: str
    station: str
    good: int
    scrapped: int
    conflicts: int
    last_made_at_s: int
    last_sync_s: int = Field(description="When it was heard last")


class DayView(View):
    """How many devices a line made well on a day."""

    begins_at_s: int
    line: str
    devices: int


class FactoryQuery(Words):
    """How many days back."""

    days: int = Field(30, ge=1, le=366)


class FactoryView(View):
    """Lines, stations, what they made, and what somebody has to look at."""

    stations: list[StationView]
    days: list[DayView]
    quarantine: list[QuarantineView] = Field(description="Newest first, 500 at most")
    conflicts: list[MadeRecordView] = Field(description="Newest first, 100 at most")
