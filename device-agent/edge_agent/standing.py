"""What the system that runs is: `/etc/edge/device.json`, in the verified root."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edge_agent.counters import Floor
from edge_agent.errors import AgentError
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import MOST, Fields
from edge_signing.release import NAME

FILE: Final = Path("/etc/edge/device.json")
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """What releases are compared with.

    Attributes:
        board: The board that the image is for.
        product: Whose releases it takes.
        version: Of this release.
        counter: Its rollback counter.
        clock_s: A time that has passed, in seconds since 1970.
    """

    board: str = "unknown"
    product: str = "unknown"
    version: str = "0"
    counter: int = 0
    clock_s: int = 0

    def pack(self) -> bytes:
        """Return the file that says it."""
        return canonical.encode({"format": FORMAT, **asdict(self)})

    @classmethod
    def unpack(cls, data: bytes) -> "Standing":
        """Return what the file says.

        Raises:
            FormatError: It is not such a file.
        """
        fields = Fields(canonical.decode(data), FILE.name)
        fields.one_of("format", (FORMAT,))
        standing = cls(
            board=fields.text("board", NAME),
            product=fields.text("product", NAME),
            version=fields.text("version", NAME),
            counter=fields.integer("counter", most=MOST),
            clock_s=fields.integer("clock_s", most=MOST),
        )
        fields.end()
        return standing

    @classmethod
    def read(cls, file: Path = FILE) -> "Standing":
        """Return what the system that runs is.

        Raises:
            AgentError: The file is missing or wrong: nothing can be compared then.
        """
        try:
            return cls.unpack(file.read_bytes())
        except OSError as error:
            raise AgentError(f"{file}: {error.strerror}") from error
        except FormatError as error:
            raise AgentError(f"{file}: {error}") from error

    @property
    def floor(self) -> Floor:
        """What the running system itself says that the device must not go below."""
        return Floor(counter=self.counter, floor_s=self.clock_s)
