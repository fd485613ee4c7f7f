"""One session that is under way, as the console has it: what waits for whom, and since when."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from edge.console.audit import Actor
from edge.console.desk import Via
from edge.console.terminal.mailbox import Mailbox
from edge_signing.errors import SigningError
from edge_signing.terminal.grant import SignedGrant
from edge_signing.terminal.handshake import Answer, check_answer
from edge_signing.terminal.parcels import Order
from edge_signing.terminal.record import Closing, linked

# A person or a device that says nothing for so long has gone.
PERSON_SILENT_S: Final = 45.0
DEVICE_SILENT_S: Final = 90.0
# How long a device may take to end what it was asked to end.
ENDING_S: Final = 20.0
_OVER_S: Final = 120.0
# Of what waits for the person: the device is told to go on below the first, and it is too much
# above the second.
PERSON_BYTES: Final = 256 << 10
PERSON_MOST_BYTES: Final = 2 << 20


@dataclass(slots=True)
class Call:
    """One session that is under way.

    Attributes:
        actor: Who opened it; nobody else may type.
        signed: Its grant.
        packed: The same as it came.
        via: The link that the device has taken; None before it has said anything.
        digest: Of the chain of the record, from the transcript on.
        is_over: It is over, or about to be.
        is_told: What both ends are told last waits for them.
        unsaid: The number of the chunk that is stored and was not told to be; -1 for none.
    """

    actor: Actor
    signed: SignedGrant
    packed: bytes
    began: float
    via: Via | None = None
    digest: bytes = b""
    answer: Answer | None = None
    unsaid: int = -1
    ending: str = ""
    is_over: bool = False
    is_told: bool = False
    from_device: Order = field(default_factory=Order)
    from_person: Order = field(default_factory=Order)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    person_heard: float = 0.0
    device_heard: float = 0.0
    ending_since: float = 0.0
    to_device: Mailbox = field(init=False)
    to_person: Mailbox = field(init=False)

    def __post_init__(self) -> None:
        self.to_device, self.to_person = Mailbox(self.session), Mailbox(self.session)
        self.person_heard = self.device_heard = self.began

    @property
    def session(self) -> str:
        """Its id."""
        return self.signed.grant.session

    @property
    def device(self) -> str:
        """Whose it is."""
        return self.signed.grant.device

    @property
    def key(self) -> tuple[str, str]:
        """What it is found by."""
        return self.actor.tenant, self.session

    def take_answer(self, content: bytes) -> None:
        """Take the answer of the device.

        Raises:
            SigningError: It is not that of the device of the grant.
        """
        answer = Answer.unpack(content)
        self.digest = check_answer(self.signed.grant, self.packed, answer)
        self.answer = answer

    def link_chunk(self, content: bytes) -> None:
        """Let the chain go on with a chunk that is stored."""
        self.digest = linked(self.digest, content)

    def is_whole(self, closing: Closing, chunks: int) -> bool:
        """Return whether the record that is stored is what the device has signed."""
        if self.answer is None or closing.chunks != chunks or closing.digest != self.digest:
            return False
        try:
            closing.require_signed(self.answer.certificate)
        except SigningError:
            return False
        return True

    def overdue(self, now: float, now_s: int) -> str:
        """Return why it has to be over now, empty if it has not."""
        grant = self.signed.grant
        if self.ending and now >= self.ending_since + ENDING_S:
            return self.ending
        if self.answer is None and now_s >= grant.not_after_s:
            return "the device has not answered in time"
        if self.answer is not None and now >= self.device_heard + DEVICE_SILENT_S:
            return "the device says nothing any more"
        longest_s = grant.not_after_s - grant.issued_at_s + grant.longest_s + _OVER_S
        if now >= self.began + longest_s:
            return "it took too long"
        return ""

    def wish_to_end(self, now: float) -> str:
        """Return why the device should end it, empty if it should not."""
        if now >= self.person_heard + PERSON_SILENT_S:
            return "the person has gone"
        if self.to_person.length_bytes > PERSON_MOST_BYTES:
            return "the person does not read"
        return ""
